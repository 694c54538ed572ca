"""What a picture leaves behind when nobody's row names it any more: nothing; and what is still named stays."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlmodel import Session

from backend.core.errors import Conflict
from backend.db.engine import Database
from backend.db.models import Batch, BoardChange, Photo, Publication
from backend.db.scope import owned
from backend.photos.store import LocalStore
from backend.publications import journal
from backend.settings import Settings
from backend.workflows import leaving, publish
from backend.workflows.held import Held
from tests.fakes import publication_row


@pytest.fixture
def database(settings: Settings) -> Database:
    return Database(settings.database)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "pictures")


def pictures_in(store: LocalStore) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in store.root.glob("*/*")}


def test_who_leaves_leaves_no_picture_behind(database: Database, store: LocalStore) -> None:
    photo, small, before, before_small, after, form, shared = (store.put(b"%d" % n, ".jpg") for n in range(7))
    mine = publication_row(database, state="failed", screenshot_key=form)
    publication_row(database, state="failed", screenshot_key=shared)

    def add(session: Session) -> None:
        batch = session.exec(owned(Batch, mine.user_id)).one()
        batch.state = "done"
        turned = [{"pictures": {"p": {"store_key": big, "thumbnail_key": thumb}}}
                  for big, thumb in ((before, before_small), (after, shared))]  # fmt: skip
        session.add(BoardChange(user_id=mine.user_id, batch_id=batch.id, number=1, before=turned[0], after=turned[1]))
        row = {"user_id": mine.user_id, "batch_id": batch.id, "position": 90, "name": "a", "source_path": "a"}
        session.add(Photo(**row, state="removed", store_key=photo, thumbnail_key=small))

    with database.session() as session:
        add(session)
    with database.session() as session:
        left = leaving.erase(session, mine.user_id)
    leaving.clear_away(database, store, left, ())
    assert pictures_in(store) == {shared}, "which somebody else's publication shows"


def test_nobody_leaves_with_a_page_held_open(database: Database) -> None:
    row = publication_row(database, state="needs_person", claim="a job's")
    with database.session() as session:
        session.exec(owned(Batch, row.user_id)).one().state = "done"
    with database.session() as session, pytest.raises(Conflict) as refused:
        leaving.erase(session, row.user_id)
    assert refused.value.code == "user_busy"


async def test_a_picture_that_is_replaced_goes(database: Database, store: LocalStore) -> None:
    row = publication_row(database, state="filled", claim="mine")
    held = Held(SimpleNamespace(database=database, store=store), row.id, "mine", fresh=False)  # type: ignore[arg-type]
    for picture in (b"the form", b"the listing"):
        await publish._keep_picture(held, picture)
    with database.glance() as session:
        kept = session.get_one(Publication, row.id).screenshot_key
    assert pictures_in(store) == {kept}
    assert store.path(str(kept)).read_bytes() == b"the listing"
    assert row.state == journal.State.FILLED
