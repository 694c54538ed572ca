"""The reading of a batch where somebody else is at it too: a process that slept, a seller who sorts anew."""

import threading

from backend.db.engine import Database
from backend.db.models import Batch, Draft, Photo
from backend.workflows import analyse
from tests.fakes import publication_row


def test_a_photo_taken_in_by_another_process_stays_so(database: Database) -> None:
    row = publication_row(database)
    with database.session() as session:
        batch = session.get_one(Draft, row.draft_id).batch_id
        photo = Photo(user_id=row.user_id, batch_id=batch, position=7, name="a", source_path="gone", state="accepted",
                      sha256="a", store_key="k")  # fmt: skip
        session.add(photo)
    with database.session() as session:
        assert analyse._accept(session, photo.id, {"state": "refused", "reason": "unreadable"}) is None
    with database.session() as session:
        assert session.get_one(Photo, photo.id).state == "accepted"


def test_what_its_seller_sorts_anew_at_the_last_moment_is_read(database: Database) -> None:
    """A change of the board that is under way when the batch is about to end is waited for, and seen."""
    row = publication_row(database)
    with database.session() as session:
        draft = session.get_one(Draft, row.draft_id)
        draft.state, batch_id = "open", draft.batch_id
        session.get_one(Batch, batch_id).state = "reading"
    unread: list[str] = []

    def end() -> None:
        with database.session() as session:
            unread.extend(analyse.end(session, batch_id))

    ending = threading.Thread(target=end)
    with database.session() as session:
        session.get_one(Draft, row.draft_id).state = "reading"
        session.get_one(Batch, batch_id).board_revision += 1
        session.flush()
        ending.start()
        ending.join(timeout=1.0)  # so long it may look; it has to wait for this change
        assert ending.is_alive()
    ending.join(timeout=30)
    assert unread == [row.draft_id]
    with database.session() as session:
        assert session.get_one(Batch, batch_id).state == "reading"
