"""Is it alive, and can it work? Owns no check of its own: it asks the parts."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import text

from backend.api.deps import RuntimeDep
from backend.core.errors import SetupError, VintedBotError
from backend.runtime import Runtime

router = APIRouter(tags=["health"])
_STARTED = time.monotonic()


class Health(BaseModel):
    status: str
    version: str
    uptime_seconds: float


class Check(BaseModel):
    """One part: whether it works, how long it took to answer, and why not."""

    ok: bool
    milliseconds: float
    reason: str = ""


class Ready(BaseModel):
    ready: bool
    checks: dict[str, Check]


@router.get("/health")
async def health() -> Health:
    """Alive: answers as long as the process does."""
    return Health(status="ok", version=version("vintedbot"), uptime_seconds=time.monotonic() - _STARTED)


@router.get("/ready", response_model=Ready, responses={503: {"model": Ready}})
async def ready(runtime: RuntimeDep) -> JSONResponse:
    """Able to work: the database answers, photos can be stored, jobs are run. 503 with the reasons otherwise."""
    probes = {"database": _database, "storage": _storage, "jobs": _jobs}
    checks = {name: await _check(runtime, probe) for name, probe in probes.items()}
    body = Ready(ready=all(c.ok for c in checks.values()), checks=checks)
    return JSONResponse(body.model_dump(), 200 if body.ready else 503)


async def _check(runtime: Runtime, probe: Callable[[Runtime], Awaitable[None]]) -> Check:
    started = time.perf_counter()
    try:
        await probe(runtime)
        reason = ""
    except VintedBotError as error:
        reason = str(error)
    return Check(ok=not reason, milliseconds=(time.perf_counter() - started) * 1000, reason=reason)


async def _database(runtime: Runtime) -> None:
    await runtime.database.run(lambda session: session.connection().execute(text("select 1")))


async def _storage(runtime: Runtime) -> None:
    await asyncio.to_thread(lambda: runtime.store.delete(runtime.store.put(b"probe", ".txt")))


async def _jobs(runtime: Runtime) -> None:
    if not runtime.jobs.somebody_works:
        raise SetupError("No process runs the jobs. Start one: vintedbot serve.")
