"""Reading photos without keeping them, and what reading by a model costs."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Query, UploadFile
from pydantic import BaseModel

from backend.api.deps import ManyFiles, RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.core.ai_analyzer import batch_analyze_photos
from backend.core.errors import BadRequest
from backend.core.model_calls import on_behalf_of
from backend.spending.ledger import Budget
from backend.spending.report import CostReport, costs_of
from backend.vision.probe import Trial
from backend.watch.reader import ReaderStanding, standing_of
from backend.workflows.reading import prepared, shown_reading

router = APIRouter(prefix="/ai", tags=["ai"], responses=RESPONSES, route_class=ManyFiles)

MOST = 40


@router.post("/analyze")
async def analyze(
    runtime: RuntimeDep,
    user_id: UserId,
    files: Annotated[list[UploadFile], File(description=f"At most {MOST} photos.")],
    auto_grouping: bool = True,
) -> dict[str, Any]:
    """Items with their fields, confidence and evidence; nothing is stored. More photos: POST /api/v1/ingest."""
    if len(files) > MOST:
        raise BadRequest(f"At most {MOST} photos at once here; send more to /api/v1/ingest.", code="too_many_files")
    with tempfile.TemporaryDirectory(prefix="vintedbot-") as folder:
        sources = []
        for number, upload in enumerate(files):
            target = Path(folder) / f"upload-{number}"
            await asyncio.to_thread(_copy, upload, target)
            sources.append((target, upload.filename or target.name, ""))
        photos, refused = await asyncio.to_thread(prepared, sources, Path(folder))
        async with runtime.chosen.reading() as analyzer:
            with on_behalf_of(user_id):
                reading = await batch_analyze_photos(photos, auto_grouping, analyzer=analyzer)
        return shown_reading(reading, photos, refused)


def _copy(upload: UploadFile, target: Path) -> None:
    with target.open("wb") as out:
        shutil.copyfileobj(upload.file, out, 1 << 20)


class Costs(BaseModel):
    """Micro-dollars (a millionth of a dollar). `budget` is the operator's for all users; null is no limit."""

    budget: Budget
    costs: CostReport


class Tried(BaseModel):
    """`micros` is what the test itself came to."""

    ok: bool
    milliseconds: float
    code: str
    reason: str
    micros: int | None


@router.get("/reader")
async def reader(runtime: RuntimeDep, user_id: UserId) -> ReaderStanding:
    """Which reader reads photos, what an item and a batch will cost (micro-dollars), and what is left of the budget."""
    held = await runtime.chosen.look()
    return await runtime.database.look(standing_of, user_id, held.reader, held.budget)


@router.post("/reader/test")
async def test_reader(runtime: RuntimeDep, user_id: UserId) -> Tried:
    """Has it read a small picture, as it would read yours: one real call, counted like any other."""
    return shown_trial(*await runtime.chosen.try_now(user_id))


def shown_trial(tried: Trial, micros: int | None) -> Tried:
    return Tried(ok=tried.ok, milliseconds=tried.seconds * 1000, code=tried.code, reason=tried.reason, micros=micros)


@router.get("/costs")
async def costs(runtime: RuntimeDep, user_id: UserId, days: Annotated[int, Query(ge=1, le=3660)] = 30) -> Costs:
    """What the calls to the vision model came to: today, by day, batch, item and model."""
    report = await runtime.database.run(costs_of, user_id, days=days)
    return Costs(budget=(await runtime.chosen.look()).budget, costs=report)
