"""Marketplace accounts: which there are, and adding one by its cookies. A session is never given back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from backend.accounts import service
from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES

router = APIRouter(prefix="/accounts", tags=["accounts"], responses=RESPONSES)


class AccountOut(BaseModel):
    id: str
    username: str
    base_url: str
    language: str
    state: str
    updated_at: datetime


class NewAccount(BaseModel):
    """An account by the cookies of a signed-in browser: a Cookie header, a cookies.txt or a JSON export."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(min_length=1, max_length=100)]
    cookies: Annotated[str, Field(min_length=1, max_length=200_000)]
    base_url: str | None = None


@router.get("")
async def list_accounts(runtime: RuntimeDep, user_id: UserId) -> list[AccountOut]:
    found = await runtime.database.run(service.accounts_of, user_id)
    return [AccountOut.model_validate(account, from_attributes=True) for account in found]


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_account(new: NewAccount, runtime: RuntimeDep, user_id: UserId) -> AccountOut:
    """Adds the account, or renews its session. 422 when no cookie can be read from what was given."""
    account = await runtime.add_account(user_id, new.username, new.cookies, new.base_url)
    return AccountOut.model_validate(account, from_attributes=True)
