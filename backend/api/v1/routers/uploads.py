"""Photos in, piece by piece: what was cut off goes on where it stopped, and each file is judged as it comes."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.core.errors import BadRequest
from backend.core.wording import Language
from backend.drafts.schemas import BatchDefaults
from backend.photos import batches, intake, uploads
from backend.runtime import Runtime
from backend.workflows.handing_in import Heap

router = APIRouter(prefix="/uploads", tags=["ingest"], responses=RESPONSES)


class Opened(BaseModel):
    id: str
    piece_most: int


class Received(BaseModel):
    """`state`: partial, whole, refused, duplicate; `message` says the last two in words."""

    received: int
    state: Literal["partial", "whole", "refused", "duplicate"]
    reason: str | None = None
    message: str | None = None


class Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(ge=0)]
    name: Annotated[str, Field(max_length=1000)]


class Finish(BaseModel):
    """The files to make a batch of, in order, and what is true of all of them."""

    model_config = ConfigDict(extra="forbid")

    files: Annotated[list[Named], Field(max_length=10_000)]
    defaults: BatchDefaults = BatchDefaults()
    language: Language | None = None


class Finished(BaseModel):
    batch_id: str
    files: int
    url: str


@router.post("", status_code=status.HTTP_201_CREATED)
async def open_upload(runtime: RuntimeDep, user_id: UserId) -> Opened:
    """Opens an upload; one nobody goes on with is forgotten after a day. 409 `too_many_uploads`."""
    return Opened(
        id=await asyncio.to_thread(uploads.open_upload, _home(runtime), user_id), piece_most=uploads.PIECE_MOST
    )


@router.get("/{upload_id}")
async def show_upload(upload_id: str, runtime: RuntimeDep, user_id: UserId) -> dict[int, int]:
    """Bytes received by file number: where to go on."""
    return await asyncio.to_thread(uploads.received, _home(runtime), user_id, upload_id)


@router.put("/{upload_id}/files/{number}")
async def send_piece(
    upload_id: str,
    number: int,
    request: Request,
    runtime: RuntimeDep,
    user_id: UserId,
    offset: Annotated[int, Query(ge=0)],
    size: Annotated[int, Query(ge=0)],
    language: Literal["fr", "en"] = "en",
) -> Received:
    """A piece of a file as the request's body. 409 `upload_offset` tells where the file stands."""
    piece = await _body(request)
    bounds = {"most": runtime.settings.max_photos, "room": runtime.settings.max_upload_mb * 1_000_000}
    found = await asyncio.to_thread(
        uploads.add_piece, _home(runtime), user_id, upload_id, number, piece, offset=offset, size=size, **bounds
    )
    if found.reason is not None:
        return Received(
            received=0, state="refused", reason=found.reason, message=intake.explain(found.reason, language)
        )
    if found.sha256 is not None and (same := await runtime.database.look(_same_file, user_id, found.sha256)):
        return Received(received=found.received, state="duplicate", reason="duplicate", message=same)
    return Received(received=found.received, state=found.state)


@router.post("/{upload_id}/finish", status_code=status.HTTP_202_ACCEPTED)
async def finish_upload(
    upload_id: str, wish: Finish, request: Request, runtime: RuntimeDep, user_id: UserId
) -> Finished:
    """Makes a batch of the files; asking again gives the same one."""
    heap = Heap(
        "upload", wish.defaults.stored(), wish.language, otherwise=(await runtime.in_force(user_id)).listing_language
    )
    await runtime.handing_in.upload(user_id, upload_id, [(file.number, file.name) for file in wish.files], heap)
    url = str(request.app.url_path_for("bulk_job", job_id=upload_id))
    return Finished(batch_id=upload_id, files=len(wish.files), url=url)


@router.delete("/{upload_id}", status_code=status.HTTP_204_NO_CONTENT)
async def cancel_upload(upload_id: str, runtime: RuntimeDep, user_id: UserId) -> None:
    await asyncio.to_thread(uploads.cancel, _home(runtime), user_id, upload_id)


async def _body(request: Request) -> bytes:
    """The piece, read no further than it may be long. Raises BadRequest."""
    piece = bytearray()
    async for some in request.stream():
        piece += some
        if len(piece) > uploads.PIECE_MOST:
            raise BadRequest(f"A piece holds {uploads.PIECE_MOST} bytes at most.", code="bad_piece")
    return bytes(piece)


def _home(runtime: Runtime) -> Path:
    return runtime.settings.uploads_folder


def _same_file(session: Session, user_id: str, sha256: str) -> str | None:
    """The name of the photo of the same bytes that is here already."""
    same = batches.find_same_file(session, user_id, sha256, other_than="")
    return same.name if same else None
