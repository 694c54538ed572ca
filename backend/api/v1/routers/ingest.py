"""Photos in: an upload becomes a batch, read in the background."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile, status
from pydantic import BaseModel, ValidationError

from backend.api.deps import ManyFiles, RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.core.errors import BadRequest
from backend.core.wording import Language
from backend.drafts.schemas import BatchDefaults
from backend.workflows.handing_in import Heap

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
    language: Annotated[Language | None, Form(description="Of the drafts; the user's own when left out.")] = None,
) -> BatchAccepted:
    """Takes the files as one batch and answers at once; the address in `Location` tells the progress."""
    stated = parse_defaults(defaults)
    heap = Heap("upload", stated.stored(), language, otherwise=(await runtime.in_force(user_id)).listing_language)
    sent = sum(upload.size or 0 for upload in files)
    batch_id = await runtime.handing_in.copies(user_id, [(f.filename or "", f.file) for f in files], sent, heap)
    url = str(request.app.url_path_for("bulk_job", job_id=batch_id))
    response.headers["Location"] = url
    return BatchAccepted(batch_id=batch_id, files=len(files), url=url)


def parse_defaults(text: str) -> BatchDefaults:
    """Raises BadRequest that says what is wrong with the JSON."""
    try:
        return BatchDefaults.model_validate_json(text)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadRequest(f"`defaults` can't be used: {problems}", code="invalid_defaults") from None
