"""The admin's view of people: who there is, inviting, letting out and in. What anybody keeps here is not shown."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, status
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import AdminDep, RuntimeDep
from backend.api.errors import RESPONSES
from backend.api.v1.routers.me import UserOut, shown
from backend.core.errors import Conflict
from backend.users import service
from backend.users.links import LASTS

router = APIRouter(prefix="/users", tags=["users"], responses=RESPONSES)


class NewUser(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=100)]
    password: Annotated[str, Field(max_length=200)]
    email: Annotated[str, Field(max_length=254)] | None = None
    role: Literal["admin", "member"] = "member"


class Invite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["admin", "member"] = "member"


class Link(BaseModel):
    """A link that works once, for so many hours. Hand it over yourself."""

    url: str
    secret: str
    hours: int


class UserChange(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["admin", "member"] | None = None
    state: Literal["active", "suspended"] | None = None


@router.get("")
async def list_users(runtime: RuntimeDep, who: AdminDep) -> list[UserOut]:
    return [shown(user) for user in await runtime.database.run(service.everybody)]


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_user(new: NewUser, runtime: RuntimeDep, who: AdminDep) -> UserOut:
    return shown(await runtime.people.add(new.name, new.password, email=new.email, role=new.role))


@router.post("/invites", status_code=status.HTTP_201_CREATED)
async def invite_user(wanted: Invite, request: Request, runtime: RuntimeDep, who: AdminDep) -> Link:
    """A link to register by. 409 `registration_closed` where none would be taken."""
    secret = await runtime.people.invite(who.user_id, wanted.role)
    return _link(request, f"/register?invite={secret}", secret, "invite")


@router.patch("/{user_id}")
async def change_user(user_id: str, wanted: UserChange, runtime: RuntimeDep, who: AdminDep) -> UserOut:
    """A suspended user is out at once, everywhere. 409 `last_admin`."""
    return shown(await runtime.people.change(user_id, role=wanted.role, state=wanted.state))


@router.post("/{user_id}/reset-link", status_code=status.HTTP_201_CREATED)
async def make_reset_link(user_id: str, request: Request, runtime: RuntimeDep, who: AdminDep) -> Link:
    """A link by which they choose a new password."""
    secret = await runtime.people.reset_link(user_id)
    return _link(request, f"/reset?link={secret}", secret, "reset")


@router.delete("/{user_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_user(user_id: str, runtime: RuntimeDep, who: AdminDep) -> None:
    """Deletes them and everything of theirs. Yourself: by /me."""
    if user_id == who.user_id:
        raise Conflict("To delete yourself, use DELETE /api/v1/me.", code="yourself")
    await runtime.remove_user(user_id)


def _link(request: Request, path: str, secret: str, purpose: Literal["invite", "reset"]) -> Link:
    hours = int(LASTS[purpose].total_seconds() // 3600)
    return Link(url=f"{request.base_url}{path.lstrip('/')}", secret=secret, hours=hours)
