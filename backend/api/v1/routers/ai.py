"""Reading photos without keeping them."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, UploadFile

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.core.ai_analyzer import batch_analyze_photos
from backend.core.errors import BadRequest
from backend.workflows.reading import prepared, shown_reading

router = APIRouter(prefix="/ai", tags=["ai"], responses=RESPONSES)

MOST = 40


@router.post("/analyze")
async def analyze(
    runtime: RuntimeDep,
    _user_id: UserId,
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
            target.write_bytes(await upload.read())
            sources.append((target, upload.filename or target.name, ""))
        photos, refused = await asyncio.to_thread(prepared, sources, Path(folder))
        reading = await batch_analyze_photos(photos, auto_grouping, analyzer=runtime.analyzer)
        return shown_reading(reading, photos, refused)
