"""Is it alive, and can it work? Owns no check of its own: `backend/watch/checks.py` has them."""

import os
import time
from importlib.metadata import version

import psutil
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from backend.api.deps import RuntimeDep

router = APIRouter(tags=["health"])
_STARTED = time.monotonic()


class Process(BaseModel):
    id: int
    memory_bytes: int
    threads: int


class Health(BaseModel):
    status: str
    version: str
    uptime_seconds: float
    process: Process


class Check(BaseModel):
    """One part: whether it works, how long it took to answer, and why not. The rest works without what is not
    `needed`."""

    ok: bool
    needed: bool
    milliseconds: float
    reason: str = ""


class Ready(BaseModel):
    """`degraded` are the parts that don't work and that the rest can do without."""

    ready: bool
    degraded: list[str]
    checks: dict[str, Check]


@router.get("/health")
async def health() -> Health:
    """Alive: answers as long as the process does."""
    own = psutil.Process()
    process = Process(id=os.getpid(), memory_bytes=own.memory_info().rss, threads=own.num_threads())
    return Health(
        status="ok", version=version("vintedbot"), uptime_seconds=time.monotonic() - _STARTED, process=process
    )


@router.get("/ready", response_model=Ready, responses={503: {"model": Ready}})
async def ready(runtime: RuntimeDep) -> JSONResponse:
    """Able to work: the database answers, photos can be stored, somebody runs jobs; 503 with the reasons otherwise.

    Browser, model and disk are told too. Those two are asked every half minute at most, however often this is."""
    found = await runtime.checks.look()
    checks = {
        one.name: Check(
            ok=one.ok, needed=one.needed, milliseconds=one.seconds * 1000, reason="" if one.ok else one.told
        )
        for one in found
    }
    body = Ready(
        ready=all(one.ok for one in found if one.needed),
        degraded=[one.name for one in found if not one.ok and not one.needed],
        checks=checks,
    )
    return JSONResponse(body.model_dump(), 200 if body.ready else 503)
