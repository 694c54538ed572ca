"""Photos in: an upload becomes a batch, read in the background."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile, status
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from backend.api.deps import RuntimeDep, UserId, get_caller
from backend.api.errors import RESPONSES
from backend.core.errors import BadRequest
from backend.db.models import new_id
from backend.drafts.schemas import BatchDefaults
from backend.photos import batches, quota, uploads


class ManyFiles(APIRoute):
    """Reads the form before FastAPI does: its own limit is a thousand files, ours is a setting."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def read_and_handle(request: Request) -> Response:
            runtime = request.app.state.runtime
            await get_caller(request, runtime)  # nothing is read from somebody not known
            most = runtime.settings.max_photos
            await request.form(max_files=most + 1)  # one more than a batch takes: the batch says so in its own words
            return await handle(request)

        return read_and_handle


router = APIRouter(tags=["ingest"], responses=RESPONSES, route_class=ManyFiles)


class BatchAccepted(BaseModel):
    """Where to watch the batch."""

    batch_id: str
    files: int
    url: str


@router.post("/ingest", status_code=status.HTTP_202_ACCEPTED)
async def ingest(
    request: Request,
    response: Response,
    runtime: RuntimeDep,
    user_id: UserId,
    files: Annotated[list[UploadFile], File(description="Photos: JPEG, PNG, WebP or HEIC, hundreds at once.")],
    defaults: Annotated[str, Form(description="JSON of what the seller states for the whole batch.")] = "{}",
    language: Annotated[str | None, Form(pattern="^(fr|en)$")] = None,
) -> BatchAccepted:
    """Takes the files as one batch and answers at once; the address in `Location` tells the progress."""
    stated = parse_defaults(defaults)
    batch_id = new_id()
    folder = runtime.settings.incoming_folder / batch_id
    batches.check_size(len(files), "the upload", runtime.settings.max_photos)
    sent = sum(upload.size or 0 for upload in files)
    await runtime.database.run(quota.check, user_id, runtime.store, runtime.quota, files=len(files), size=sent)
    try:
        incoming = await asyncio.to_thread(uploads.keep_files, folder, [(f.filename or "", f.file) for f in files])
        await runtime.database.run(
            batches.create_batch,
            user_id,
            incoming,
            source="upload",
            defaults=stated.stored(),
            language=language,
            otherwise=runtime.settings.language,
            batch_id=batch_id,
            most=runtime.settings.max_photos,
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    await runtime.jobs.read_batch(batch_id, user_id)
    url = str(request.app.url_path_for("bulk_job", job_id=batch_id))
    response.headers["Location"] = url
    return BatchAccepted(batch_id=batch_id, files=len(incoming), url=url)


def parse_defaults(text: str) -> BatchDefaults:
    """Raises BadRequest that says what is wrong with the JSON."""
    try:
        return BatchDefaults.model_validate_json(text)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadRequest(f"`defaults` can't be used: {problems}", code="invalid_defaults") from None
