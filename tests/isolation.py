"""The world of the isolation walk: alice, who has one of everything, each marked as hers, and bob, who wants to see it.

Owns what alice has and how every route is to be probed. A route that isn't listed here is unknown to the walk, which
then fails: whoever adds a route says here what of alice's it could give away.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import FastAPI
from PIL import Image
from sqlmodel import Session, SQLModel

from backend.core import bundles
from backend.core.caller import Origin
from backend.db import audit
from backend.db.models import (
    Account,
    Batch,
    Draft,
    DraftPhoto,
    IdempotencyKey,
    ModelCall,
    Notification,
    Photo,
    Piece,
    Publication,
    SavedView,
    User,
    UserSettings,
)  # fmt: skip
from backend.photos import uploads
from backend.publications import journal
from backend.publications.evidence import folder_of
from backend.runtime import Runtime
from backend.users import keys, sign_in

MARK = "alices-own"
"""Stands in every text of alice's: wherever it shows up for somebody else, something leaked."""
Kind = Literal["foreign", "own", "admin", "open"]


@dataclass(frozen=True)
class Probe:
    """How a route is tried. `foreign`: its address or body names something of alice's, and is to answer 404. `own`: it
    names nothing, and shows only the caller's own. `admin`: 403 for a member. `open`: for everybody, shows nobody's.

    `json`, `form`, `query` may name alice's things by {braces}. `spends`: the caller's sign-in may be gone by it."""

    kind: Kind
    json: Any = None
    form: Mapping[str, Any] | None = None
    query: str = ""
    spends: bool = False


def foreign(**more: Any) -> Probe:
    return Probe("foreign", **more)


def own(**more: Any) -> Probe:
    return Probe("own", **more)


OPEN, ADMIN = Probe("open"), Probe("admin")
PAGE = {
    "GET /",
    "GET /batches",
    "GET /drafts",
    "GET /publish",
    "GET /publications",
    "GET /accounts",
    "GET /insights",
    "GET /notifications",
    "GET /security",
    "GET /wardrobe",
    "GET /wardrobe/import",
    "GET /settings",
    "GET /settings/reader",
}
PUBLISH = {"draft_id": "{draft_id}", "mode": "dry_run"}

