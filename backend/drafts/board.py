"""The photo board: a person puts a batch's sorting right, and can take every change back.

Every change is one of two: photos are put somewhere (into an item, a new one, the unsorted tray or the bin, before
another photo or last), or turned. Merging, splitting, reordering, choosing the cover and deleting are all the first. A
change names the revision of the board it was made on, and is refused whole where an item of it is in a publication.

Owns which photo stands where, and the `board_changes` table. Owns no pixel and no reading: an item whose photos changed
is set to be read again, and what its seller stated stays (`service.fill`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, delete, func, select

from backend.core.errors import BadRequest, Conflict, NotFound
from backend.db.models import Batch, BoardChange, Draft, DraftPhoto, Photo, new_id, now
from backend.db.scope import get_owned, owned
from backend.drafts import history
from backend.drafts.rereading import ask_for_reading, refuse_busy, set_unread
from backend.drafts.service import UNREAD

UNSORTED, BIN, NEW = "unsorted", "bin", "new"
SET_ASIDE = "set_aside"
"""The reason of a photo that its seller took out of an item."""
TWICE = "photo_twice"
"""The reason of a photo that stays deleted, because the same file was taken in again since."""
PICTURE = ("store_key", "thumbnail_key", "width", "height", "phash")
"""The columns a turn changes."""

CHANGED: Mapping[str, Any] = {"confidence": 1.0, "reason": "seller", "why": [], "warnings": []}
"""How the photos of an item came together that its seller sorted."""

Arrangement = dict[str, list[str]]
"""Photo ids in order by place: a draft's id, `unsorted` or `bin`."""


@dataclass(frozen=True)
class Board:
    """A batch as its seller sorts it. `items` come in the order their photos were handed in."""

    batch: Batch
    items: tuple[tuple[Draft, tuple[Photo, ...]], ...]
    unsorted: tuple[Photo, ...]
    removed: tuple[Photo, ...]
    can_undo: bool
    can_redo: bool


def look(session: Session, user_id: str, batch_id: str) -> Board:
    """Raises NotFound."""
    batch = get_owned(session, Batch, user_id, batch_id)
    photos, where = _photos(session, batch_id), _arrangement(session, batch_id)
    found = session.exec(select(Draft).where(Draft.batch_id == batch_id)).all()
    items = [(draft, tuple(photos[p] for p in where[draft.id])) for draft in found if draft.id in where]
    return Board(
        batch,
        tuple(sorted(items, key=lambda item: min(photo.position for photo in item[1]))),
        tuple(photos[p] for p in where.get(UNSORTED, ())),
        tuple(photos[p] for p in where.get(BIN, ())),
        _last(session, batch_id, undone=False) is not None,
        _first_undone(session, batch_id) is not None,
    )


def once(session: Session, user_id: str, batch_id: str, sent_as: str | None, change: Callable[[], None]) -> None:
    """Makes the change, unless the board's last one was sent under this id: it is sent again, since its answer got lost
    on the way. Raises NotFound, and what `change` raises."""
    batch = get_owned(session, Batch, user_id, batch_id)
    if sent_as is not None and batch.board_sent == sent_as:
        return
    change()
    batch.board_sent = sent_as


def put(
    session: Session,
    user_id: str,
    batch_id: str,
    revision: int,
    photos: Sequence[str],
    to: str,
    *,
    before: str | None = None,
    busy: Collection[str] = (),
) -> None:
    """Puts the photos, in this order, into the place `to`: before the photo `before`, or last.

    `busy` are drafts in a publication. Raises NotFound, BadRequest, Conflict."""
    batch = _at(session, user_id, batch_id, revision)
    old = _arrangement(session, batch_id)
    new = _moved(old, photos, _open(session, batch).id if to == NEW else to, before)
    changed = {place for place in {*old, *new} if old.get(place) != new.get(place)}
    if changed:
        states = {place: (old.get(place, []), new.get(place, [])) for place in sorted(changed)}
        refuse_busy(changed, busy)
        if _twice(session, batch, new):
            raise Conflict(
                "One of these photos was handed in again since it was deleted, and is in another batch now.",
                code="photo_twice",
            )
        before_, after = ({place: both[n] for place, both in states.items()} for n in (0, 1))
        reasons = {p: row.reason for p, row in _photos(session, batch_id).items() if p in old.get(UNSORTED, [])}
        _apply(session, batch_id, after)
        _record(session, batch, {"places": before_, "reasons": reasons}, {"places": after})


