"""What was seen on photos: kept, found again by the same reader only, and counted as progress."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import Session

from backend.core.reading import Sight
from backend.db.engine import Database
from backend.db.models import Batch, Photo
from backend.photos import batches, sights
from backend.settings import Settings
from backend.users.service import local_user


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    database = Database(Settings(data=tmp_path).database)
    database.migrate()
    with database.session() as session:
        yield session
    database.close()


@pytest.fixture
def batch(session: Session) -> Batch:
    """Three accepted photos."""
    user = local_user(session)
    files = [batches.IncomingFile(Path(f"{n}.jpg"), f"{n}.jpg") for n in range(3)]
    made = batches.create_batch(session, user.id, files, source="closet", defaults={}, language="en")
    for photo in batches.photos_of(session, made.id):
        photo.state = "accepted"
    session.flush()
    return made


def ids(session: Session, batch: Batch) -> list[str]:
    return [photo.id for photo in batches.photos_of(session, batch.id)]


def sight() -> Sight:
    rng = np.random.default_rng(3)
    histogram = rng.random(512, np.float32)
    return Sight("label", rng.random(1280, np.float32), histogram / histogram.sum(), 812.5, 0.625, 0.25)


def test_what_was_seen_comes_back_as_it_was(session: Session, batch: Batch) -> None:
    first, second, _ = ids(session, batch)
    before = sight()
    sights.keep(session, batch.user_id, "embedded", {first: before, second: None})
    session.flush()
    session.expire_all()
    found = sights.of_batch(session, batch.id, "embedded")
    assert set(found) == {first, second}
    assert found[second] is None
    after = found[first]
    assert after is not None
    assert (after.shows, after.sharpness, after.brightness, after.cover_share) == ("label", 812.5, 0.625, 0.25)
    np.testing.assert_allclose(after.feature, before.feature, rtol=1e-3)
    np.testing.assert_allclose(after.histogram, before.histogram, atol=1e-5)
    assert sights.of_batch(session, batch.id, "another") == {}


def test_a_photo_seen_twice_counts_once(session: Session, batch: Batch) -> None:
    first, second, _ = ids(session, batch)
    for reader, photo in (("embedded", first), ("another", first), ("another", second)):
        sights.keep(session, batch.user_id, reader, {photo: sight()})
    session.flush()
    progress = batches.progress(session, batch.user_id, batch.id)
    assert (progress.looked_at, progress.photos) == (2, {"accepted": 3})
    assert set(sights.of_batch(session, batch.id, "another")) == {first, second}


def test_another_batch_s_photos_are_not_counted(session: Session, batch: Batch) -> None:
    other = Batch(user_id=batch.user_id, source="", defaults={})
    session.add(other)
    session.flush()
    session.add(Photo(id="else", user_id=batch.user_id, batch_id=other.id, position=0, name="x", source_path="x"))
    session.flush()
    sights.keep(session, batch.user_id, "embedded", {"else": sight()})
    session.flush()
    assert batches.progress(session, batch.user_id, batch.id).looked_at == 0
