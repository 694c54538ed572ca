"""The reading of a batch where somebody else is at it too: a process that slept, a seller who sorts anew."""

import threading

import numpy as np

from backend.api.v1.routers.drafts import shown
from backend.core.reading import ItemReading, Role, Sight
from backend.db.engine import Database
from backend.db.models import Batch, Draft, DraftPhoto, Photo
from backend.drafts import service as drafts
from backend.drafts.schemas import DraftOut
from backend.photos import sights
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


def test_what_a_model_says_of_photos_is_told_and_puts_them_in_order_unless_their_seller_did(database: Database) -> None:
    row = publication_row(database)
    with database.session() as session:
        draft = session.get_one(Draft, row.draft_id)
        draft.state, draft.revision, draft.grouping = "reading", 1, {"warnings": ["cover_dark", "long_pause"]}
        mine = {"user_id": row.user_id, "batch_id": draft.batch_id, "state": "accepted", "source_path": ""}
        photos = [Photo(**mine, position=n, name=str(n), sha256=str(n)) for n in range(10, 14)]
        session.add_all(photos)
        session.flush()
        session.add_all(DraftPhoto(draft_id=draft.id, photo_id=photo.id, position=n) for n, photo in enumerate(photos))
        back, label, front, other = (photo.id for photo in photos)
        nothing = np.zeros(1, np.float32)
        dark, sound = (Sight("garment", nothing, nothing, 300.0, bright, 0.4) for bright in (0.1, 0.6))
        sights.keep(session, row.user_id, "both", {back: dark, front: sound, other: None})
        photos[3].role, photos[3].role_source = "detail", "image"
    told: dict[str, Role] = {back: "back", label: "label", front: "front"}
    reading = ItemReading((back, label, front, other), {}, (), told)

    def filled(revision: int) -> tuple[list[str], list[str], DraftOut]:
        with database.session() as session:
            draft = session.get_one(Draft, row.draft_id)
            draft.state, draft.revision = "reading", revision
            found = analyse._fill(session, draft.id, reading, "both", revision)
            return [p.id for p in drafts.photos_of(session, found)], found.warnings, shown(session, found)

    taken = [back, label, front, other]
    assert filled(2)[0] == taken, "its seller arranged them"
    order, warnings, told_of = filled(1)
    assert order == [front, back, other, label]
    assert warnings == ["long_pause"], "the cover is another one now"
    assert [(photo.role, photo.role_source) for photo in told_of.photos] == [
        ("front", "model"), ("back", "model"), ("detail", "image"), ("label", "model"),
    ]  # fmt: skip
