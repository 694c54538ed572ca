"""The composition root: builds the parts from the settings, hands them to each other, closes them.

Everything that needs more than one part passes through here. Owns lifetimes; owns no behaviour.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from backend.accounts import service as accounts
from backend.accounts import standing
from backend.accounts.vault import Vault
from backend.building import (
    build_checks,
    build_letters,
    build_mailer,
    build_outbox,
    build_solver,
    in_force,
    quota_of,
    secret_key,
    signing_keys,
)
from backend.chosen_reader import ChosenReader
from backend.core import logs, operator_metrics, tracing
from backend.core.errors import Conflict, NotFound, PermanentError
from backend.core.listing_address import listing_number
from backend.core.loopback import is_loopback
from backend.core.modes import Mode
from backend.core.reading import Analyzer
from backend.core.redaction import remember
from backend.db.engine import Database
from backend.db.models import Batch, Draft, Publication, User
from backend.db.scope import get_owned
from backend.drafts import rereading
from backend.marketplace.vinted_web.browser import Browsers
from backend.marketplace.vinted_web.route import VintedWebRoute
from backend.marketplace_accounts import MarketplaceAccounts
from backend.notifications.outbox import Outbox
from backend.photos.batches import MOVING
from backend.photos.quota import Quota
from backend.photos.store import LocalStore, PhotoStore
from backend.preferences import InForce
from backend.publications import service as publications
from backend.settings import Settings, prepare_data_folder
from backend.users.letters import Letters
from backend.users.people import People
from backend.users.service import find_by_name, local_user
from backend.users.tokens import KeyRing
from backend.watch import readings
from backend.watch.checks import Checks, Part
from backend.workflows import leaving
from backend.workflows.engine import JobEngine
from backend.workflows.executors import executors_of
from backend.workflows.handing_in import HandingIn
from backend.workflows.job import place_of
from backend.workflows.live import OpenPages
from backend.workflows.parts import Parts, Patience
from backend.workflows.sample import Samples

BoardWork = Callable[[Session, Collection[str]], None]


@dataclass(frozen=True)
class Runtime:
    """The parts of a running VintedBot."""

    settings: Settings
    database: Database
    store: PhotoStore
    vault: Vault
    chosen: ChosenReader
    web: VintedWebRoute
    jobs: JobEngine
    troubles: Mapping[str, str]
    live: OpenPages
    outbox: Outbox
    people: People
    letters: Letters | None
    """None where no server for mail is set."""
    user_id: str
    """Whom this process acts for where nobody signs in: the local user, or the one the command line names."""
    checks: Checks
    samples: Samples
    handing_in: HandingIn
    routes: tuple[str, ...]
    """The ways to a marketplace there are."""

    @property
    def accounts(self) -> MarketplaceAccounts:
        return MarketplaceAccounts(self.settings, self.database, self.vault, self.web, self.jobs)

    @property
    def quota(self) -> Quota:
        """What a user may upload and keep."""
        return quota_of(self.settings)

    async def in_force(self, user_id: str) -> InForce:
        """What holds for the user unless they say otherwise: their preferences, else the settings."""
        return await in_force(self.settings, self.database, user_id)

    async def publish(
        self, user_id: str, order: publications.Order, *, key: publications.RequestKey | None = None
    ) -> Publication:
        """Asks for a publication and its job. Of two same requests at one moment the second finds the first's."""
        publication = await self.database.store(publications.request, user_id, order, key=key)
        self.jobs.look()
        return publication

    async def resume(self, user_id: str, publication_id: str, *, despite_doubt: bool = False) -> Publication:
        """Sends a publication that waited for a person round again."""

        def work(session: Session) -> Publication:
            publication = publications.resume(session, user_id, publication_id, despite_doubt=despite_doubt)
            standing.note_mended(session, user_id, publication.account_id)
            return publication

        publication = await self.database.run(work)
        self.jobs.look()
        return publication

    async def adopt(self, user_id: str, publication_id: str, listing: str) -> Publication:
        """The person's word that this listing, by its number or its address, is what an uncertain click made."""
        listing_id = listing_number(listing)

        def work(session: Session) -> Publication:
            publication = get_owned(session, Publication, user_id, publication_id)
            mode: Mode = "draft" if publication.mode == "draft" else "publish"
            url = self.web.listing_url(place_of(session, publication), listing_id, mode)
            return publications.adopt(session, user_id, publication_id, listing_id, url)

        return await self.database.run(work)

    async def publish_many(
        self,
        user_id: str,
        draft_ids: Sequence[str],
        account: str | None,
        mode: str,
        *,
        at: str | None = None,
        spread: str | None = None,
        route: str = "web",
    ) -> tuple[list[str], dict[str, PermanentError]]:
        """Asks for a publication of each draft, from `at` on, spread over a time: the publications' ids, and why not of
        the others. Raises NotFound for the account, BadRequest for a time that can't be used; nothing is asked then."""

        def prepare(session: Session) -> tuple[str, list[Any]]:
            chosen = accounts.choose(session, user_id, account)
            return chosen.id, publications.moments(session, chosen, at, spread, len(draft_ids))

        account_id, moments = await self.database.run(prepare)
        asked: list[str] = []
        refused: dict[str, PermanentError] = {}
        for draft_id, moment in zip(draft_ids, moments, strict=True):
            try:
                order = publications.Order(draft_id, account_id, mode, route, not_before=moment)
                asked.append((await self.publish(user_id, order)).id)
            except (Conflict, NotFound) as why:
                refused[draft_id] = why
        return asked, refused

    async def change_board(self, user_id: str, batch_id: str, change: BoardWork) -> None:
        """Changes a batch's sorting in one transaction; `change` is handed the drafts that must stay as they are. Items
        whose photos are others by that are read again. Raises NotFound, BadRequest, Conflict."""

        def work(session: Session) -> bool:
            change(session, publications.drafts_in_hand(session, user_id))
            return get_owned(session, Batch, user_id, batch_id).state in MOVING

        if await self.database.run(work):
            await self.jobs.read_batch(batch_id, user_id)

    async def read_again(self, user_id: str, draft_id: str, revision: int | None) -> Draft:
        """Has a draft read again by the reader of now. Raises NotFound, Conflict."""

        def work(session: Session) -> Draft:
            busy = publications.drafts_in_hand(session, user_id)
            return rereading.read_again(session, user_id, draft_id, revision, busy=busy)

        draft = await self.database.run(work)
        await self.jobs.read_batch(draft.batch_id, user_id)
        return draft

    def export(self, user_id: str) -> Iterator[bytes]:
        """Everything of this user's as a ZIP, in pieces: a JSON file a table, and the photos."""
        return leaving.export(self.database, self.store, user_id)

    async def remove_user(self, user_id: str) -> None:
        """Forgets a user and everything of theirs, on disk too. Raises Conflict (`last_admin`, `user_busy`)."""
        left = await self.database.run(leaving.erase, user_id)
        folders = (self.settings.evidence_folder, self.settings.incoming_folder, self.settings.uploads_folder)
        await asyncio.to_thread(leaving.clear_away, self.database, self.store, left, folders)

    async def register(
        self, name: str, password: str, *, email: str | None, invite: str | None, near: bool
    ) -> tuple[User, bool]:
        """A user who comes by themselves, and whether their address is still to be confirmed. Raises as
        `People.register` does."""
        keep = self.letters is None
        user = await self.people.register(name, password, email=email, invite=invite, near=near, keep_email=keep)
        return user, self.letters is not None and await self.letters.ask_for_email(user.id, email)

    async def change_email(self, user_id: str, email: str | None) -> bool:
        """Whether the new address is still to be confirmed, by a link sent to it: where the server sends mail.

        Raises BadRequest (`bad_email`); without mail also Conflict (`name_taken`)."""
        if self.letters is not None:
            return await self.letters.ask_for_email(user_id, email)
        await self.people.change_email(user_id, email)
        return False


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    run_jobs: bool = True,
    if_idle: bool = False,
    analyzer: Analyzer | None = None,
    patience: Patience | None = None,
    user: str | None = None,
) -> AsyncIterator[Runtime]:
    """A running VintedBot. With `run_jobs` jobs run here; with `if_idle` only while no other process runs them.

    `analyzer` is used, and closed, instead of the chosen one; `patience` instead of the usual one;
    `user` is a person's name to act for instead of the local user. Raises NotFound where there is none."""
    prepare_data_folder(settings)
    remember(settings.secrets(), for_good=True)
    async with AsyncExitStack() as stack:
        stack.enter_context(logs.kept(settings.log_folder, level=settings.log_level, days=settings.log_days))
        stack.enter_context(tracing.exporting(settings.traces))
        database = Database(settings.database)
        stack.callback(database.close)
        await asyncio.to_thread(database.migrate)
        person = await database.run(find_by_name, user) if user else await database.run(local_user)
        vault = Vault(secret_key(settings), reread=partial(secret_key, settings))
        people = People(
            database,
            KeyRing(partial(signing_keys, settings)),
            registration=settings.registration,
            alone=settings.sign_in == "auto" and is_loopback(settings.host),
        )
        store = LocalStore(settings.photo_folder)
        chosen = ChosenReader(settings, database, vault, instead=analyzer)
        stack.push_async_callback(chosen.aclose)
        await chosen.start()
        browsers = Browsers(settings.browser, contexts=settings.browser_contexts)
        stack.push_async_callback(browsers.aclose)
        solver = build_solver(settings)
        if solver is not None:
            stack.push_async_callback(solver.aclose)
        web = VintedWebRoute(browsers, diagnostics_dir=settings.evidence_folder / "checks", solver=solver)
        executors = executors_of(settings.database, settings.data / "executors")
        parts = Parts(
            database,
            store,
            vault,
            chosen,
            {"web": web},
            executors,
            settings.evidence_folder,
            settings.incoming_folder,
            timedelta(days=settings.evidence_days),
            patience or Patience(owner=settings.challenge_hours * 3600),
        )
        jobs = JobEngine(settings.engine_database, run_jobs=run_jobs, if_idle=if_idle)
        stack.push_async_callback(jobs.stop)
        await jobs.start(parts)
        mailer = build_mailer(settings)
        outbox = build_outbox(settings, database, mailer)
        letters = build_letters(settings, database, mailer)
        if letters is not None:
            stack.push_async_callback(letters.aclose)
        if run_jobs and outbox.has_targets:
            await stack.enter_async_context(outbox.running())
        handing_in = HandingIn(
            database, jobs, store, quota_of(settings), settings.incoming_folder, settings.uploads_folder,
            settings.max_photos,
        )  # fmt: skip
        if run_jobs and not if_idle and settings.inbox is not None:

            async def usual_language() -> str:
                return (await in_force(settings, database, person.id)).listing_language

            watching = handing_in.watch(settings.inbox, person.id, usual_language)
            stack.push_async_callback(_stop, asyncio.create_task(watching))
        operator_metrics.watch_gauges(lambda: readings.read(database, settings.data, jobs, chosen.look_here().budget))
        stack.callback(operator_metrics.watch_gauges, operator_metrics.Readings)
        model = Part(chosen.check, needed=False, costly=True, of=lambda: chosen.known)
        ready = build_checks(settings, database, store, jobs, model)
        samples = Samples(
            database, store, handing_in, settings.data / "sample-wardrobe",
            (settings.evidence_folder, settings.incoming_folder),
        )  # fmt: skip
        stack.push_async_callback(samples.aclose)
        yield Runtime(
            settings,
            database,
            store,
            vault,
            chosen,
            web,
            jobs,
            parts.troubles,
            parts.live,
            outbox,
            people,
            letters,
            person.id,
            ready,
            samples,
            handing_in,
            tuple(parts.routes),
        )


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
