"""Publications: what became of each, step by step, with the picture of the form."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.core.errors import NotFound
from backend.db.models import Publication
from backend.db.scope import get_owned
from backend.publications import evidence, journal, queue, service
from backend.publications.queue import Waiting

router = APIRouter(prefix="/publications", tags=["publications"], responses=RESPONSES)


class PublicationOut(BaseModel):
    """One publication. `listing_id` is positive proof; `differences` what reads back otherwise than sent.

    `waits` says why a queued one has not begun (`publications/queue.py`), `waits_until` when that ends by itself."""

    id: str
    draft_id: str
    draft_revision: int
    account_id: str
    route: str
    mode: str
    state: str
    ended: bool
    step: str
    attempts: int
    sheet: dict[str, Any]
    listing_id: str | None
    listing_url: str | None
    differences: list[dict[str, str]]
    error_code: str | None
    error: str | None
    not_before: datetime | None
    waits: str | None
    waits_until: datetime | None
    created_at: datetime
    updated_at: datetime


class EventOut(BaseModel):
    at: datetime
    from_state: str | None
    state: str
    detail: dict[str, Any]


class PublicationStory(PublicationOut):
    events: list[EventOut]


@router.get("")
async def list_publications(
    runtime: RuntimeDep,
    user_id: UserId,
    draft_id: str | None = None,
    state: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> list[PublicationOut]:
    """Newest first."""
    found = await runtime.database.look(
        service.publications_of,
        user_id,
        draft_id=draft_id,
        states=[state] if state else None,
        limit=limit,
        offset=offset,
    )
    reasons = await runtime.database.look(queue.waiting, user_id)
    return [shown(p, reasons) for p in found]


@router.get("/{publication_id}", name="publication")
async def show_publication(publication_id: str, runtime: RuntimeDep, user_id: UserId) -> PublicationStory:
    publication = await runtime.database.look(get_owned, Publication, user_id, publication_id)
    events = await runtime.database.look(service.events_of, user_id, publication_id)
    reasons = await runtime.database.look(queue.waiting, user_id)
    return PublicationStory(
        **shown(publication, reasons).model_dump(),
        events=[EventOut.model_validate(e, from_attributes=True) for e in events],
    )


@router.get("/{publication_id}/screenshot", response_class=FileResponse)
async def show_screenshot(publication_id: str, runtime: RuntimeDep, user_id: UserId) -> FileResponse:
    """The form as it stood before the click, or the listing after it."""
    publication = await runtime.database.look(get_owned, Publication, user_id, publication_id)
    if publication.screenshot_key is None:
        raise NotFound("There is no picture of this publication yet.")
    return FileResponse(runtime.store.path(publication.screenshot_key), media_type="image/jpeg")


class BundleOut(BaseModel):
    """What is kept of one failed attempt. `files`: names and sizes; secrets were removed from all of them."""

    name: str
    at: datetime
    code: str
    files: dict[str, int]


@router.get("/{publication_id}/evidence")
async def list_evidence(publication_id: str, runtime: RuntimeDep, user_id: UserId) -> list[BundleOut]:
    """What failed, doubtful and waiting attempts left behind, newest first."""
    root = runtime.settings.evidence_folder
    found = await runtime.database.look(evidence.bundles_of, user_id, root, publication_id)
    return [BundleOut.model_validate(bundle, from_attributes=True) for bundle in found]


@router.get("/{publication_id}/evidence.zip", response_class=StreamingResponse)
async def download_evidence(publication_id: str, runtime: RuntimeDep, user_id: UserId) -> StreamingResponse:
    """All of it as one ZIP. 404 when there is none."""
    root = runtime.settings.evidence_folder
    found = await runtime.database.look(evidence.bundles_of, user_id, root, publication_id)
    if not found:
        raise NotFound("There is no evidence of this publication: nothing failed, or it was cleared away.")
    headers = {"Content-Disposition": f'attachment; filename="evidence-{publication_id}.zip"'}
    return StreamingResponse(evidence.zip_of(found), media_type="application/zip", headers=headers)


@router.get("/{publication_id}/evidence/{bundle}/{file}", response_class=FileResponse)
async def show_evidence(
    publication_id: str, bundle: str, file: str, runtime: RuntimeDep, user_id: UserId
) -> FileResponse:
    """One file of a bundle. Only the picture is shown; another site's page must never run as ours."""
    root = runtime.settings.evidence_folder
    path = await runtime.database.look(evidence.file_of, user_id, root, publication_id, bundle, file)
    if path.suffix == ".jpg":
        return FileResponse(path, media_type="image/jpeg")
    return FileResponse(path, media_type="application/octet-stream", filename=file)


@router.post("/{publication_id}/cancel")
async def cancel_publication(publication_id: str, runtime: RuntimeDep, user_id: UserId) -> PublicationOut:
    """Before the click only; after it 409 with the state it is in."""
    return shown(await runtime.database.run(service.cancel, user_id, publication_id))


class Decision(BaseModel):
    """What the owner saw after an uncertain click: `adopt` the listing with this id, or at this address; `retry` since
    there is none; or `give_up`."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["adopt", "retry", "give_up"]
    listing_id: Annotated[str, Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def _adopting_names_it(self) -> "Decision":
        if (self.decision == "adopt") != (self.listing_id is not None):
            raise ValueError("`listing_id` goes with `adopt`, and only with it")
        return self


@router.post("/{publication_id}/settle")
async def settle_publication(
    publication_id: str, said: Decision, runtime: RuntimeDep, user_id: UserId
) -> PublicationOut:
    """Ends an uncertainty by the owner's word. 409 `not_uncertain` when there is none."""
    if said.listing_id is not None:
        return shown(await runtime.adopt(user_id, publication_id, said.listing_id))
    if said.decision == "retry":
        return shown(await runtime.resume(user_id, publication_id, despite_doubt=True))
    return shown(await runtime.database.run(service.give_up, user_id, publication_id))


@router.post("/{publication_id}/resume")
async def resume_publication(publication_id: str, runtime: RuntimeDep, user_id: UserId) -> PublicationOut:
    """Goes on with a publication that waited for a person, once the reason is dealt with."""
    return shown(await runtime.resume(user_id, publication_id))


def shown(publication: Publication, reasons: Mapping[str, Waiting] | None = None) -> PublicationOut:
    """As the API shows it; `reasons` are `queue.waiting`'s, where they are known."""
    held = (reasons or {}).get(publication.id) if publication.state == journal.State.QUEUED else None
    more = {
        "ended": publication.state in journal.ENDED,
        "waits": held and held.code,
        "waits_until": held and held.until,
    }
    return PublicationOut.model_validate({**publication.model_dump(), **more})