PROBES: dict[str, Probe] = {
    **dict.fromkeys(
        ("GET /health", "GET /ready", "GET /metrics", "GET /api/v1/health", "GET /api/v1/ready", "GET /openapi.json",
         "GET /docs", "GET /docs/oauth2-redirect", "GET /redoc", "GET /sign-in", "GET /register", "GET /reset",
         "GET /forgotten", "GET /email",
         "GET /static", "GET /manifest.webmanifest"),
        OPEN,
    ),
    "POST /api/v1/auth/sign-in": Probe("open", json={"name": "bob", "password": "x"}),
    "POST /api/v1/auth/refresh": Probe("open", json={"refresh_token": "vbr_{session_id}_guess"}),
    "POST /api/v1/auth/register": Probe("open", json={"name": "eve", "password": "coat hanger violet sparrow"}),
    "POST /api/v1/auth/reset": Probe("open", json={"link": "{session_id}", "password": "coat hanger violet sparrow"}),
    "POST /api/v1/auth/forgotten": Probe("open", json={"name": "alice"}),
    "POST /api/v1/auth/email": Probe("open", json={"link": "{session_id}"}),
    "POST /forgotten": Probe("open", form={"name": "alice"}),
    "POST /email": Probe("open", form={"link": "{session_id}"}),
    "POST /sign-in": Probe("open", form={"name": "bob", "password": "x"}),
    "POST /register": Probe("open", form={"name": "eve", "password": "coat hanger violet sparrow"}),
    "POST /reset": Probe("open", form={"link": "{session_id}", "password": "coat hanger violet sparrow"}),
    "POST /sign-out": Probe("open", form={}, spends=True),
    # The API
    "POST /api/v1/ingest": own(),
    "POST /api/v1/ai/analyze": own(),
    "GET /api/v1/ai/costs": own(),
    "GET /api/v1/ai/reader": own(),
    "POST /api/v1/ai/reader/test": own(),
    "GET /api/v1/model": ADMIN,
    "PUT /api/v1/model": Probe("admin", json={"reader": "embedded"}),
    "DELETE /api/v1/model": ADMIN,
    "POST /api/v1/model/test": Probe("admin", json={"reader": "embedded"}),
    "GET /api/v1/bulk/jobs": own(),
    "GET /api/v1/bulk/events": own(),
    "GET /api/v1/bulk/jobs/{job_id}": foreign(),
    "GET /api/v1/bulk/jobs/{job_id}/events": foreign(),
    "GET /api/v1/bulk/jobs/{job_id}/refused": foreign(),
    "POST /api/v1/bulk/jobs/{job_id}/resume": foreign(),
    "POST /api/v1/uploads": own(),
    "GET /api/v1/uploads/{upload_id}": foreign(),
    "PUT /api/v1/uploads/{upload_id}/files/{number}": foreign(json="x", query="offset=0&size=3"),
    "POST /api/v1/uploads/{upload_id}/finish": foreign(json={"files": [{"number": 0, "name": "x.jpg"}]}),
    "DELETE /api/v1/uploads/{upload_id}": foreign(),
    "GET /api/v1/bulk/jobs/{job_id}/board": foreign(),
    "POST /api/v1/bulk/jobs/{job_id}/board": foreign(json={"revision": 0, "photos": ["{photo_id}"], "to": "bin"}),
    "POST /api/v1/bulk/jobs/{job_id}/board/turn": foreign(json={"revision": 0, "photos": ["{photo_id}"]}),
    "POST /api/v1/bulk/jobs/{job_id}/board/undo": foreign(json={"revision": 0}),
    "POST /api/v1/bulk/jobs/{job_id}/board/redo": foreign(json={"revision": 0}),
    "GET /api/v1/drafts": own(query="batch_id={job_id}"),
    "GET /api/v1/drafts/{draft_id}": foreign(),
    "PATCH /api/v1/drafts/{draft_id}": foreign(json={"revision": 1, "fields": {"title": "bob was here"}}),
    "POST /api/v1/drafts/{draft_id}/rewrite": foreign(json={"revision": 1, "field": "title"}),
    "POST /api/v1/drafts/{draft_id}/reread": foreign(json={}),
    "POST /api/v1/drafts/{draft_id}/approve": foreign(json={}),
    "POST /api/v1/drafts/{draft_id}/restore": foreign(),
    "POST /api/v1/drafts/{draft_id}/reopen": foreign(),
    "POST /api/v1/drafts/{draft_id}/undo": foreign(json={"revision": 1}),
    "DELETE /api/v1/drafts/{draft_id}": foreign(),
    "GET /api/v1/preferences": own(),
    "PUT /api/v1/preferences": own(json={}),
    "GET /api/v1/photos/{photo_id}": foreign(query="size=thumbnail"),
    "GET /api/v1/photos/{photo_id}/link": foreign(),
    "GET /api/v1/accounts": own(),
    "POST /api/v1/accounts": own(json={"username": "x", "cookies": "a"}),
    "PATCH /api/v1/accounts/{account_id}": foreign(json={"paused": True, "pace": {"per_day": 1}}),
    "POST /api/v1/accounts/{account_id}/check": foreign(),
    "DELETE /api/v1/accounts/{account_id}": foreign(),
    "GET /api/v1/wardrobe": own(query="account={account_id}"),
    "POST /api/v1/wardrobe/refresh": foreign(json={"account": "{account_id}"}),
    "GET /api/v1/wardrobe/export": own(query="as=json"),
    "GET /api/v1/wardrobe/photos.zip": own(),
    "POST /api/v1/wardrobe/import": own(json=None, query="apply=true"),
    "GET /api/v1/wardrobe/views": own(),
    "POST /api/v1/wardrobe/views": own(json={"name": "x", "wanted": {}}),
    "DELETE /api/v1/wardrobe/views/{view_id}": foreign(),
    "GET /api/v1/wardrobe/{piece_id}": foreign(),
    "PATCH /api/v1/wardrobe/{piece_id}": foreign(json={"notes": "bob was here", "sold": {"price": "1"}}),
    "GET /api/v1/notifications": own(),
    "POST /api/v1/notifications/seen": own(),
    "POST /api/v1/notifications/{notification_id}/seen": foreign(),
    **{
        f"POST {base}/listings/{verb}": foreign(json={**PUBLISH, "account": "{account_id}"} if verb == "publish" else
                                                {"draft_id": "{draft_id}", "account": "{account_id}"})
        for base in ("/api/v1/vinted", "/vinted")
        for verb in ("prepare", "publish")
    },
    "GET /api/v1/queue": foreign(query="account={account_id}"),
    "POST /api/v1/queue": foreign(json={"draft_ids": ["{draft_id}"], "account": "{account_id}"}),
    "GET /api/v1/queue/events": own(),
    "POST /api/v1/queue/{publication_id}/move": foreign(json={"before": None}),
    "PUT /api/v1/queue/{publication_id}/time": foreign(json={"not_before": "+2h"}),
    "GET /api/v1/publications": own(query="draft_id={draft_id}"),
    "GET /api/v1/publications/{publication_id}": foreign(),
    "GET /api/v1/publications/{publication_id}/screenshot": foreign(),
    "GET /api/v1/publications/{publication_id}/evidence": foreign(),
    "GET /api/v1/publications/{publication_id}/evidence.zip": foreign(),
    "GET /api/v1/publications/{publication_id}/evidence/{bundle}/{file}": foreign(),
    "POST /api/v1/publications/{publication_id}/cancel": foreign(),
    "POST /api/v1/publications/{publication_id}/resume": foreign(),
    "POST /api/v1/publications/{publication_id}/settle": foreign(json={"decision": "give_up"}),
    "WebSocket /api/v1/publications/{publication_id}/live": foreign(),
    "POST /api/v1/auth/sign-out": own(spends=True),
    "GET /api/v1/me": own(),
    "PUT /api/v1/me/email": own(json={"email": None, "password": "x"}),
    "PUT /api/v1/me/password": own(json={"current": "x", "new": "y"}),
    "GET /api/v1/me/sessions": own(),
    "DELETE /api/v1/me/sessions": own(spends=True),
    "DELETE /api/v1/me/sessions/{session_id}": foreign(),
    "GET /api/v1/me/keys": own(),
    "POST /api/v1/me/keys": own(json={"name": "x"}),
    "DELETE /api/v1/me/keys/{key_id}": foreign(),
    "GET /api/v1/me/export": own(),
    "DELETE /api/v1/me": own(json={"name": "alice"}),
    "GET /api/v1/insights": own(query="days=all"),
    "GET /api/v1/audit": own(),
    "GET /api/v1/audit/all": ADMIN,
    "GET /api/v1/users": ADMIN,
    "POST /api/v1/users": Probe("admin", json={"name": "eve", "password": "coat hanger violet sparrow"}),
    "POST /api/v1/users/invites": Probe("admin", json={}),
    "PATCH /api/v1/users/{user_id}": Probe("admin", json={"state": "suspended"}),
    "POST /api/v1/users/{user_id}/reset-link": ADMIN,
    "DELETE /api/v1/users/{user_id}": ADMIN,
    # The pages
    **dict.fromkeys(PAGE, own()),
    "GET /drafts/{draft_id}": foreign(),
    "POST /drafts/{draft_id}": foreign(form={"revision": "1", "title": "bob was here", "before": "{{}}"}),
    "GET /batches/{batch_id}": foreign(),
    "POST /batches/{batch_id}/resume": foreign(form={}),
    "GET /catalog/brands": own(query="q=a"),
    "GET /catalog/categories": own(query="q=a"),
    "POST /drafts": own(form={"draft": "{draft_id}", "do": "discard"}),
    "POST /publish": own(form={"draft": "{draft_id}", "account": "{account_id}", "mode": "dry_run"}),
    "POST /share": own(form={}),
    "POST /insights": own(form={"minutes": "9"}),
    "POST /guide": own(form={"do": "put_away"}),
    "POST /sample": own(form={}),
    "POST /sample/remove": own(form={}),
    "POST /drafts/{draft_id}/reread": foreign(form={"revision": "1"}),
    "POST /drafts/{draft_id}/reopen": foreign(form={}),
    "POST /drafts/{draft_id}/undo": foreign(form={"revision": "1"}),
    "POST /drafts/{draft_id}/discard": foreign(form={"revision": "1"}),
    "POST /drafts/{draft_id}/restore": foreign(form={}),
    "POST /drafts/{draft_id}/publish": foreign(form={"revision": "1", "mode": "dry_run", "account": "{account_id}"}),
    "GET /publications/{publication_id}/live": foreign(),
    "POST /publications/{publication_id}/move": foreign(form={"to": "up"}),
    "POST /publications/{publication_id}/cancel": foreign(form={}),
    "POST /publications/{publication_id}/resume": foreign(form={}),
    "POST /publications/{publication_id}/settle": foreign(form={"decision": "give_up"}),
    "POST /wardrobe/refresh": foreign(form={"account": "{account_id}"}),
    "POST /wardrobe/import": own(form={"table": "id,notes\n{piece_id},bob was here", "do": "apply"}),
    "POST /wardrobe/views": own(form={"name": "x", "view": ""}),
    "POST /wardrobe/views/{view_id}": foreign(form={}),
    "POST /wardrobe/{piece_id}": foreign(form={"notes": "bob was here"}),
    "POST /accounts": own(form={"username": "x", "cookies": "a"}),
    "POST /accounts/{account_id}/{verb}": foreign(form={}),
    "POST /notifications/seen": own(form={}),
    "POST /notifications/{notification_id}/seen": foreign(form={}),
    "POST /security/first": own(form={"name": "x", "new": "y"}),
    "POST /security/email": own(form={"current": "x"}),
    "POST /security/password": own(form={"current": "x", "new": "y"}),
    "POST /security/sessions": own(form={}, spends=True),
    "POST /security/sessions/{session_id}": foreign(form={}),
    "POST /security/keys": own(form={"name": "x", "scope": "read"}),
    "POST /security/keys/{key_id}": foreign(form={}),
    "POST /security/export": own(form={}),
    "POST /security/leave": own(form={"name": "alice"}),
    **{
        f"{method} /settings/{section}": own(form={"per_day": "9"} if method == "POST" else None)
        for section in ("general", "batches", "words", "pace", "notifications")
        for method in ("GET", "POST")
    },
    "POST /settings/words/preview": own(form={"draft": "{draft_id}", "title_template": "{{{{ brand }}}}"}),
    "POST /settings/notifications/test": own(form={}),
    "POST /settings/reader": own(form={}),
    "POST /settings/reader/model": Probe("admin", form={"reader": "embedded"}),
    **dict.fromkeys(("GET /admin", "GET /admin/limits", "GET /admin/log", "GET /admin/settings"), ADMIN),
    "GET /people": ADMIN,
    "POST /people/invites": Probe("admin", form={}),
    "POST /people/{user_id}/{verb}": Probe("admin", form={}),
}  # fmt: skip
"""Every route, by method and path as the router has it."""