def turn(
    session: Session,
    user_id: str,
    batch_id: str,
    revision: int,
    pictures: Mapping[str, Mapping[str, Any]],
    *,
    busy: Collection[str] = (),
) -> None:
    """Gives photos turned pictures (columns of `PICTURE` by photo id). Raises NotFound, Conflict."""
    batch = _at(session, user_id, batch_id, revision)
    photos = _photos(session, batch_id)
    if unknown := set(pictures) - set(photos):
        raise NotFound(f"There is no photo {sorted(unknown)[0]!r} in this batch.")
    before = {p: {name: getattr(photos[p], name) for name in PICTURE} for p in pictures}
    _turn(session, batch_id, pictures, busy)
    _record(session, batch, {"pictures": before}, {"pictures": {p: dict(new) for p, new in pictures.items()}})


def undo(session: Session, user_id: str, batch_id: str, revision: int, *, busy: Collection[str] = ()) -> None:
    """Takes the last change back. Raises Conflict where there is none."""
    batch = _at(session, user_id, batch_id, revision)
    change = _last(session, batch_id, undone=False)
    _replay(session, batch, change, "before", busy, undone=True)


def redo(session: Session, user_id: str, batch_id: str, revision: int, *, busy: Collection[str] = ()) -> None:
    """Makes the change last undone again. Raises Conflict where there is none."""
    batch = _at(session, user_id, batch_id, revision)
    change = _first_undone(session, batch_id)
    _replay(session, batch, change, "after", busy, undone=False)


def _replay(
    session: Session, batch: Batch, change: BoardChange | None, side: str, busy: Collection[str], *, undone: bool
) -> None:
    if change is None:
        raise Conflict(
            "There is nothing to take back." if undone else "There is nothing to do again.", code="no_change"
        )
    kept = change.before if side == "before" else change.after
    if "pictures" in kept:
        _turn(session, batch.id, kept["pictures"], busy)
    else:
        refuse_busy(kept["places"], busy)
        twice = _twice(session, batch, kept["places"])
        places = {place: [p for p in there if p not in twice] for place, there in kept["places"].items()}
        _apply(session, batch.id, places, kept.get("reasons", {}))
        for photo in twice.values():  # it stays deleted, so that what came before can be taken back too
            photo.reason = TWICE
    change.undone = undone
    _next(session, batch)


def _twice(session: Session, batch: Batch, places: Mapping[str, Sequence[str]]) -> dict[str, Photo]:
    """The deleted photos that these places bring back though the same file was taken in again since, by their id."""
    back = {photo for place, there in places.items() if place != BIN for photo in there}
    rows = [photo for photo in _photos(session, batch.id).values() if photo.id in back and photo.state == "removed"]
    same = owned(Photo, batch.user_id).where(
        col(Photo.sha256).in_([photo.sha256 for photo in rows]), Photo.state == "accepted"
    )
    here = {photo.sha256 for photo in session.exec(same)} if rows else set()
    return {photo.id: photo for photo in rows if photo.sha256 in here}


def _moved(old: Arrangement, photos: Sequence[str], to: str, before: str | None) -> Arrangement:
    """The arrangement with these photos in that place; a place left without photos is gone."""
    moving = list(dict.fromkeys(photos))
    known = {photo for place in old.values() for photo in place}
    if not moving or not set(moving) <= known:
        raise BadRequest("Say which photos of this batch to move.", code="no_photos")
    left = {place: [p for p in there if p not in moving] for place, there in old.items()}
    target = left.get(to, [])
    at = target.index(before) if before in target else len(target)
    return {place: there for place, there in {**left, to: target[:at] + moving + target[at:]}.items() if there}


def _apply(
    session: Session, batch_id: str, places: Mapping[str, Sequence[str]], reasons: Mapping[str, str] | None = None
) -> None:
    """Makes these places hold just these photos."""
    drafts = {d.id: d for d in session.exec(select(Draft).where(Draft.batch_id == batch_id))}
    photos = _photos(session, batch_id)
    before = _arrangement(session, batch_id)
    if unknown := set(places) - set(drafts) - {UNSORTED, BIN}:
        raise NotFound(f"There is no item {sorted(unknown)[0]!r} in this batch.")
    rows = delete(DraftPhoto).where(col(DraftPhoto.draft_id).in_([place for place in places if place in drafts]))
    session.exec(rows)
    session.flush()
    for place, there in places.items():
        for n, photo_id in enumerate(there):
            photo = photos[photo_id]
            photo.state = "removed" if place == BIN else "accepted"
            photo.reason = (reasons or {}).get(photo_id, photo.reason or SET_ASIDE) if place == UNSORTED else None
            if place in drafts:
                session.add(DraftPhoto(draft_id=place, photo_id=photo_id, position=n))
        if place in drafts:
            _changed(session, drafts[place], set(before.get(place, ())), set(there))
    session.flush()


