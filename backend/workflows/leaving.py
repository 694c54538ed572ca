"""A user takes everything along, and leaves nothing behind.

Owns what an export holds (every table with rows of theirs, and their photos) and the order in which a user is erased.
The audit stays, since it can't be changed: it holds ids and no name. Owns no permission.
"""

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, select
from sqlmodel import Session, SQLModel, col

from backend.core.errors import Conflict
from backend.core.zips import zip_stream
from backend.db import audit
from backend.db.engine import Database
from backend.db.models import AuditEvent, Batch, BoardChange, Draft, DraftPhoto, ModelChoice, Photo, Publication, User
from backend.db.scope import owned
from backend.photos.batches import MOVING
from backend.photos.store import PhotoStore
from backend.publications import journal
from backend.users.service import check_not_last_admin, everybody, find
from backend.workflows.pictures import delete_unnamed, keys_of

SECRETS = {"session", "password_hash", "secret_hash"}
"""Columns that open something: of no use outside, and a danger in a file that is passed on."""
NOTE = """Everything VintedBot kept of yours: a JSON file for each table, and your photos under the id they have in
photos.json. Left out are the sessions of marketplace accounts, and what passwords and keys are recognised by.
"""


@dataclass(frozen=True)
class Left:
    """What an erased user leaves on disk."""

    pictures: frozenset[str]
    folders: tuple[str, ...]


def export(database: Database, store: PhotoStore, user_id: str) -> Iterator[bytes]:
    """The ZIP, in pieces. The tables are read in one transaction: they fit together."""
    with database.session() as session:
        tables = {table.name: _rows(session, table, user_id) for table in _of_people()}
        audit.record(session, "user.exported", user_id, user_id)
    return zip_stream(_entries(tables, store))


def _entries(tables: dict[str, list[dict[str, Any]]], store: PhotoStore) -> Iterator[tuple[str, Path | bytes]]:
    yield "README.txt", NOTE.encode()
    for name, rows in tables.items():
        yield f"{name}.json", json.dumps(rows, ensure_ascii=False, indent=1, default=_as_json).encode()
    for photo in tables["photos"]:
        if photo["store_key"]:
            yield f"photos/{photo['id']}.jpg", store.path(photo["store_key"])


def _of_people() -> list[Table]:
    """Every table but the one that is the installation's own."""
    return [table for table in SQLModel.metadata.sorted_tables if table.name != ModelChoice.__tablename__]


def _rows(session: Session, table: Table, user_id: str) -> list[dict[str, Any]]:
    found = session.connection().execute(select(table).where(_theirs(table, user_id)))
    return [{key: value for key, value in row.items() if key not in SECRETS} for row in found.mappings()]


def _theirs(table: Table, user_id: str) -> Any:
    """The rows of this table that are the user's: by the column, or for the two tables without it by what they are."""
    if table.name == "users":
        return table.c.id == user_id
    if table.name == DraftPhoto.__tablename__:
        return table.c.draft_id.in_(select(col(Draft.id)).where(col(Draft.user_id) == user_id))
    return table.c.user_id == user_id


def _as_json(value: object) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def erase(session: Session, user_id: str) -> Left:
    """Deletes every row of the user's. Raises NotFound, Conflict: `last_admin`, or `user_busy` while something is under
    way that would be left half done on the marketplace."""
    user = find(session, user_id)
    if len(everybody(session)) > 1:
        check_not_last_admin(session, user)
    _check_idle(session, user)
    published = session.exec(owned(Publication, user_id)).all()
    keys = keys_of([*session.exec(owned(Photo, user_id)), *published, *session.exec(owned(BoardChange, user_id))])
    folders = [row.id for row in (*published, *session.exec(owned(Batch, user_id)))]
    left = Left(keys, (*folders, user_id))
    audit.record(session, "user.deleted", user_id, user_id)
    session.flush()
    for table in reversed(_of_people()):
        if table.name != AuditEvent.__tablename__:
            session.connection().execute(delete(table).where(_theirs(table, user_id)))
    session.expunge_all()
    return left


def _check_idle(session: Session, user: User) -> None:
    held = col(Publication.state).in_(journal.UNDER_WAY) | col(Publication.claim).is_not(None)
    publishing = owned(Publication, user.id).where(held)
    reading = owned(Batch, user.id).where(col(Batch.state).in_(MOVING))
    if session.exec(publishing).first() or session.exec(reading).first():
        raise Conflict(
            "Something is being published or read just now. Let it end, or cancel it, then try again.", code="user_busy"
        )


def clear_away(database: Database, store: PhotoStore, left: Left, roots: tuple[Path, ...]) -> None:
    """The files: pictures nobody else has the same of, evidence, uploads."""
    delete_unnamed(database, store, left.pictures)
    for root in roots:
        for name in left.folders:
            shutil.rmtree(root / name, ignore_errors=True)
