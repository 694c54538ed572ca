"""Marketplace accounts of a user and their kept sessions.

Owns the `accounts` table; how an account stands is `standing.py`'s. Owns no browser (`marketplace/vinted_web`)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session, col

from backend.accounts import standing
from backend.accounts.vault import Vault
from backend.core import catalog
from backend.core.errors import BadRequest, NotFound, SessionMissing
from backend.core.loopback import is_loopback
from backend.db import audit
from backend.db.models import Account, now
from backend.db.scope import get_owned, owned


def accounts_of(session: Session, user_id: str, *, removed: bool = False) -> list[Account]:
    """The user's accounts in the order they were added; with `removed` also those whose history alone is kept."""
    query = owned(Account, user_id)
    if not removed:
        query = query.where(col(Account.removed_at).is_(None))
    return list(session.exec(query.order_by(col(Account.created_at), col(Account.id))))


def find(session: Session, user_id: str, account_id: str) -> Account:
    """The user's account with this id. Raises NotFound, also for one that was removed."""
    account = get_owned(session, Account, user_id, account_id)
    if account.removed_at is not None:
        raise NotFound(f"There is no account {account_id!r} of yours.")
    return account


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
    """Adds the account, or renews the session of the one already known by this name and address: of one member two
    accounts would publish past each other.

    Raises BadRequest for an address that is no marketplace's: http and https only, https beyond this machine; Conflict
    (`not_in_euros`) for one in another currency."""
    _check_address(base_url)
    username, base_url = username.strip(), catalog.site_address(base_url)
    known = (one for one in session.exec(owned(Account, user_id)) if _is_same(one, username, base_url))
    account = next(known, None) or Account(user_id=user_id, username=username, base_url=base_url, language=language)
    account.session = vault.seal(storage_state)
    account.removed_at = None
    session.add(account)
    session.flush()
    standing.became_ready(session, account)
    audit.record(session, "account.session_kept", user_id, account.id)
    return account


def _is_same(account: Account, username: str, base_url: str) -> bool:
    """As the marketplace sees it: capitals in a name make no other member."""
    same_name = account.username.casefold() == username.casefold()
    return same_name and catalog.site_address(account.base_url) == base_url


def choose(session: Session, user_id: str, account_id: str | None) -> Account:
    """The account named by id or username, or the only one there is.

    Raises SessionMissing when there is none, BadRequest when there are several to choose from, NotFound."""
    accounts = accounts_of(session, user_id)
    if account_id is not None:
        accounts = [a for a in accounts if account_id in (a.id, a.username)]
        if not accounts:
            raise NotFound(f"There is no account {account_id!r} of yours.")
    if not accounts:
        raise SessionMissing(
            "No marketplace account is known yet. Sign in once with: vintedbot login (or import its cookies)."
        )
    if len(accounts) > 1:
        names = ", ".join(f"{a.username} on {a.base_url} ({a.id})" for a in accounts)
        raise BadRequest(f"There are several accounts: {names}. Name one by its id.", code="account_ambiguous")
    return accounts[0]


def open_session(account: Account, vault: Vault) -> dict[str, Any]:
    """The browser's kept state (Playwright's format). Raises SessionMissing or SessionExpired with the way out."""
    if account.session is None:
        raise SessionMissing(f"The account {account.username} has no session. Sign in once with: vintedbot login.")
    return vault.open(account.session)


def change(
    session: Session, user_id: str, account_id: str, *, language: str | None = None, paused: bool | None = None
) -> Account:
    """Sets what its owner decides about an account; None leaves it. Raises NotFound."""
    account = find(session, user_id, account_id)
    account.language = language or account.language
    account.paused = account.paused if paused is None else paused
    account.updated_at = now()
    audit.record(session, "account.changed", user_id, account.id, language=account.language, paused=account.paused)
    return account


def remove(session: Session, user_id: str, account_id: str) -> Account:
    """Forgets the session and shows the account no more; its publications keep their history. Raises NotFound."""
    account = find(session, user_id, account_id)
    account.session = None
    account.removed_at = now()
    standing.set_state(account, "no_session")
    audit.record(session, "account.removed", user_id, account.id)
    return account


def keep_session(
    session: Session,
    vault: Vault,
    user_id: str,
    account_id: str,
    state: Mapping[str, Any],
    *,
    instead_of: Mapping[str, Any],
) -> Mapping[str, Any]:
    """Stores the session as a browser left it, so that rotated cookies aren't lost, and returns it as stored.

    Only in place of the one that browser began with, whatever key it is encrypted with by now: what its owner signed
    in with since stays."""
    account = get_owned(session, Account, user_id, account_id)
    if account.session is None or vault.open(account.session) != instead_of:
        return instead_of
    account.session = vault.seal(state)
    account.updated_at = now()
    return vault.open(account.session)


def _check_address(base_url: str) -> None:
    address = urlsplit(base_url)
    local = is_loopback(address.hostname or "")
    bare = address.path in ("", "/") and not address.query and not address.fragment and "@" not in address.netloc
    if not address.hostname or not bare or address.scheme not in (("http", "https") if local else ("https",)):
        raise BadRequest(
            f"{base_url!r} is no marketplace's address, such as https://www.vinted.fr.", code="bad_address"
        )
    catalog.check_in_euros(base_url)
