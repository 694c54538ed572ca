"""The composition root: builds the parts from the settings, hands them to each other, closes them.

Everything that needs more than one part passes through here. Owns lifetimes; owns no behaviour.
"""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from loguru import logger
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from backend.accounts import service as accounts
from backend.accounts.vault import Vault
from backend.core import catalog, metrics
from backend.core.ai_analyzer import load_analyzer
from backend.core.captcha_solver import TwoCaptchaSolver
from backend.core.reading import Analyzer
from backend.db.engine import Database
from backend.db.models import Account, Batch, Publication, User
from backend.db.scope import get_owned
from backend.marketplace.port import AccountSession
from backend.marketplace.vinted_web.browser import Browsers
from backend.marketplace.vinted_web.login import parse_cookies
from backend.marketplace.vinted_web.route import VintedWebRoute
from backend.photos.batches import MOVING
from backend.photos.store import LocalStore, PhotoStore
from backend.publications import service as publications
from backend.settings import Settings, kept_secret, prepare_data_folder
from backend.users.service import local_user
from backend.workflows.engine import JobEngine
from backend.workflows.executors import executors_of
from backend.workflows.live import OpenPages
from backend.workflows.parts import Parts, Patience


@dataclass(frozen=True)
class Runtime:
    """The parts of a running VintedBot."""

    settings: Settings
    database: Database
    store: PhotoStore
    vault: Vault
    analyzer: Analyzer
    web: VintedWebRoute
    jobs: JobEngine
    troubles: Mapping[str, str]
    live: OpenPages
    user_id: str

    async def publish(self, order: publications.Order, *, key: str | None = None) -> Publication:
        """Asks for a publication and its job. Of two same requests at one moment the second finds the first's."""
        ask = partial(publications.request, user_id=self.user_id, order=order, key=key)
        try:
            publication = await self.database.run(ask)
        except IntegrityError:
            publication = await self.database.run(ask)
        self.jobs.look()
        return publication

    async def resume(self, user_id: str, publication_id: str, *, despite_doubt: bool = False) -> Publication:
        """Sends a publication that waited for a person round again."""
        publication = await self.database.run(publications.resume, user_id, publication_id, despite_doubt=despite_doubt)
        self.jobs.look()
        return publication

    async def adopt(self, user_id: str, publication_id: str, listing_id: str) -> Publication:
        """The person's word that this listing is what an uncertain click made."""

        def work(session: Session) -> Publication:
            publication = get_owned(session, Publication, user_id, publication_id)
            account = get_owned(session, Account, user_id, publication.account_id)
            place = AccountSession(account.base_url, account.username, {})
            url = self.web.listing_url(place, listing_id, "draft" if publication.mode == "draft" else "publish")
            return publications.adopt(session, user_id, publication_id, listing_id, url)

        return await self.database.run(work)

    async def add_account(self, user_id: str, username: str, cookies: str, base_url: str | None = None) -> Account:
        """Keeps the session of a signed-in browser's cookies. Raises BadRequest when none can be read."""
        address = (base_url or self.settings.marketplace).rstrip("/")
        state = parse_cookies(cookies, address)
        return await self.keep_session(user_id, username, address, state)

    async def check_account(self, user_id: str, account: str | None) -> str:
        """Who the marketplace says is signed in. Raises a NeedsPersonError with the way out, or a network error."""
        chosen = await self.database.run(accounts.choose, user_id, account)
        state = accounts.open_session(chosen, self.vault)
        known = chosen.session

        async def keep(left: Mapping[str, Any]) -> None:
            await self.database.run(accounts.keep_session, self.vault, user_id, chosen.id, left, instead_of=known)

        return await self.web.check_session(
            AccountSession(chosen.base_url, chosen.username, state, chosen.language, keep=keep)
        )

    async def keep_session(self, user_id: str, username: str, base_url: str, state: Mapping[str, Any]) -> Account:
        """Adds the account or renews its session; what waited for that goes on."""

        def work(session: Session) -> Account:
            language = catalog.language_of(base_url, default=self.settings.language)
            account = accounts.save_session(
                session, self.vault, user_id,
                username=username, base_url=base_url, storage_state=state, language=language,
            )  # fmt: skip
            publications.resume_waiting(session, user_id, account.id)
            return account

        account = await self.database.run(work)
        self.jobs.look()
        return account


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    run_jobs: bool = True,
    if_idle: bool = False,
    analyzer: Analyzer | None = None,
    patience: Patience | None = None,
) -> AsyncIterator[Runtime]:
    """A running VintedBot. With `run_jobs` jobs run here; with `if_idle` only while no other process runs them.

    `analyzer` is used, and closed, instead of the one the settings name; `patience` instead of the usual one."""
    prepare_data_folder(settings)
    async with AsyncExitStack() as stack:
        database = Database(settings.database)
        stack.callback(database.close)
        await asyncio.to_thread(database.migrate)
        user_id = (await database.run(local_user)).id
        vault = Vault(secret_key(settings))
        jwt_secret(settings)  # made at first start, for the sign-in to come
        store = LocalStore(settings.photo_folder)
        analyzer = analyzer or build_analyzer(settings)
        stack.push_async_callback(analyzer.aclose)
        browsers = Browsers(settings.browser, contexts=settings.browser_contexts)
        stack.push_async_callback(browsers.aclose)
        solver = build_solver(settings)
        if solver is not None:
            stack.push_async_callback(solver.aclose)
        web = VintedWebRoute(browsers, diagnostics_dir=settings.data / "diagnostics", solver=solver)
        executors = executors_of(settings.database, settings.data / "executors")
        parts = Parts(
            database,
            store,
            vault,
            analyzer,
            {"web": web},
            executors,
            settings.data / "evidence",
            patience or Patience(owner=settings.challenge_hours * 3600),
        )
        jobs = JobEngine(settings.engine_database, run_jobs=run_jobs, if_idle=if_idle)
        stack.push_async_callback(jobs.stop)
        await jobs.start(parts)
        metrics.watch_gauges(partial(read_gauges, database))
        stack.callback(metrics.watch_gauges, metrics.GaugeReadings)
        yield Runtime(settings, database, store, vault, analyzer, web, jobs, parts.troubles, parts.live, user_id)


