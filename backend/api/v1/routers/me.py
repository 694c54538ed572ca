"""The user who asks: who they are, where they are signed in, their keys and password, everything of theirs as a ZIP,
and leaving."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, status
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import CallerDep, PersonDep, RuntimeDep
from backend.api.errors import RESPONSES
from backend.core.caller import Scope
from backend.core.errors import BadRequest
from backend.db.engine import clock
from backend.db.models import AuthSession, User
from backend.users import keys, service, sign_in

router = APIRouter(prefix="/me", tags=["me"], responses=RESPONSES)

Password = Annotated[str, Field(max_length=200)]


class UserOut(BaseModel):
    """A user. `has_password` is whether anybody can sign in as them."""

    id: str
    name: str
    email: str | None
    role: Literal["admin", "member"]
    state: Literal["active", "suspended"]
    has_password: bool
    created_at: datetime
    last_seen_at: datetime | None


class Me(BaseModel):
    """`way` is how this request said who asks; `scopes` what it may do."""

    user: UserOut
    way: str
    scopes: list[str]


class Email(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=254)] | None
    password: Password = ""


class ChangedEmail(UserOut):
    to_be_confirmed: bool


class NewPassword(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current: Password = ""
    new: Password


class SessionOut(BaseModel):
    """Somewhere the user is signed in. `kind` is page or token; `here` the one this request came with."""

    id: str
    kind: str
    agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    here: bool


class NewKey(BaseModel):
    """`days` it is good for; null is for ever."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=80)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)] = ["read"]
    days: Annotated[int, Field(ge=1, le=3660)] | None = None


class KeyOut(BaseModel):
    """A key, by its beginning alone."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class MadeKey(KeyOut):
    """The key itself is shown this once."""

    key: str


class Ended(BaseModel):
    ended: int


class Leaving(BaseModel):
    """`name` is the user's own, typed again; with a password, that too."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=100)]
    password: Password = ""


@router.get("")
async def who_am_i(runtime: RuntimeDep, who: CallerDep) -> Me:
    user = await runtime.database.run(service.find, who.user_id)
    return Me(user=shown(user), way=who.way, scopes=sorted(who.scopes))


@router.put("/email")
async def change_email(wanted: Email, runtime: RuntimeDep, who: PersonDep) -> ChangedEmail:
    """Where the server sends mail, a new address holds once a link sent to it was opened (`to_be_confirmed`)."""
    await runtime.people.check_password(who.user_id, wanted.password)
    awaited = await runtime.change_email(who.user_id, wanted.email)
    user = await runtime.database.run(service.find, who.user_id)
    return ChangedEmail(**shown(user).model_dump(), to_be_confirmed=awaited)


@router.put("/password", status_code=status.HTTP_204_NO_CONTENT)
async def change_password(wanted: NewPassword, runtime: RuntimeDep, who: PersonDep) -> None:
    """Signs out everywhere but here. 403 `wrong_password`, 422 `password_weak` with what would be better."""
    await runtime.people.change_password(who, wanted.current, wanted.new)


@router.get("/sessions")
async def my_sessions(runtime: RuntimeDep, who: PersonDep) -> list[SessionOut]:
    """Where the user is signed in, lately used first."""
    rows = await runtime.database.run(lambda s: sign_in.sessions_of(s, who.user_id, clock(s)))
    return [session_shown(row, who.sign_in) for row in rows]


@router.delete("/sessions")
async def sign_out_everywhere(runtime: RuntimeDep, who: PersonDep, keep_this: bool = False) -> Ended:
    """Ends every session, and revokes every API key; with `keep_this` all but the one this request came with."""
    return Ended(ended=await runtime.people.end_everything(who.user_id, but=who.sign_in if keep_this else None))


@router.delete("/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
async def end_session(session_id: str, runtime: RuntimeDep, who: PersonDep) -> None:
    await runtime.database.run(lambda s: sign_in.end_one(s, who.user_id, session_id, clock(s)))


@router.get("/keys")
async def my_keys(runtime: RuntimeDep, who: PersonDep) -> list[KeyOut]:
    rows = await runtime.database.run(keys.keys_of, who.user_id)
    return [KeyOut.model_validate(row, from_attributes=True) for row in rows]


@router.post("/keys", status_code=status.HTTP_201_CREATED)
async def make_key(wanted: NewKey, runtime: RuntimeDep, who: PersonDep) -> MadeKey:
    """A key for a program, shown this once."""
    row, secret = await runtime.database.run(
        lambda s: keys.make(s, who.user_id, wanted.name, wanted.scopes, clock(s), days=wanted.days)
    )
    return MadeKey.model_validate({**row.model_dump(), "key": secret})


@router.delete("/keys/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
async def revoke_key(key_id: str, runtime: RuntimeDep, who: PersonDep) -> None:
    """It is good for nothing from now on."""
    await runtime.database.run(lambda s: keys.revoke(s, who.user_id, key_id, clock(s)))


@router.get("/export", response_class=StreamingResponse)
async def export_everything(runtime: RuntimeDep, who: PersonDep) -> StreamingResponse:
    """Everything kept of the user's as a ZIP: a JSON file a table, and the photos."""
    headers = {"Content-Disposition": f'attachment; filename="vintedbot-{who.name}.zip"'}
    pieces = await run_in_threadpool(runtime.export, who.user_id)
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT)
async def leave(wanted: Leaving, runtime: RuntimeDep, who: PersonDep) -> None:
    """Deletes the user and everything of theirs, for good. 409 `user_busy` while something is under way."""
    if wanted.name.strip().lower() != who.name:
        raise BadRequest("Type your own name to say that you mean it.", code="name_mismatch")
    await runtime.people.check_password(who.user_id, wanted.password)
    await runtime.remove_user(who.user_id)


def shown(user: User) -> UserOut:
    return UserOut.model_validate({**user.model_dump(), "has_password": user.password_hash is not None})


def session_shown(row: AuthSession, here: str | None) -> SessionOut:
    return SessionOut.model_validate({**row.model_dump(), "here": row.id == here})