def _changed(session: Session, draft: Draft, before: Collection[str], after: Collection[str]) -> None:
    """A draft after its photos changed: read again where they are others, put away where none is left. One that its
    seller put away stays so, and is read when it is brought back."""
    draft.revision, draft.updated_at = draft.revision + 1, now()
    if before == after:
        return
    draft.grouping = dict(CHANGED)
    if not after:
        draft.state, draft.publish_ready = "discarded", False
    elif before and draft.state == "discarded":
        draft.grouping = {**CHANGED, UNREAD: True}
    else:
        _read_again(session, draft)


def _read_again(session: Session, draft: Draft) -> None:
    set_unread(draft)
    history.forget(session, draft.id)


def _turn(session: Session, batch_id: str, pictures: Mapping[str, Mapping[str, Any]], busy: Collection[str]) -> None:
    where = _arrangement(session, batch_id)
    touched = {place for place, there in where.items() if set(there) & set(pictures)}
    refuse_busy(touched, busy)
    photos = _photos(session, batch_id)
    for photo_id, columns in pictures.items():
        photos[photo_id].sqlmodel_update(dict(columns))
    for place in touched - {UNSORTED, BIN}:
        draft = session.get_one(Draft, place)
        draft.revision, draft.updated_at = draft.revision + 1, now()
        if draft.state == "discarded":
            draft.grouping = {**draft.grouping, UNREAD: True}
        else:
            _read_again(session, draft)
    session.flush()


def _open(session: Session, batch: Batch) -> Draft:
    """A new item of the batch, still without photos."""
    last = session.exec(select(func.max(Draft.ordinal)).where(Draft.batch_id == batch.id)).one()
    made = Draft(
        id=new_id(), user_id=batch.user_id, batch_id=batch.id, ordinal=(-1 if last is None else last) + 1,
        language=batch.language,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _arrangement(session: Session, batch_id: str) -> Arrangement:
    where: Arrangement = {}
    query = select(DraftPhoto.draft_id, DraftPhoto.photo_id).join(Photo, col(Photo.id) == col(DraftPhoto.photo_id))
    for draft_id, photo_id in session.exec(query.where(Photo.batch_id == batch_id).order_by(col(DraftPhoto.position))):
        where.setdefault(draft_id, []).append(photo_id)
    placed = {photo for there in where.values() for photo in there}
    for photo in _photos(session, batch_id).values():
        if photo.id not in placed:
            where.setdefault(BIN if photo.state == "removed" else UNSORTED, []).append(photo.id)
    return where


def _photos(session: Session, batch_id: str) -> dict[str, Photo]:
    query = select(Photo).where(Photo.batch_id == batch_id, col(Photo.state).in_(("accepted", "removed")))
    return {photo.id: photo for photo in session.exec(query.order_by(col(Photo.position)))}


def _at(session: Session, user_id: str, batch_id: str, revision: int) -> Batch:
    """The batch, at the revision of the board that was looked at and sorted already."""
    batch = get_owned(session, Batch, user_id, batch_id)
    if (
        batch.state in ("queued", "taking_in", "sorting")
        and not session.exec(select(Draft.id).where(Draft.batch_id == batch_id).limit(1)).first()
    ):
        raise Conflict("These photos are still being sorted; try again in a moment.", code="batch_sorting")
    if batch.board_revision != revision:
        raise _stale()
    return batch


def _stale() -> Conflict:
    return Conflict("The sorting was changed in another window. Look at it again.", code="stale_board")


def _record(session: Session, batch: Batch, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Keeps the change; what was undone before it can't be done again any more."""
    session.exec(delete(BoardChange).where(col(BoardChange.batch_id) == batch.id, col(BoardChange.undone)))
    last = _last(session, batch.id, undone=False)
    number = last.number + 1 if last else 1
    session.add(BoardChange(user_id=batch.user_id, batch_id=batch.id, number=number, before=before, after=after))
    _next(session, batch)


def _next(session: Session, batch: Batch) -> None:
    """Counts the board's revision up, unless another window did so in between; asks for a reading where one is due."""
    table: Any = Batch.__table__  # type: ignore[attr-defined]
    mine = table.update().where(table.c.id == batch.id, table.c.board_revision == batch.board_revision)
    if session.connection().execute(mine.values(board_revision=batch.board_revision + 1)).rowcount != 1:
        raise _stale()
    session.flush()
    session.refresh(batch)
    ask_for_reading(session, batch)


def _last(session: Session, batch_id: str, *, undone: bool) -> BoardChange | None:
    query = select(BoardChange).where(BoardChange.batch_id == batch_id, col(BoardChange.undone) == undone)
    return session.exec(query.order_by(col(BoardChange.number).desc()).limit(1)).first()


def _first_undone(session: Session, batch_id: str) -> BoardChange | None:
    query = select(BoardChange).where(BoardChange.batch_id == batch_id, col(BoardChange.undone))
    return session.exec(query.order_by(col(BoardChange.number)).limit(1)).first()