def build_analyzer(settings: Settings) -> Analyzer:
    """The reader of photos the settings name; a model's reader falls back on the embedded one, field by field."""
    embedded = load_analyzer("embedded")
    if settings.reader == "embedded":
        return embedded
    from backend.vision.boundaries import ModelBoundaryJudge  # noqa: PLC0415 - only who asks for a model waits for it
    from backend.vision.fallback import FallbackAnalyzer  # noqa: PLC0415

    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    model = load_analyzer("openai", api_key=key, base_url=settings.openai_base_url, model=settings.model)
    judge = ModelBoundaryJudge(api_key=key, base_url=settings.openai_base_url, model=settings.model)
    return FallbackAnalyzer(model, embedded, judge)


def build_solver(settings: Settings) -> TwoCaptchaSolver | None:
    """The solver service, an operator's opt-in: there is none without a key."""
    if settings.twocaptcha_api_key is None:
        return None
    return TwoCaptchaSolver(settings.twocaptcha_api_key.get_secret_value(), base_url=settings.captcha_url)


def secret_key(settings: Settings) -> str:
    """The key of the vault: the setting, or the one kept in the data folder."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    return kept_secret(settings, "secret.key", Vault.new_key)


def jwt_secret(settings: Settings) -> str:
    """The key that signs sign-in tokens: the setting, or the one kept in the data folder."""
    if settings.jwt_secret_key is not None:
        return settings.jwt_secret_key.get_secret_value()
    return kept_secret(settings, "jwt.key", lambda: secrets.token_urlsafe(48))


def read_gauges(database: Database) -> metrics.GaugeReadings:
    """The gauges as the tables have them now."""

    def count(session: Session) -> metrics.GaugeReadings:
        active_batches = select(func.count()).select_from(Batch).where(col(Batch.state).in_(MOVING))
        users = select(func.count(func.distinct(User.id))).select_from(User).join(Account)
        return metrics.GaugeReadings(
            publish_queue_size=publications.count_running(session),
            bulk_job_active_total=session.exec(active_batches).one(),
            active_users=session.exec(users).one(),
        )

    with database.session() as session:
        return count(session)


def set_up_logging(settings: Settings, level: str | None = None) -> None:
    """Log lines to standard error: readable text, or JSON lines; `level` instead of the setting's."""
    logger.remove()
    logger.add(
        lambda line: print(line, end="", file=sys.stderr),  # noqa: T201 - the stderr of the moment, not of now
        level=level or settings.log_level,
        serialize=settings.log_json,
        backtrace=False,
        diagnose=False,
    )
