"""The queue: asking for several publications at once, their order, their times, and why they wait."""

from typing import Annotated

from fastapi import APIRouter, Request, status
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from backend.accounts import service as accounts
from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.api.pulses import beating
from backend.api.v1.routers.publications import PublicationOut, shown
from backend.core.modes import Mode
from backend.core.pacing import parse_moment
from backend.db.engine import clock
from backend.db.models import Account, Publication
from backend.db.scope import get_owned
from backend.preferences import pace_of
from backend.publications import queue, service

router = APIRouter(prefix="/queue", tags=["publishing"], responses=RESPONSES)

Moment = Annotated[str, Field(max_length=40, description="18:30, 2026-12-01 18:30 (the account's time), +2h, or ISO.")]


class QueueRequest(BaseModel):
    """Several drafts for one account. `spread` puts them evenly over this time: 90m, 6h, 2d."""

    model_config = ConfigDict(extra="forbid")

    draft_ids: Annotated[list[str], Field(min_length=1, max_length=500)]
    account: str | None = None
    mode: Mode | None = None
    at: Moment | None = None
    spread: Annotated[str, Field(max_length=20)] | None = None


class NotAsked(BaseModel):
    draft_id: str
    code: str
    detail: str


class Queued(BaseModel):
    publications: list[PublicationOut]
    not_asked: list[NotAsked]


class Place(BaseModel):
    """Before which publication of the same account it goes; null is last."""

    model_config = ConfigDict(extra="forbid")

    before: str | None


class Time(BaseModel):
    """From when on it may begin; null is as soon as it is its turn."""

    model_config = ConfigDict(extra="forbid")

    not_before: Moment | None


@router.get("")
async def show_queue(runtime: RuntimeDep, user_id: UserId, account: str | None = None) -> list[PublicationOut]:
    """What waits, in the order it will begin, account by account."""

    def look(session: Session) -> list[PublicationOut]:
        account_id = accounts.choose(session, user_id, account).id if account else None
        reasons = queue.waiting(session, user_id)
        return [shown(row, reasons) for row in queue.line_of(session, user_id, account_id)]

    return await runtime.database.look(look)


@router.post("", status_code=status.HTTP_202_ACCEPTED)
async def queue_drafts(wanted: QueueRequest, runtime: RuntimeDep, user_id: UserId) -> Queued:
    """Asks for each; one that isn't there or isn't ready, or has a listing, keeps none of the others from it."""
    mode = wanted.mode or (await runtime.in_force(user_id)).mode
    asked, refused = await runtime.publish_many(
        user_id, wanted.draft_ids, wanted.account, mode, at=wanted.at, spread=wanted.spread
    )
    not_asked = [NotAsked(draft_id=draft, code=why.code, detail=str(why)) for draft, why in refused.items()]

    def look(session: Session) -> list[PublicationOut]:
        reasons = queue.waiting(session, user_id)
        return [shown(get_owned(session, Publication, user_id, one), reasons) for one in asked]

    return Queued(publications=await runtime.database.look(look), not_asked=not_asked)


@router.get("/events", response_class=StreamingResponse)
async def queue_events(request: Request, runtime: RuntimeDep, user_id: UserId) -> StreamingResponse:
    """An event whenever a publication of the user's moves a step, and one at once: to look again, after a break too.

    It ends for who is no longer let in."""
    return beating(request, runtime, user_id, service.pulse)


@router.post("/{publication_id}/move")
async def move_in_queue(
    publication_id: str, place: Place, runtime: RuntimeDep, user_id: UserId
) -> list[PublicationOut]:
    """Changes its place. Answers with its account's line as it is then; 409 `not_queued` once it has begun."""

    def work(session: Session) -> list[PublicationOut]:
        line = queue.move_before(session, user_id, publication_id, place.before)
        session.flush()
        reasons = queue.waiting(session, user_id)
        return [shown(row, reasons) for row in line]

    return await runtime.database.run(work)


@router.put("/{publication_id}/time")
async def reschedule(publication_id: str, time: Time, runtime: RuntimeDep, user_id: UserId) -> PublicationOut:
    """Sets or ends the time it waits for. 409 `not_queued` once it has begun."""

    def work(session: Session) -> PublicationOut:
        publication = get_owned(session, Publication, user_id, publication_id)
        pace = pace_of(session, get_owned(session, Account, user_id, publication.account_id))
        moment = parse_moment(time.not_before, pace, clock(session)) if time.not_before else None
        changed = queue.reschedule(session, user_id, publication_id, moment)
        session.flush()
        return shown(changed, queue.waiting(session, user_id))

    found = await runtime.database.run(work)
    runtime.jobs.look()
    return found
