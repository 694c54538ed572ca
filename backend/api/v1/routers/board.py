"""The photo board: which photo belongs to which item, as its seller puts it right."""

import asyncio
from collections.abc import Collection
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.core.errors import BadRequest
from backend.db.models import Batch, Photo
from backend.db.scope import get_owned
from backend.drafts import board
from backend.photos.turning import turned
from backend.runtime import BoardWork, Runtime

MOST_TURNED = 50
"""Photos turned at once: each is decoded and stored anew."""

router = APIRouter(prefix="/bulk/jobs/{job_id}/board", tags=["board"], responses=RESPONSES)


class ItemOut(BaseModel):
    """An item: its draft's id and its photos in showing order, the cover first. `confidence` is how sure it is that
    just these belong together."""

    id: str
    state: str
    confidence: float
    photos: list[str]


class BoardOut(BaseModel):
    revision: int
    items: list[ItemOut]
    unsorted: list[str]
    removed: list[str]
    can_undo: bool
    can_redo: bool


class RevisionOut(BaseModel):
    """The board's revision alone."""

    revision: int


class AtRevision(BaseModel):
    """`revision` is the board's that was looked at. `sent_as` is an id of your own for this change: where its answer
    got lost, the same sent again is made once, and answered with the board as it is."""

    model_config = ConfigDict(extra="forbid")

    revision: int
    sent_as: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class Move(AtRevision):
    """Photos, and all photos of `items`, in this order; `to` is an item's id, `new`, `unsorted` or `bin`."""

    photos: Annotated[list[str], Field(max_length=5000)] = []
    items: Annotated[list[str], Field(max_length=500)] = []
    to: str
    before: str | None = None


class Turn(AtRevision):
    """Photos to turn clockwise by so many degrees: 90, 180 or 270."""

    photos: Annotated[list[str], Field(min_length=1, max_length=MOST_TURNED)]
    degrees: Literal[90, 180, 270] = 90


def wants_little(prefer: Annotated[str, Header()] = "") -> bool:
    """`Prefer: return=minimal` is answered with the new revision alone."""
    return "return=minimal" in prefer


Little = Annotated[bool, Depends(wants_little)]
Changed = BoardOut | RevisionOut


@router.get("")
async def show_board(job_id: str, runtime: RuntimeDep, user_id: UserId) -> BoardOut:
    return await _look(runtime, user_id, job_id)


@router.post("")
async def move_photos(job_id: str, move: Move, runtime: RuntimeDep, user_id: UserId, little: Little) -> Changed:
    """Moves, merges, splits, reorders, sets the cover, deletes: photos are put somewhere. 409 `stale_board`,
    `item_in_publication`, `batch_sorting`."""

    def change(session: Session, busy: Collection[str]) -> None:
        items = {draft.id: photos for draft, photos in board.look(session, user_id, job_id).items}
        if unknown := [item for item in move.items if item not in items]:
            raise BadRequest(f"There is no item {unknown[0]!r} in this batch.", code="no_photos")
        photos = [*move.photos, *(photo.id for item in move.items for photo in items[item])]
        board.put(session, user_id, job_id, move.revision, photos, move.to, before=move.before, busy=busy)

    return await _change(runtime, user_id, job_id, move, change, little)


@router.post("/turn")
async def turn_photos(job_id: str, turn: Turn, runtime: RuntimeDep, user_id: UserId, little: Little) -> Changed:
    """Turns photos; their items are read again."""
    photos = [await runtime.database.look(get_owned, Photo, user_id, photo_id) for photo_id in turn.photos]
    pictures: dict[str, dict[str, Any]] = {}
    for photo in photos:
        pictures[photo.id] = await asyncio.to_thread(turned, runtime.store, photo, turn.degrees)

    def change(session: Session, busy: Collection[str]) -> None:
        board.turn(session, user_id, job_id, turn.revision, pictures, busy=busy)

    return await _change(runtime, user_id, job_id, turn, change, little)


@router.post("/undo")
async def undo_change(job_id: str, at: AtRevision, runtime: RuntimeDep, user_id: UserId, little: Little) -> Changed:
    """409 `no_change` where nothing is to be taken back."""
    return await _change(
        runtime, user_id, job_id, at,
        lambda session, busy: board.undo(session, user_id, job_id, at.revision, busy=busy), little,
    )  # fmt: skip


@router.post("/redo")
async def redo_change(job_id: str, at: AtRevision, runtime: RuntimeDep, user_id: UserId, little: Little) -> Changed:
    """409 `no_change` where nothing was taken back."""
    return await _change(
        runtime, user_id, job_id, at,
        lambda session, busy: board.redo(session, user_id, job_id, at.revision, busy=busy), little,
    )  # fmt: skip


async def _change(
    runtime: Runtime, user_id: str, job_id: str, at: AtRevision, change: BoardWork, little: bool
) -> Changed:
    def work(session: Session, busy: Collection[str]) -> None:
        board.once(session, user_id, job_id, at.sent_as, lambda: change(session, busy))

    await runtime.change_board(user_id, job_id, work)
    if little:
        return RevisionOut(revision=(await runtime.database.look(get_owned, Batch, user_id, job_id)).board_revision)
    return await _look(runtime, user_id, job_id)


async def _look(runtime: Runtime, user_id: str, job_id: str) -> BoardOut:
    return await runtime.database.look(lambda session: _shown(board.look(session, user_id, job_id)))


def _shown(found: board.Board) -> BoardOut:
    return BoardOut(
        revision=found.batch.board_revision,
        items=[
            ItemOut(
                id=draft.id,
                state=draft.state,
                confidence=float(draft.grouping.get("confidence", 0.0)),
                photos=[photo.id for photo in photos],
            )
            for draft, photos in found.items
        ],
        unsorted=[photo.id for photo in found.unsorted],
        removed=[photo.id for photo in found.removed],
        can_undo=found.can_undo,
        can_redo=found.can_redo,
    )
