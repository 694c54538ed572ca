"""What the photo board shows of a batch: its items as cards, the unsorted tray, what was deleted.

Owns when a boundary is shown as unsure. Owns no rule of sorting: that is `drafts/board.py`.
"""

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any

from sqlmodel import Session

from backend.core import grouping
from backend.core.listing import Field
from backend.db.models import Draft, Photo
from backend.drafts import board as boards
from backend.drafts.schemas import FIELDS
from backend.publications import service as publications
from backend.web.language import Words
from backend.web.values import picture, value_text

UNSURE_BELOW = 0.8
"""An item is marked as unsure from this confidence down: about one in four of those is wrong."""


@dataclass(frozen=True)
class BoardPhoto:
    row: Photo
    number: int
    why: str = ""


@dataclass(frozen=True)
class BoardItem:
    """An item's card. `fixed` ones are in a publication: their photos stay; `percent` is how sure its boundary is, ""
    where a person drew it; `version` is another one whenever the card says something else."""

    id: str
    number: int
    title: str
    state: str
    photos: tuple[BoardPhoto, ...]
    percent: str
    unsure: bool
    why: tuple[str, ...]
    fixed: bool
    version: str


@dataclass(frozen=True)
class BoardView:
    id: str
    revision: int
    when: str
    moving: bool
    sorted: bool
    items: tuple[BoardItem, ...]
    unsorted: tuple[BoardPhoto, ...]
    tray_version: str
    removed: tuple[BoardPhoto, ...]
    bin_version: str
    can_undo: bool
    can_redo: bool
    photos: int

    @property
    def reasons(self) -> dict[str, int]:
        """Why photos are unsorted, and how many for each reason."""
        return dict(Counter(photo.why for photo in self.unsorted if photo.why))

    @property
    def unsure(self) -> int:
        return sum(item.unsure for item in self.items)


def board(session: Session, user_id: str, words: Words, batch_id: str) -> BoardView:
    """Raises NotFound."""
    found = boards.look(session, user_id, batch_id)
    fixed = publications.drafts_in_hand(session, user_id)
    rows = [*(p for _, photos in found.items for p in photos), *found.unsorted, *found.removed]
    numbers = {photo.id: n for n, photo in enumerate(sorted(rows, key=lambda photo: photo.position), 1)}

    def shown(photo: Photo) -> BoardPhoto:
        why = words.known(f"left_out.{photo.reason}") or words("left_out.unsorted") if photo.reason else ""
        return BoardPhoto(photo, numbers[photo.id], why)

    unsorted, removed = tuple(map(shown, found.unsorted)), tuple(map(shown, found.removed))
    return BoardView(
        id=batch_id,
        revision=found.batch.board_revision,
        when=words.moment(found.batch.created_at),
        moving=found.batch.state in ("queued", "taking_in", "sorting", "reading"),
        sorted=bool(found.items) or found.batch.state == "done",
        items=tuple(
            _item(words, n, draft, tuple(map(shown, photos)), fixed) for n, (draft, photos) in enumerate(found.items, 1)
        ),
        unsorted=unsorted,
        tray_version=_version(words, unsorted, "tray", *(photo.why for photo in unsorted)),
        removed=removed,
        bin_version=_version(words, removed, "bin"),
        can_undo=found.can_undo,
        can_redo=found.can_redo,
        photos=len(rows),
    )


def _item(words: Words, number: int, draft: Draft, photos: tuple[BoardPhoto, ...], fixed: frozenset[str]) -> BoardItem:
    fields = FIELDS.validate_python(draft.fields)
    sure = float(draft.grouping.get("confidence", 1.0))
    title = fields.get("title", Field()).value or value_text(words, "category", fields.get("category", Field()).value)
    title = str(title or words("board.item", n=number))
    percent = words.percent(sure) if "confidence" in draft.grouping else ""
    why = tuple(grouping.told(draft.grouping, words.language))
    is_fixed = draft.id in fixed
    return BoardItem(
        id=draft.id,
        number=number,
        title=title,
        state=draft.state,
        photos=photos,
        percent=percent,
        unsure=sure < UNSURE_BELOW,
        why=why,
        fixed=is_fixed,
        version=_version(words, photos, draft.id, title, draft.state, sure, percent, why, is_fixed),
    )


def _version(words: Words, photos: tuple[BoardPhoto, ...], *said: Any) -> str:
    """A short word for all that a card shows."""
    pictures = [(photo.number, picture(photo.row)) for photo in photos]
    return blake2s(repr((words.language, pictures, said)).encode(), digest_size=4).hexdigest()
