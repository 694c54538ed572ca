"""The stored pictures, to their owner only: who is signed in, or holds a signed address that soon runs out."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel

from backend.api.deps import RuntimeDep, UserId, get_caller
from backend.api.errors import RESPONSES
from backend.core.errors import NotFound
from backend.db.models import Photo
from backend.db.scope import get_owned

router = APIRouter(prefix="/photos", tags=["photos"], responses=RESPONSES)


LINK_LASTS = timedelta(minutes=10)


class PhotoLink(BaseModel):
    """An address that shows this one picture to whoever has it, until `expires_at`."""

    url: str
    expires_at: datetime


async def _owner(request: Request, photo_id: str, runtime: RuntimeDep, link: str | None = None) -> str:
    """Whose picture is asked for. Raises SignInNeeded; NotFound for another picture's link."""
    if link is None:
        return (await get_caller(request, runtime)).user_id
    claims = runtime.people.ring.read("photo", link)
    if claims.get("photo") != photo_id:
        raise NotFound(f"There is no photo {photo_id!r} of yours.")
    return str(claims["sub"])


@router.get("/{photo_id}/link")
async def photo_link(photo_id: str, runtime: RuntimeDep, user_id: UserId) -> PhotoLink:
    """A signed address of the picture, for what can send no token: an <img>, a program that fetches by address."""
    photo = await runtime.database.look(get_owned, Photo, user_id, photo_id)
    at = datetime.now(UTC)
    link = runtime.people.ring.sign("photo", {"sub": user_id, "photo": photo.id}, at, LINK_LASTS)
    return PhotoLink(url=f"/api/v1/photos/{photo.id}?link={link}", expires_at=at + LINK_LASTS)


@router.get("/{photo_id}", response_class=FileResponse)
async def show_photo(
    photo_id: str,
    runtime: RuntimeDep,
    user_id: Annotated[str, Depends(_owner)],
    size: Literal["full", "thumbnail"] = "full",
    v: Annotated[str | None, Query(description="Of no meaning here: names the picture for a browser to keep.")] = None,
) -> FileResponse:
    """The cleaned JPEG, or its thumbnail. Where `v` names the picture a browser may keep it: a photo can be turned.

    With `link`, a signed address's, nobody needs to be signed in."""
    photo = await runtime.database.look(get_owned, Photo, user_id, photo_id)
    key = photo.thumbnail_key if size == "thumbnail" else photo.store_key
    if key is None or not runtime.store.exists(key):
        raise NotFound(f"Photo {photo_id!r} has no stored picture.")
    kept = "private, max-age=31536000, immutable" if v else "private, no-cache"
    headers = {"Cache-Control": kept, "Vary": "Cookie, Authorization"}
    return FileResponse(runtime.store.path(key), media_type="image/jpeg", headers=headers)
