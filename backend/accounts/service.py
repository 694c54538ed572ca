"""Marketplace accounts of a user and their kept sessions.

Owns the `accounts` table and an account's state. Owns no browser (`marketplace/vinted_web`)."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlmodel import Session

from backend.accounts.vault import Vault
from backend.core.errors import BadRequest, SessionMissing
from backend.db.models import Account, now
from backend.db.scope import get_owned, owned

AccountState = Literal["no_session", "ready", "session_expired", "wrong_account", "challenge", "account_restricted"]


def accounts_of(session: Session, user_id: str) -> list[Account]:
    return list(session.exec(owned(Account, user_id).order_by(Account.created_at, Account.id)))  # type: ignore[arg-type]


def save_session(
    session: Session,
    vault: Vault,
    user_id: str,
    *,
    username: str,
    base_url: str,
    storage_state: Mapping[str, Any],
    language: str = "fr",
) -> Account:
    """Adds the account, or renews the session of the one already known by this name and address."""
    query = owned(Account, user_id).where(Account.username == username, Account.base_url == base_url.rstrip("/"))
    account = session.exec(query).first() or Account(
        user_id=user_id, username=username, base_url=base_url.rstrip("/"), language=language
    )
    account.session = vault.seal(storage_state)
    account.state = "ready"
    account.updated_at = now()
    session.add(account)
    session.flush()
    return account


def choose(session: Session, user_id: str, account_id: str | None) -> Account:
    """The account named by id or username, or the only one there is.

    Raises SessionMissing when there is none, BadRequest when there are several to choose from, NotFound."""
    accounts = accounts_of(session, user_id)
    if account_id is not None:
        named = [a for a in accounts if account_id in (a.id, a.username)]
        return named[0] if len(named) == 1 else get_owned(session, Account, user_id, account_id)
    if not accounts:
        raise SessionMissing(
            "No marketplace account is known yet. Sign in once with: vintedbot login (or import its cookies)."
        )
    if len(accounts) > 1:
        names = ", ".join(f"{a.username} ({a.id})" for a in accounts)
        raise BadRequest(f"There are several accounts: {names}. Name one.", code="account_ambiguous")
    return accounts[0]


def open_session(account: Account, vault: Vault) -> dict[str, Any]:
    """The browser's kept state (Playwright's format). Raises SessionMissing or SessionExpired with the way out."""
    if account.session is None:
        raise SessionMissing(f"The account {account.username} has no session. Sign in once with: vintedbot login.")
    return vault.open(account.session)


def set_state(session: Session, user_id: str, account_id: str, state: str) -> None:
    account = get_owned(session, Account, user_id, account_id)
    account.state = state
    account.updated_at = now()


def keep_session(session: Session, vault: Vault, account_id: str, user_id: str, state: Mapping[str, Any]) -> None:
    """Stores the session as the browser left it, so that rotated cookies aren't lost."""
    account = get_owned(session, Account, user_id, account_id)
    account.session = vault.seal(state)
    account.state = "ready"
    account.updated_at = now()
