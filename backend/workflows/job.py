"""What a route is given to carry out one publication: the sheet, the account's session, the mode.

Owns the keeping of rotated cookies. Owns no step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlmodel import Session

from backend.accounts import service as accounts
from backend.accounts.vault import Vault
from backend.core.modes import Mode
from backend.db.engine import Database
from backend.db.models import Account, Publication
from backend.db.scope import get_owned
from backend.drafts import service as drafts
from backend.drafts.site_catalogs import catalog_at
from backend.marketplace.port import AccountSession, ListingSheet
from backend.publications.queue import draft_as_asked
from backend.workflows.parts import Parts
from backend.workflows.sheet import as_the_site_has_it, to_sheet


@dataclass(frozen=True)
class Job:
    """One publication with all a route needs."""

    user_id: str
    account_id: str
    route: str
    mode: Mode
    account: AccountSession
    sheet: ListingSheet


def job_of(session: Session, parts: Parts, publication: Publication) -> Job:
    """What a route needs for this publication.

    Raises PermanentError when its draft has changed since, SessionMissing or SessionExpired."""
    draft = draft_as_asked(session, publication)
    photos = [parts.store.path(p.store_key) for p in drafts.photos_of(session, draft) if p.store_key]
    sheet = to_sheet(drafts.listing_of(session, draft), photos)
    account = session_of(session, parts, publication)
    if (offered := catalog_at(session, publication.user_id, account.base_url)) is not None:
        sheet = as_the_site_has_it(sheet, offered, account.language)
    mode = cast(Mode, publication.mode)
    return Job(publication.user_id, publication.account_id, publication.route, mode, account, sheet)


def place_of(session: Session, publication: Publication) -> AccountSession:
    """Where the account lives, without its session: enough to tell addresses."""
    account = get_owned(session, Account, publication.user_id, publication.account_id)
    return AccountSession(account.base_url, account.username, {}, account.language)


def session_of(session: Session, parts: Parts, publication: Publication) -> AccountSession:
    """The account to act as. Raises SessionMissing or SessionExpired with the way out."""
    return acting_as(parts.database, parts.vault, session.get_one(Account, publication.account_id))


def acting_as(database: Database, vault: Vault, account: Account) -> AccountSession:
    """The account's session for a visit, which hands it back as it left it: rotated cookies are kept, unless the
    account's owner has signed in anew meanwhile. Raises SessionMissing or SessionExpired with the way out."""
    began_with = accounts.open_session(account, vault)
    known: Mapping[str, Any] = began_with

    async def keep(left: Mapping[str, Any]) -> None:
        nonlocal known
        known = await database.run(accounts.keep_session, vault, account.user_id, account.id, left, instead_of=known)

    return AccountSession(account.base_url, account.username, began_with, account.language, keep=keep)
