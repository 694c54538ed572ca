"""The reader of photos of a running process: the one chosen now, without a restart.

Owns the reader's lifetime: it is built anew once the choice is another, who reads with the old one goes on with it, and
it is closed when nobody does any more. Each look asks the tables, so that every process follows what one was told. Owns
no choice (`model_choice.py`) and no reading.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from loguru import logger
from sqlalchemy import inspect
from sqlalchemy.engine import make_url

from backend import model_choice
from backend.accounts.vault import Vault
from backend.building import build_analyzer, build_asked, model_check, secret_key
from backend.core.errors import SetupError
from backend.core.reading import Analyzer
from backend.core.redaction import remember
from backend.db.engine import Database
from backend.db.models import ModelChoice
from backend.model_choice import InForce, Kept, Name, Shown, Wanted
from backend.settings import Settings
from backend.spending.ledger import TableLedger
from backend.vision.probe import Trial
from backend.watch.reader import try_for


@dataclass
class _Held:
    """A reader, what it was built of, and how many read with it."""

    of: InForce
    analyzer: Analyzer
    users: int = 0


class ChosenReader:
    """Implements `core.reading.Readers`. `instead` is read with, and closed, whatever is chosen: a test's reader."""

    def __init__(
        self, settings: Settings, database: Database, vault: Vault, *, instead: Analyzer | None = None
    ) -> None:
        self._settings, self._database, self._vault, self._instead = settings, database, vault, instead
        self._seen: tuple[str, InForce] = ("", model_choice.in_force(settings, None))
        self._held: _Held | None = None
        self._turn = asyncio.Lock()

    @property
    def known(self) -> InForce:
        """What held at the last look."""
        return self._seen[1]

    async def look(self) -> InForce:
        """What holds now."""
        return await asyncio.to_thread(self.look_here)

    def look_here(self) -> InForce:
        """The same, waited for on this thread."""
        with self._database.glance() as session:
            row = model_choice.find(session)
        revision = row.revision if row else ""
        if revision != self._seen[0]:
            held = model_choice.in_force(self._settings, model_choice.opened(row, self._vault))
            remember(held.settings.secrets(), for_good=True)
            self._seen = (revision, held)
        return self.known

    async def start(self) -> None:
        """Builds the reader, so that settings that can't work are told at once. A choice made on the page that can't
        is logged instead: the page is where it is mended."""
        try:
            async with self.reading():
                pass
        except SetupError as error:
            if self.known.kept is None:
                raise
            logger.error("reader_not_built: {}", error)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Analyzer]:
        """The reader of now, the same to the end. Raises SetupError where none can be built of what is chosen."""
        if self._instead is not None:
            yield self._instead
            return
        held = await self._present()
        try:
            yield held.analyzer
        finally:
            held.users -= 1
            if held is not self._held and not held.users:
                await held.analyzer.aclose()

    async def _present(self) -> _Held:
        async with self._turn:
            now = await self.look()
            if self._held is None or self._held.of is not now:
                await self._put_away()
                self._held = _Held(now, await self._build(now))
            self._held.users += 1
            return self._held

    async def _build(self, held: InForce) -> Analyzer:
        if held.trouble:
            raise SetupError(held.trouble, code="model_key_lost")
        return await asyncio.to_thread(build_analyzer, held.settings, TableLedger(self._database, held.budget))

    async def _put_away(self) -> None:
        """Whoever reads with it closes it, the last one."""
        old, self._held = self._held, None
        if old is not None and not old.users:
            await old.analyzer.aclose()

    async def aclose(self) -> None:
        """Once nobody reads any more."""
        await self._put_away()
        if self._instead is not None:
            await self._instead.aclose()

    async def shown(self) -> Shown:
        return model_choice.shown(await self.look())

    async def choose(self, wanted: Wanted) -> tuple[Name, ...]:
        """Keeps the choice; returns what is another than before. Raises as `model_choice.considered` does."""
        choice = await self._considered(wanted)
        changed = await self._database.store(model_choice.keep, self._vault, choice)
        await self.look()
        return changed

    async def forget(self) -> bool:
        """Back to what the environment says; whether anything was chosen."""
        forgotten = await self._database.run(model_choice.forget)
        await self.look()
        return forgotten

    async def try_now(self, user_id: str) -> tuple[Trial, int | None]:
        """Has the reader of now read something small: whether it can, and what that came to."""
        try:
            async with self.reading() as analyzer:
                return await try_for(user_id, analyzer, self._database)
        except SetupError as error:
            return Trial(False, 0.0, error.code, str(error)), 0

    async def try_out(self, user_id: str, wanted: Wanted) -> tuple[Trial, int | None]:
        """The same with what is only wanted so far; nothing of it is kept. Raises as `choose` does."""
        held = model_choice.in_force(self._settings, await self._considered(wanted))
        ledger = TableLedger(self._database, held.budget)
        analyzer = await asyncio.to_thread(build_asked, held.settings, ledger)
        try:
            return await try_for(user_id, analyzer, self._database)
        finally:
            await analyzer.aclose()

    async def _considered(self, wanted: Wanted) -> Kept:
        """An admin's word may lead into the network the server is in, unless the operator said that nobody's may."""
        inside = self._settings.private_addresses is not False
        now = (await self.look()).kept
        return await asyncio.to_thread(model_choice.considered, wanted, self._settings, now, inside=inside)

    async def check(self) -> str:
        """Whether the service of now answers: a probe for `watch.checks`."""
        held = await self.look()
        if held.trouble:
            raise SetupError(held.trouble, code="model_key_lost")
        return await model_check(held.settings)()


def at_rest(settings: Settings) -> InForce:
    """What holds, without a running VintedBot: nothing is made or migrated. Blocks."""
    plain = model_choice.in_force(settings, None)
    if settings.analyzer == "embedded" or not _there(settings):
        return plain
    database = Database(settings.database)
    try:
        with database.glance() as session:
            known = inspect(session.connection()).has_table(ModelChoice.__tablename__)
            row = model_choice.find(session) if known else None
        if row is None:
            return plain
        held = model_choice.in_force(settings, model_choice.opened(row, Vault(secret_key(settings))))
        remember(held.settings.secrets(), for_good=True)
        return held
    finally:
        database.close()


def _there(settings: Settings) -> bool:
    """Whether there are tables to look into; a look makes no file."""
    url = make_url(settings.database)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()
