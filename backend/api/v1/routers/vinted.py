"""Publishing in two phases: prepare (look, touch nothing) and publish (asked for once, carried out in the background).

Owns the HTTP of both. The retries of the contract live inside the job, before the click, not around this endpoint.
"""

import asyncio
import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from backend.accounts import service as accounts
from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.api.v1.routers.publications import PublicationOut, shown
from backend.core import readiness
from backend.core.modes import Mode
from backend.core.texts import sentences
from backend.db.models import Draft, Publication
from backend.db.scope import get_owned
from backend.drafts import service as drafts
from backend.drafts.schemas import ProblemOut
from backend.publications import journal, queue, service
from backend.publications.service import Order, RequestKey
from backend.runtime import Runtime
from backend.workflows.sheet import summary, to_sheet

router = APIRouter(prefix="/vinted", tags=["publishing"], responses=RESPONSES)

_LONGEST_WAIT = 60


class PrepareRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    draft_id: str
    account: str | None = Field(None, description="Id or username; may be left out when there is only one account.")


class Prepared(BaseModel):
    """Phase A's answer: what would be sent, and what is in the way."""

    draft_id: str
    revision: int
    account_id: str
    account_state: str
    ready: bool
    problems: list[ProblemOut]
    sheet: dict[str, Any] | None
    notice: str


class ListingPublishRequest(BaseModel):
    """Phase B. `mode` defaults to the server's setting (a dry run); `dry_run: true` wins over it."""

    model_config = ConfigDict(extra="forbid")

    draft_id: str
    revision: int | None = Field(None, description="The revision that was looked at; 409 when it has changed.")
    account: str | None = None
    mode: Mode | None = None
    dry_run: bool | None = None
    at: str | None = Field(None, max_length=40, description="Not before: 18:30, 2026-12-01 18:30, +2h.")


@router.post("/listings/prepare")
async def prepare_listing(wanted: PrepareRequest, runtime: RuntimeDep, user_id: UserId) -> Prepared:
    """Phase A: shows what would be sent; opens no browser, changes nothing."""

    def look(session: Session) -> Prepared:
        draft = get_owned(session, Draft, user_id, wanted.draft_id)
        account = accounts.choose(session, user_id, wanted.account)
        problems = [
            ProblemOut(code=p.code, field=p.field, message=readiness.message(p, drafts.told_in(session, draft)))
            for p in drafts.problems(draft)
        ]
        sheet = None
        if draft.publish_ready:
            photos = [runtime.store.path(p.store_key) for p in drafts.photos_of(session, draft) if p.store_key]
            sheet = dict(summary(to_sheet(drafts.listing_of(session, draft), photos)))
        return Prepared(
            draft_id=draft.id,
            revision=draft.revision,
            account_id=account.id,
            account_state=account.state,
            ready=draft.publish_ready and account.state == "ready",
            problems=problems,
            sheet=sheet,
            notice=sentences("en")["notice"],
        )

    return await runtime.database.run(look)


@router.post("/listings/publish", status_code=status.HTTP_202_ACCEPTED)
async def publish_listing(
    wanted: ListingPublishRequest,
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    user_id: UserId,
    idempotency_key: Annotated[str, Header(min_length=1, max_length=200)],
    prefer: Annotated[str, Header()] = "",
) -> PublicationOut:
    """Phase B: asks for the publication and answers with its address (`Location`).

    The same `Idempotency-Key` with the same body gives the same publication, as it stands by then; with another body
    422.
    `Prefer: wait=30` waits up to so many seconds for its end and then answers 200."""
    key = RequestKey.of(idempotency_key, wanted.model_dump(mode="json"))
    publication = await runtime.database.run(service.answered, user_id, key)
    if publication is None:
        publication = await runtime.publish(user_id, await _order(runtime, user_id, wanted), key=key)
    if wait := re.search(r"\bwait=(\d{1,4})\b", prefer):
        publication = await wait_for_end(runtime, publication, min(int(wait[1]), _LONGEST_WAIT))
        response.headers["Preference-Applied"] = f"wait={min(int(wait[1]), _LONGEST_WAIT)}"
    if publication.state in journal.ENDED:
        response.status_code = status.HTTP_200_OK
    response.headers["Location"] = str(request.app.url_path_for("publication", publication_id=publication.id))
    return shown(publication, await runtime.database.look(queue.waiting, user_id))


async def _order(runtime: Runtime, user_id: str, wanted: ListingPublishRequest) -> Order:
    """What is asked for at this moment. Raises NotFound, BadRequest."""
    account = await runtime.database.run(accounts.choose, user_id, wanted.account)
    [not_before] = await runtime.database.run(service.moments, account, wanted.at, None, 1)
    mode = "dry_run" if wanted.dry_run else wanted.mode or (await runtime.in_force(user_id)).mode
    return Order(wanted.draft_id, account.id, mode, revision=wanted.revision, not_before=not_before)


async def wait_for_end(runtime: Runtime, publication: Publication, seconds: float) -> Publication:
    """The publication once it has stopped moving by itself, or as it stands after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while publication.state in journal.RUNNING and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.2)
        publication = await runtime.database.look(get_owned, Publication, publication.user_id, publication.id)
    return publication
