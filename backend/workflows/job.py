"""What a route is given to carry out one publication: the sheet, the account's session, the mode.

Owns the last check that the draft is still the one that was asked for, and the keeping of rotated cookies. Owns no
step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlmodel import Session

from backend.accounts import service as accounts
from backend.core.errors import PermanentError
from backend.db.models import Account, Draft, Publication
from backend.drafts import service as drafts
from backend.drafts.site_catalogs import catalog_at
from backend.marketplace.port import AccountSession, ListingSheet, Mode
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
    draft = session.get_one(Draft, publication.draft_id)
    if draft.state == "discarded":
        raise PermanentError("The draft was discarded after this publication was asked for.", code="draft_discarded")
    if draft.revision != publication.draft_revision:
        raise PermanentError(
            "The draft was changed after this publication was asked for. Publish its present revision instead.",
            code="stale_revision",
        )
    photos = [parts.store.path(p.store_key) for p in drafts.photos_of(session, draft) if p.store_key]
    sheet = to_sheet(drafts.listing_of(session, draft), photos)
    account = session_of(session, parts, publication)
    if (offered := catalog_at(session, publication.user_id, account.base_url)) is not None:
        sheet = as_the_site_has_it(sheet, offered, account.language)
    mode = cast(Mode, publication.mode)
    return Job(publication.user_id, publication.account_id, publication.route, mode, account, sheet)


def session_of(session: Session, parts: Parts, publication: Publication) -> AccountSession:
    """The account to act as. Raises SessionMissing or SessionExpired with the way out."""
    account = session.get_one(Account, publication.account_id)
    state = accounts.open_session(account, parts.vault)
    keep = _SessionKeeper(parts, publication.user_id, account.id, account.session).keep
    return AccountSession(account.base_url, account.username, state, account.language, keep=keep)


class _SessionKeeper:
    """Stores the session a browser leaves, unless its owner has signed in anew meanwhile."""

    def __init__(self, parts: Parts, user_id: str, account_id: str, known: bytes | None) -> None:
        self._parts, self._user_id, self._account_id, self._known = parts, user_id, account_id, known

    async def keep(self, state: Mapping[str, Any]) -> None:
        self._known = await self._parts.database.run(
            accounts.keep_session, self._parts.vault, self._user_id, self._account_id, state, instead_of=self._known
        )
