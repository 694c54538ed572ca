"""Drafts: looked at, corrected, approved, put away."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.core import readiness
from backend.core.remarks import remarks
from backend.core.words import Tone
from backend.db.models import Draft
from backend.db.scope import get_owned
from backend.drafts import service
from backend.drafts.schemas import FIELDS, DraftOut, FieldsPatch, PhotoOut, ProblemOut, shown_fields

COLUMNS = {"id", "batch_id", "revision", "state", "language", "publish_ready", "warnings", "purchase_cost"}

router = APIRouter(prefix="/drafts", tags=["drafts"], responses=RESPONSES)


class DraftChange(BaseModel):
    """A correction to the revision that was looked at: `fields` names only what changes."""

    model_config = ConfigDict(extra="forbid")

    revision: int
    fields: FieldsPatch


class AtRevision(BaseModel):
    model_config = ConfigDict(extra="forbid")

    revision: int | None = None


class UndoAt(BaseModel):
    model_config = ConfigDict(extra="forbid")

    revision: int


class Rewrite(BaseModel):
    """`tone` for this once, instead of the seller's own."""

    model_config = ConfigDict(extra="forbid")

    revision: int
    field: Literal["title", "description", "price"]
    tone: Tone | None = None


@router.get("")
async def list_drafts(
    runtime: RuntimeDep,
    user_id: UserId,
    batch_id: str | None = None,
    ready: bool | None = None,
    state: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> list[DraftOut]:
    """Drafts in the order they were made; discarded ones only with `state=discarded`."""

    def find(session: Session) -> list[DraftOut]:
        found = service.drafts_of(
            session, user_id, batch_id=batch_id, ready=ready, state=state, limit=limit, offset=offset
        )
        return [shown(session, draft) for draft in found]

    return await runtime.database.look(find)


@router.get("/{draft_id}")
async def show_draft(draft_id: str, runtime: RuntimeDep, user_id: UserId) -> DraftOut:
    return await runtime.database.look(lambda session: shown(session, get_owned(session, Draft, user_id, draft_id)))


@router.patch("/{draft_id}")
async def edit_draft(draft_id: str, change: DraftChange, runtime: RuntimeDep, user_id: UserId) -> DraftOut:
    """The seller's corrections. 409 `stale_revision` when somebody changed the draft since."""
    changes: dict[str, Any] = change.fields.changes()
    return await runtime.database.run(
        lambda session: shown(session, service.edit(session, user_id, draft_id, change.revision, changes))
    )


@router.post("/{draft_id}/rewrite")
async def rewrite_field(draft_id: str, wish: Rewrite, runtime: RuntimeDep, user_id: UserId) -> DraftOut:
    """Writes one field anew from what is known now; no other changes. Its old value stays as an alternative."""
    return await runtime.database.run(
        lambda session: shown(
            session, service.rewrite(session, user_id, draft_id, wish.revision, wish.field, tone=wish.tone)
        )
    )


@router.post("/{draft_id}/undo")
async def undo_edit(draft_id: str, at: UndoAt, runtime: RuntimeDep, user_id: UserId) -> DraftOut:
    """Takes the last edit back, one at a time; 409 `no_change` where there is none."""
    return await runtime.database.run(
        lambda session: shown(session, service.undo(session, user_id, draft_id, at.revision))
    )


@router.post("/{draft_id}/reread", status_code=202)
async def reread_draft(draft_id: str, at: AtRevision, runtime: RuntimeDep, user_id: UserId) -> DraftOut:
    """Has it read again by the reader of now; what its seller stated stays, and undo brings back what was.

    409 `item_in_publication` while it is in a publication, or has a listing."""
    draft = await runtime.read_again(user_id, draft_id, at.revision)
    return await runtime.database.run(lambda session: shown(session, get_owned(session, Draft, user_id, draft.id)))


@router.post("/{draft_id}/reopen")
async def reopen_draft(draft_id: str, runtime: RuntimeDep, user_id: UserId) -> DraftOut:
    """Takes the approval back."""
    return await runtime.database.run(lambda session: shown(session, service.reopen(session, user_id, draft_id)))


@router.post("/{draft_id}/approve")
async def approve_draft(draft_id: str, at: AtRevision, runtime: RuntimeDep, user_id: UserId) -> DraftOut:
    """409 `draft_not_ready` with the reasons while something is in the way."""
    return await runtime.database.run(
        lambda session: shown(session, service.approve(session, user_id, draft_id, at.revision))
    )


@router.delete("/{draft_id}")
async def discard_draft(draft_id: str, runtime: RuntimeDep, user_id: UserId) -> DraftOut:
    """Puts the draft away; `restore` brings it back."""
    return await runtime.database.run(lambda session: shown(session, service.discard(session, user_id, draft_id)))


@router.post("/{draft_id}/restore")
async def restore_draft(draft_id: str, runtime: RuntimeDep, user_id: UserId) -> DraftOut:
    return await runtime.database.run(lambda session: shown(session, service.restore(session, user_id, draft_id)))


def shown(session: Session, draft: Draft) -> DraftOut:
    fields, language = FIELDS.validate_python(draft.fields), service.told_in(session, draft)
    problems = [
        ProblemOut(code=p.code, field=p.field, message=readiness.message(p, language)) for p in service.problems(draft)
    ]
    photos = [
        PhotoOut(
            id=photo.id,
            name=photo.name,
            url=f"/api/v1/photos/{photo.id}",
            thumbnail_url=f"/api/v1/photos/{photo.id}?size=thumbnail",
            width=photo.width or 0,
            height=photo.height or 0,
            role=photo.role,
            role_source=photo.role_source,
        )
        for photo in service.photos_of(session, draft)
    ]
    columns = draft.model_dump(include=COLUMNS)
    return DraftOut(
        **columns,
        problems=problems,
        remarks=list(remarks(draft.warnings, fields, language)),
        photos=photos,
        fields=shown_fields(fields),
        confidence=service.confidence(fields),
        created_at=draft.created_at,
        updated_at=draft.updated_at,
    )
