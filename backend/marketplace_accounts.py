"""What is done with a marketplace account beyond its row: adding, looking, mending, reading its catalogue and wardrobe.

Owns which parts such an act takes and in which order; how each does its part is theirs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlmodel import Session

from backend.accounts import outside, standing
from backend.accounts import service as accounts
from backend.accounts.vault import Vault
from backend.building import in_force
from backend.core import catalog
from backend.core.catalog import Leaf
from backend.core.errors import Conflict, NeedsPersonError
from backend.core.loopback import is_loopback
from backend.db.engine import Database
from backend.db.models import Account, SiteCatalog
from backend.drafts.site_catalogs import keep_catalog
from backend.marketplace.port import AccountSession, LookedAt
from backend.marketplace.vinted_web.login import parse_cookies
from backend.marketplace.vinted_web.route import VintedWebRoute
from backend.publications import service as publications
from backend.settings import Settings
from backend.wardrobe.pieces import Seen
from backend.wardrobe.refresh import refresh
from backend.wardrobe.visits import visiting
from backend.workflows.engine import JobEngine
from backend.workflows.job import acting_as


@dataclass(frozen=True)
class MarketplaceAccounts:
    """The accounts of all users; each act is one user's."""

    settings: Settings
    database: Database
    vault: Vault
    web: VintedWebRoute
    jobs: JobEngine

    async def add(self, user_id: str, username: str, cookies: str, base_url: str | None = None) -> Account:
        """Keeps the session of a signed-in browser's cookies. Raises BadRequest when none can be read."""
        address = (base_url or (await in_force(self.settings, self.database, user_id)).marketplace).rstrip("/")
        await self._check_outside(address)
        state = parse_cookies(cookies, address)
        return await self.keep_session(user_id, username, address, state)

    async def _check_outside(self, address: str) -> None:
        """Raises BadRequest (`address_inside`) for an address of a user's that leads into this network.

        The operator's own marketplace may, and on a server for this machine alone any may, unless set otherwise."""
        allowed = self.settings.private_addresses
        if allowed is None:
            allowed = is_loopback(self.settings.host)
        if not allowed and address != self.settings.marketplace.rstrip("/"):
            await asyncio.to_thread(outside.check, address)

    async def check(self, user_id: str, account: str | None) -> Account:
        """Looks whether the account's session still holds, and returns the account as it stands by what was found.

        Where it holds, what waited for that goes on. Raises a network error when nothing was found out, Conflict
        (`account_busy`) while something of the account is under way."""
        chosen = await self.database.run(accounts.choose, user_id, account)
        try:
            async with self._visiting(user_id, chosen.id) as place:
                await self.web.check_session(place)
        except NeedsPersonError:
            return await self.database.run(accounts.find, user_id, chosen.id)
        return await self._mended(lambda session: accounts.find(session, user_id, chosen.id))

    @asynccontextmanager
    async def _visiting(self, user_id: str, account_id: str) -> AsyncIterator[AccountSession]:
        """The account to act as, with nothing else at it meanwhile. See `wardrobe.visits`."""
        try:
            async with visiting(self.database, user_id, account_id, at_rest_too=True) as visit:
                yield acting_as(self.database, self.vault, visit.account)
        finally:
            self.jobs.look()

    async def refresh_wardrobe(self, user_id: str, account: str | None, progress: LookedAt | None = None) -> Seen:
        """See `wardrobe.refresh`; what waited for the visit to end goes on."""
        try:
            session_of = partial(acting_as, self.database, self.vault)
            return await refresh(self.database, self.web, session_of, user_id, account, progress)
        finally:
            self.jobs.look()

    async def fetch_catalog(self, user_id: str, account: str | None, leaves: Sequence[Leaf]) -> SiteCatalog:
        """Listens to what the marketplace's form offers this account, and the sizes of these leaves, and keeps it.

        Raises Conflict (`account_busy`) while something of the account is under way."""
        chosen = await self.database.run(accounts.choose, user_id, account)
        async with self._visiting(user_id, chosen.id) as place:
            found = await self.web.site_catalog(place, leaves)
        return await self.database.run(keep_catalog, user_id, place.base_url, found)

    async def keep_session(self, user_id: str, username: str, base_url: str, state: Mapping[str, Any]) -> Account:
        """Adds the account or renews its session; what waited for that goes on."""
        language = catalog.language_of(base_url, default=self.settings.told_in)
        return await self._mended(
            lambda session: accounts.save_session(
                session, self.vault, user_id,
                username=username, base_url=base_url, storage_state=state, language=language,
            )
        )  # fmt: skip

    async def _mended(self, found: Callable[[Session], Account]) -> Account:
        """The one way back to work for an account: it is ready, and what waited for its owner is queued again."""

        def work(session: Session) -> Account:
            account = found(session)
            standing.became_ready(session, account)
            publications.resume_waiting(session, account.user_id, account.id)
            return account

        account = await self.database.run(work)
        self.jobs.look()
        return account

    async def change(
        self, user_id: str, account_id: str, *, language: str | None = None, paused: bool | None = None
    ) -> Account:
        """What its owner decides; an account that is no longer paused goes on at once."""
        account = await self.database.run(accounts.change, user_id, account_id, language=language, paused=paused)
        self.jobs.look()
        return account

    async def remove(self, user_id: str, account_id: str) -> Account:
        """Forgets an account and its session; its publications keep their history.

        Raises Conflict (`account_busy`) while something of it is queued or under way."""

        def work(session: Session) -> Account:
            account = accounts.find(session, user_id, account_id)
            if busy := publications.count_in_hand(session, user_id, account_id):
                raise Conflict(
                    f"{busy} publications of this account are queued or under way. Cancel them or let them end first.",
                    code="account_busy",
                )
            return accounts.remove(session, user_id, account.id)

        return await self.database.run(work)
