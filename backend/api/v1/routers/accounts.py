"""Marketplace accounts: which there are and how they stand, adding, checking, pausing, forgetting. A session is never
given back."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from backend.accounts import service, standing
from backend.accounts.states import explain
from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.db.models import Account

router = APIRouter(prefix="/accounts", tags=["accounts"], responses=RESPONSES)


class AccountOut(BaseModel):
    """How an account stands. `means` and `fix` say in English what `state` means and the way out of it; `detail` is the
    sentence it came with. `pace` is {} for the default."""

    id: str
    username: str
    base_url: str
    language: str
    state: str
    means: str
    fix: str
    state_detail: str | None
    state_since: datetime | None
    paused: bool
    pace: dict[str, Any]
    stopped_until: datetime | None
    created_at: datetime
    updated_at: datetime


class NewAccount(BaseModel):
    """An account by the cookies of a signed-in browser: a Cookie header, a cookies.txt or a JSON export."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(min_length=1, max_length=100)]
    cookies: Annotated[str, Field(min_length=1, max_length=200_000)]
    base_url: str | None = None


class AccountChange(BaseModel):
    """What its owner decides. What is left out stays."""

    model_config = ConfigDict(extra="forbid")

    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None
    paused: bool | None = None
    pace: dict[str, Any] | None = Field(None, description="per_minute, per_day, gap, quiet, timezone; the rest stays.")


@router.get("")
async def list_accounts(runtime: RuntimeDep, user_id: UserId) -> list[AccountOut]:
    return [shown(account) for account in await runtime.database.run(service.accounts_of, user_id)]


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_account(new: NewAccount, runtime: RuntimeDep, user_id: UserId) -> AccountOut:
    """Adds the account, or renews its session. 422 when no cookie can be read from what was given."""
    return shown(await runtime.accounts.add(user_id, new.username, new.cookies, new.base_url))


@router.patch("/{account_id}")
async def change_account(account_id: str, wanted: AccountChange, runtime: RuntimeDep, user_id: UserId) -> AccountOut:
    """Language of its marketplace's pages, whether it is paused, and its pace. 422 `bad_pace` changes nothing."""
    if wanted.pace is not None:
        await runtime.database.run(standing.set_pace, user_id, account_id, wanted.pace)
    changed = await runtime.accounts.change(user_id, account_id, language=wanted.language, paused=wanted.paused)
    return shown(changed)


@router.post("/{account_id}/check")
async def check_account(account_id: str, runtime: RuntimeDep, user_id: UserId) -> AccountOut:
    """Opens the marketplace with the kept session and answers how the account stands; 503 when it can't be reached."""
    account = await runtime.database.run(service.find, user_id, account_id)
    return shown(await runtime.accounts.check(user_id, account.id))


@router.delete("/{account_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove_account(account_id: str, runtime: RuntimeDep, user_id: UserId) -> None:
    """Forgets the account and its session; what was published by it keeps its history. 409 while it is busy."""
    await runtime.accounts.remove(user_id, account_id)


def shown(account: Account) -> AccountOut:
    explained = explain(account.state, "en")
    return AccountOut.model_validate({**account.model_dump(), "means": explained.sentence, "fix": explained.fix})