def routes_of(app: FastAPI) -> list[str]:
    """Every route, page, file mount and WebSocket of the application."""
    found = []
    for route in app.routes:
        contexts = getattr(route, "effective_route_contexts", None)
        for one in contexts() if contexts else [route]:
            shown = getattr(one, "starlette_route", None) or one
            methods = (getattr(shown, "methods", None) or {_kind_of(shown, one)}) - {"HEAD"}
            found += [f"{method} {shown.path}" for method in methods]
    return sorted(found)


def _kind_of(*route: object) -> str:
    return "GET" if any(type(one).__name__ == "Mount" for one in route) else "WebSocket"


def give_alice_everything(session: Session, runtime: Runtime, user: User) -> dict[str, str]:
    """One of each, marked; returns the ids by the names routes give them."""
    mine: dict[str, Any] = {"user_id": user.id}
    batch = Batch(source=MARK, state="done", defaults={"note": MARK}, **mine)
    account = Account(username=MARK, base_url="http://127.0.0.1:9", state="ready", session=b"x", **mine)
    session.add_all([batch, account])
    session.flush()
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "JPEG", comment=MARK.encode())
    key = runtime.store.put(picture.getvalue(), ".jpg")
    photo = Photo(batch_id=batch.id, position=0, name=f"{MARK}.jpg", source_path=MARK, state="accepted",
                  store_key=key, thumbnail_key=key, sha256="a" * 64, **mine)  # fmt: skip
    title = {"value": MARK, "confidence": 1.0, "source": "seller"}
    draft = Draft(batch_id=batch.id, ordinal=0, state="open", fields={"title": title}, **mine)
    session.add_all([photo, draft])
    session.flush()
    session.add(DraftPhoto(draft_id=draft.id, photo_id=photo.id, position=0))
    publication = Publication(
        draft_id=draft.id, draft_revision=1, account_id=account.id, route="web", mode="draft", position=1,
        screenshot_key=key, sheet={"title": MARK}, listing_url=f"http://127.0.0.1:9/{MARK}", **mine,
    )  # fmt: skip
    journal.open_journal(session, publication)
    told = Notification(kind="done_batch", episode=MARK, detail={"count": 1, "ready": 1, "title": MARK}, **mine)
    session.add_all([
        told,
        IdempotencyKey(key=MARK, request_hash="x", publication_id=publication.id, **mine),
        ModelCall(batch_id=batch.id, day="2026-11-25", model=MARK, prompt="p", status="success", micros=7, **mine),
        UserSettings(drafts={"hashtags": [MARK]}, **mine),
    ])  # fmt: skip
    piece = Piece(account_id=account.id, listing_id=MARK, state="live", title=MARK, words=MARK, reference=MARK, **mine)
    view = SavedView(name=MARK, wanted={"q": MARK}, **mine)
    session.add_all([piece, view])
    audit.record(session, "draft.edited", user.id, MARK)
    folder = bundles.write(
        folder_of(runtime.settings.evidence_folder, publication.id), "network", {"log.txt": MARK.encode()}
    )
    at = datetime.now(UTC)
    row, _ = sign_in.start(session, user, "page", Origin("192.0.2.1", MARK), at)
    made, _ = keys.make(session, user.id, MARK, ["read"], at)
    session.flush()
    return {
        "job_id": batch.id, "photo_id": photo.id, "draft_id": draft.id, "account_id": account.id, "file": "log.txt",
        "publication_id": publication.id, "notification_id": told.id, "session_id": row.id, "key_id": made.id,
        "user_id": user.id, "bundle": folder.name, "verb": "remove", "batch_id": batch.id, "number": "0",
        "piece_id": piece.id, "view_id": view.id,
        "upload_id": uploads.open_upload(runtime.settings.uploads_folder, user.id),
    }  # fmt: skip


def rows_of(session: Session, user_id: str) -> dict[str, list[Any]]:
    """Every row that is the user's, table by table."""
    tables = [t for t in SQLModel.metadata.sorted_tables if "user_id" in t.columns]
    found = {t.name: session.connection().execute(t.select().where(t.c.user_id == user_id)).all() for t in tables}
    return {name: sorted(map(repr, rows)) for name, rows in found.items()}


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """The value with the names in braces filled in, however deep."""
    if isinstance(value, str):
        return value.format(**ids)
    if isinstance(value, Mapping):
        return {key: filled(one, ids) for key, one in value.items()}
    return [filled(one, ids) for one in value] if isinstance(value, list) else value
