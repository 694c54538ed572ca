"""Signing in with a name and a password, and staying so: an access token for a quarter of an hour, and a refresh token
that is exchanged for the next pair."""

from typing import Annotated

from fastapi import APIRouter, Request, status
from pydantic import BaseModel, ConfigDict, Field

from backend.api.deps import CallerDep, RuntimeDep, credentials_of
from backend.api.errors import RESPONSES
from backend.api.v1.routers.me import UserOut, shown
from backend.users.letters import letters_of
from backend.users.sign_in import TokenPair

router = APIRouter(prefix="/auth", tags=["sign-in"], responses=RESPONSES)

Name = Annotated[str, Field(min_length=1, max_length=254)]
Password = Annotated[str, Field(min_length=1, max_length=200)]
Secret = Annotated[str, Field(min_length=1, max_length=200)]


class SignIn(BaseModel):
    """`name` is the user's name or e-mail address."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    password: Password


class Tokens(BaseModel):
    """Send the first as `Authorization: Bearer …` for `expires_in` seconds; exchange the second, once, for the next."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - a kind of token


class Refresh(BaseModel):
    model_config = ConfigDict(extra="forbid")

    refresh_token: Secret


class Registration(BaseModel):
    """`invite` is the invitation's secret, where one is needed."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    password: Password
    email: Name | None = None
    invite: Secret | None = None


class Reset(BaseModel):
    """`link` is the secret of the link an admin made, or a letter brought."""

    model_config = ConfigDict(extra="forbid")

    link: Secret
    password: Password


class Forgotten(BaseModel):
    """`name` is the user's name or e-mail address."""

    model_config = ConfigDict(extra="forbid")

    name: Name


class Confirmation(BaseModel):
    """`link` is the secret of the link that was sent to the new address."""

    model_config = ConfigDict(extra="forbid")

    link: Secret


@router.post("/sign-in")
async def sign_in(given: SignIn, request: Request, runtime: RuntimeDep) -> Tokens:
    """401 `wrong_password`, the same for a name nobody has; 403 `suspended`."""
    origin = credentials_of(request, runtime).origin
    return _shown(await runtime.people.tokens(given.name, given.password, origin))


@router.post("/refresh")
async def refresh(given: Refresh, request: Request, runtime: RuntimeDep) -> Tokens:
    """The next pair. 401 `token_reused` where this token was used before: everything signed in with it is ended."""
    return _shown(await runtime.people.refresh(given.refresh_token, credentials_of(request, runtime).origin))


@router.post("/sign-out", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out(who: CallerDep, runtime: RuntimeDep) -> None:
    """Ends the session this token belongs to."""
    await runtime.people.sign_out(who)


@router.post("/register", status_code=status.HTTP_201_CREATED)
async def register(given: Registration, request: Request, runtime: RuntimeDep) -> UserOut:
    """A new user. 403 `registration_closed`, 404 `link_over`, 409 `name_taken`, 422 for a weak password. Where the
    server sends mail, `email` is null until the link sent to it was opened."""
    near = credentials_of(request, runtime).near
    user, _ = await runtime.register(given.name, given.password, email=given.email, invite=given.invite, near=near)
    return shown(user)


@router.post("/reset")
async def reset_password(given: Reset, runtime: RuntimeDep) -> UserOut:
    """A new password by a link of an admin's or a letter's; ends every session."""
    return shown(await runtime.people.reset(given.link, given.password))


@router.post("/forgotten", status_code=status.HTTP_202_ACCEPTED)
async def ask_for_reset(given: Forgotten, runtime: RuntimeDep) -> None:
    """A letter with a link to a new password, to whoever has this name or address; the same answer if nobody has.
    409 `no_mail` where the server sends none."""
    letters_of(runtime.letters).ask_for_reset(given.name)


@router.post("/email")
async def confirm_email(given: Confirmation, runtime: RuntimeDep) -> UserOut:
    """The new e-mail address takes effect. 404 `link_over`."""
    return shown(await runtime.people.confirm_email(given.link))


def _shown(pair: TokenPair) -> Tokens:
    return Tokens.model_validate(pair, from_attributes=True)
