"""Bulk jobs: batches and how far they have come, once or as a stream."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlmodel import Session

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.api.pulses import beating
from backend.api.staying import Stay
from backend.db.models import Photo
from backend.photos import batches, intake
from backend.runtime import Runtime
from backend.spending.report import Cost, cost_of_batch

router = APIRouter(prefix="/bulk", tags=["bulk"], responses=RESPONSES)

_LOOK_EVERY = 0.3


class BulkJob(BaseModel):
    """A batch's progress, counted from the tables. `photos` counts files by state, of the accepted ones `looked_at`
    were looked at to sort them, `cost` the calls to a model."""

    id: str
    state: str
    finished: bool
    files: int
    taken_in: int
    photos: dict[str, int]
    looked_at: int
    items: int
    read: int
    ready: int
    error: str | None
    cost: Cost


class BulkJobSummary(BaseModel):
    id: str
    state: str
    source: str
    created_at: datetime


class RefusedFile(BaseModel):
    """A file that became no photo of an item: refused, a duplicate, or unsorted."""

    file: str
    state: str
    reason: str | None
    message: str


@router.get("/jobs")
async def bulk_jobs(runtime: RuntimeDep, user_id: UserId) -> list[BulkJobSummary]:
    """The latest batches, newest first."""
    found = await runtime.database.look(batches.batches_of, user_id)
    return [BulkJobSummary.model_validate(b, from_attributes=True) for b in found]


@router.get("/events", response_class=StreamingResponse)
async def bulk_events(
    request: Request, runtime: RuntimeDep, user_id: UserId, seen: str | None = None
) -> StreamingResponse:
    """An event whenever a batch of the user's comes in or moves on, or a draft is read: to look again. One at once too,
    unless `seen` is the id of the last.

    It ends for who is no longer let in."""
    return beating(request, runtime, user_id, batches.pulse, seen=seen)


@router.get("/jobs/{job_id}", name="bulk_job")
async def bulk_job(job_id: str, runtime: RuntimeDep, user_id: UserId) -> BulkJob:
    return await _look(runtime, user_id, job_id)


@router.post("/jobs/{job_id}/resume", status_code=202)
async def resume_bulk_job(job_id: str, runtime: RuntimeDep, user_id: UserId) -> BulkJob:
    """Goes on with a batch that something had stopped, once that is out of the way."""
    await runtime.handing_in.go_on(user_id, job_id)
    return await _look(runtime, user_id, job_id)


@router.get("/jobs/{job_id}/refused")
async def refused_files(job_id: str, runtime: RuntimeDep, user_id: UserId) -> list[RefusedFile]:
    """The files that became no photo of an item, each with its reason."""

    def find(session: Session) -> list[RefusedFile]:
        batches.progress(session, user_id, job_id)  # NotFound for somebody else's batch
        photos = batches.photos_of(session, job_id)
        return [_refused(p) for p in photos if p.state in ("refused", "duplicate", "near_duplicate") or p.reason]

    return await runtime.database.look(find)


@router.get("/jobs/{job_id}/events", response_class=StreamingResponse)
async def bulk_job_events(job_id: str, request: Request, runtime: RuntimeDep, user_id: UserId) -> StreamingResponse:
    """The job's progress as server-sent events, one at each change, until it has finished.

    It ends too for who is no longer let in."""
    first = await _look(runtime, user_id, job_id)
    stay = Stay(request, runtime)

    async def stream() -> AsyncIterator[str]:
        seen, job = None, first
        while True:
            if job != seen:
                seen = job
                yield f"event: progress\ndata: {job.model_dump_json()}\n\n"
            if job.finished or await request.is_disconnected() or not await stay.holds():
                return
            await asyncio.sleep(_LOOK_EVERY)
            job = await _look(runtime, user_id, job_id)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def _look(runtime: Runtime, user_id: str, job_id: str) -> BulkJob:
    progress, cost = await runtime.database.look(_progress_and_cost, user_id, job_id)
    shown: dict[str, Any] = asdict(progress)
    return BulkJob(id=job_id, finished=progress.finished, cost=cost, **shown)


def _progress_and_cost(session: Session, user_id: str, job_id: str) -> tuple[batches.Progress, Cost]:
    return batches.progress(session, user_id, job_id), cost_of_batch(session, user_id, job_id)


def _refused(photo: Photo) -> RefusedFile:
    name = f"{photo.folder}/{photo.name}" if photo.folder else photo.name
    if photo.state == "refused":
        message = intake.explain(photo.reason or "", "en")
    else:
        message = f"Looks the same as photo {photo.duplicate_of}." if photo.duplicate_of else photo.reason or ""
    return RefusedFile(file=name, state=photo.state, reason=photo.reason or photo.state, message=message)
