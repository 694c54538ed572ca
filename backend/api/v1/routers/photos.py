"""The stored pictures, to their owner only."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.core.errors import NotFound
from backend.db.models import Photo
from backend.db.scope import get_owned

router = APIRouter(prefix="/photos", tags=["photos"], responses=RESPONSES)


@router.get("/{photo_id}", response_class=FileResponse)
async def show_photo(
    photo_id: str,
    runtime: RuntimeDep,
    user_id: UserId,
    size: Literal["full", "thumbnail"] = "full",
    v: Annotated[str | None, Query(description="Of no meaning here: names the picture for a browser to keep.")] = None,
) -> FileResponse:
    """The cleaned JPEG, or its thumbnail. Where `v` names the picture a browser may keep it: a photo can be turned."""
    photo = await runtime.database.run(get_owned, Photo, user_id, photo_id)
    key = photo.thumbnail_key if size == "thumbnail" else photo.store_key
    if key is None or not runtime.store.exists(key):
        raise NotFound(f"Photo {photo_id!r} has no stored picture.")
    headers = {"Cache-Control": "private, max-age=31536000, immutable" if v else "private, no-cache"}
    return FileResponse(runtime.store.path(key), media_type="image/jpeg", headers=headers)
