"""The composition root: builds the parts from the settings, hands them to each other, closes them.

Everything that needs more than one part passes through here. Owns lifetimes; owns no behaviour.
"""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from backend.accounts import keys, outside, standing
from backend.accounts import service as accounts
from backend.accounts.vault import Vault, parse_keys
from backend.backup.installation import Installation
from backend.backup.making import Progress
from backend.backup.restoring import Restored, restore
from backend.core import catalog, logs, operator_metrics, tracing
from backend.core.ai_analyzer import load_analyzer
from backend.core.captcha_solver import TwoCaptchaSolver
from backend.core.catalog import Leaf
from backend.core.errors import Conflict, NeedsPersonError, SetupError, VintedRateLimitError
from backend.core.model_calls import MICROS, Ledger, Unmetered, on_behalf_of
from backend.core.reading import Analyzer
from backend.core.redaction import remember
from backend.db.engine import Database
from backend.db.models import Account, Batch, Publication, SiteCatalog
from backend.db.scope import get_owned
from backend.drafts.site_catalogs import keep_catalog
from backend.marketplace.port import AccountSession, LookedAt
from backend.marketplace.vinted_web.browser import Browsers
from backend.marketplace.vinted_web.login import parse_cookies
from backend.marketplace.vinted_web.route import VintedWebRoute
from backend.notifications.kinds import Message
from backend.notifications.mail import Mailer, parse_server
from backend.notifications.outbox import Outbox
from backend.notifications.senders import parse_targets
from backend.photos import inbox
from backend.photos.batches import MOVING, IncomingFile, create_batch
from backend.photos.quota import Quota
from backend.photos.store import LocalStore, PhotoStore
from backend.preferences import InForce, preferences_of
from backend.publications import service as publications
from backend.settings import Settings, kept_secret, prepare_data_folder
from backend.spending.ledger import Budget, TableLedger
from backend.users.access import is_loopback
from backend.users.letters import Letters
from backend.users.people import People
from backend.users.service import LOCAL_USER, find_by_name, local_user
from backend.users.tokens import KeyRing
from backend.vision.tariff import OPENAI_URL, tariff_of
from backend.wardrobe.pieces import Seen
from backend.wardrobe.refresh import refresh
from backend.watch import checks, readings
from backend.watch.checks import Checks, Part, Probe
from backend.watch.reader import Reader
from backend.workflows import leaving
from backend.workflows.engine import JobEngine
from backend.workflows.executors import executors_of
from backend.workflows.live import OpenPages
from backend.workflows.parts import Parts, Patience
from backend.workflows.sample import Samples

KEY_FILE, SIGNING_FILE = "secret.key", "jwt.key"
SIGNING_KEYS = 3

BoardWork = Callable[[Session, Collection[str]], None]


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
    outbox: Outbox
    people: People
    letters: Letters | None
    """None where no server for mail is set."""
    user_id: str
    """Whom this process acts for where nobody signs in: the local user, or the one the command line names."""
    checks: Checks
    samples: Samples
    routes: tuple[str, ...]
    """The ways to a marketplace there are."""

    @property
    def budget(self) -> Budget:
        return budget_of(self.settings)

    @property
    def reader(self) -> Reader:
        return reader_of(self.settings)

    @property
    def quota(self) -> Quota:
        """What a user may upload and keep."""
        return quota_of(self.settings)

    async def in_force(self, user_id: str) -> InForce:
        """What holds for the user unless they say otherwise: their preferences, else the settings."""
        operators = InForce(self.settings.language, self.settings.marketplace, self.settings.mode)
        return (await self.database.look(preferences_of, user_id)).in_force(operators)

    async def publish(self, user_id: str, order: publications.Order, *, key: str | None = None) -> Publication:
        """Asks for a publication and its job. Of two same requests at one moment the second finds the first's."""
        ask = partial(publications.request, user_id=user_id, order=order, key=key)
        try:
            publication = await self.database.run(ask)
        except IntegrityError:
            publication = await self.database.run(ask)
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
        address = (base_url or (await self.in_force(user_id)).marketplace).rstrip("/")
        await self.check_outside(address)
        state = parse_cookies(cookies, address)
        return await self.keep_session(user_id, username, address, state)

    async def check_outside(self, address: str) -> None:
        """Raises BadRequest (`address_inside`) for an address of a user's that leads into this network.

        The operator's own marketplace may, and on a server for this machine alone any may, unless set otherwise."""
        allowed = self.settings.private_addresses
        if allowed is None:
            allowed = is_loopback(self.settings.host)
        if not allowed and address != self.settings.marketplace.rstrip("/"):
            await asyncio.to_thread(outside.check, address)

    async def check_account(self, user_id: str, account: str | None) -> Account:
        """Looks whether the account's session still holds, and returns the account as it stands by what was found.

        Where it holds, what waited for that goes on. Raises a network error when nothing was found out."""
        chosen = await self.database.run(accounts.choose, user_id, account)
        try:
            await self.web.check_session(self._session_of(user_id, chosen))
        except (NeedsPersonError, VintedRateLimitError) as trouble:
            await self.database.run(standing.note_trouble, user_id, chosen.id, trouble)
            if isinstance(trouble, VintedRateLimitError):
                raise
            return await self.database.run(accounts.find, user_id, chosen.id)
        return await self._mended(lambda session: accounts.find(session, user_id, chosen.id))

    def _session_of(self, user_id: str, account: Account) -> AccountSession:
        """The account to act as; rotated cookies are kept. Raises SessionMissing or SessionExpired."""
        state = accounts.open_session(account, self.vault)
        known = account.session

        async def keep(left: Mapping[str, Any]) -> None:
            await self.database.run(accounts.keep_session, self.vault, user_id, account.id, left, instead_of=known)

        return AccountSession(account.base_url, account.username, state, account.language, keep=keep)

    async def refresh_wardrobe(self, user_id: str, account: str | None, progress: LookedAt | None = None) -> Seen:
        """See `wardrobe.refresh`; what waited for the visit to end goes on."""
        try:
            session_of = partial(self._session_of, user_id)
            return await refresh(self.database, self.web, session_of, user_id, account, progress)
        finally:
            self.jobs.look()

    async def fetch_catalog(self, user_id: str, account: str | None, leaves: Sequence[Leaf]) -> SiteCatalog:
        """Listens to what the marketplace's form offers this account, and the sizes of these leaves, and keeps it."""
        place = self._session_of(user_id, await self.database.run(accounts.choose, user_id, account))
        found = await self.web.site_catalog(place, leaves)
        return await self.database.run(keep_catalog, user_id, place.base_url, found)

    async def keep_session(self, user_id: str, username: str, base_url: str, state: Mapping[str, Any]) -> Account:
        """Adds the account or renews its session; what waited for that goes on."""
        language = catalog.language_of(base_url, default=self.settings.language)
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
    ) -> tuple[list[str], dict[str, Conflict]]:
        """Asks for a publication of each draft, from `at` on, spread over a time: the publications' ids, and why not of
        the others. Raises NotFound, BadRequest for a time that can't be used."""

        def prepare(session: Session) -> tuple[str, list[Any]]:
            chosen = accounts.choose(session, user_id, account)
            return chosen.id, publications.moments(session, chosen, at, spread, len(draft_ids))

        account_id, moments = await self.database.run(prepare)
        asked: list[str] = []
        refused: dict[str, Conflict] = {}
        for draft_id, moment in zip(draft_ids, moments, strict=True):
            try:
                order = publications.Order(draft_id, account_id, mode, route, not_before=moment)
                asked.append((await self.publish(user_id, order)).id)
            except Conflict as why:
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

    async def change_account(
        self, user_id: str, account_id: str, *, language: str | None = None, paused: bool | None = None
    ) -> Account:
        """What its owner decides; an account that is no longer paused goes on at once."""
        account = await self.database.run(accounts.change, user_id, account_id, language=language, paused=paused)
        self.jobs.look()
        return account

    async def remove_account(self, user_id: str, account_id: str) -> Account:
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

    def export(self, user_id: str) -> Iterator[bytes]:
        """Everything of this user's as a ZIP, in pieces: a JSON file a table, and the photos."""
        return leaving.export(self.database, self.store, user_id)

    async def remove_user(self, user_id: str) -> None:
        """Forgets a user and everything of theirs, on disk too. Raises Conflict (`last_admin`, `user_busy`)."""
        left = await self.database.run(leaving.erase, user_id)
        folders = (self.settings.evidence_folder, self.settings.incoming_folder, self.settings.uploads_folder)
        await asyncio.to_thread(leaving.clear_away, self.database, self.store, left, folders)

    async def change_email(self, user_id: str, email: str | None) -> bool:
        """Whether the new address is still to be confirmed, by a link sent to it: where the server sends mail.

        Raises BadRequest (`bad_email`); without mail also Conflict (`name_taken`)."""
        if self.letters is not None:
            return await self.letters.ask_for_email(user_id, email)
        await self.people.change_email(user_id, email)
        return False

    async def rotate_signing_key(self) -> int:
        """Puts a new signing key first and keeps those before it, for what they signed; says how many there are.

        Raises SetupError where the keys are a setting."""
        if self.settings.jwt_secret_key is not None:
            raise SetupError(
                "The key comes from JWT_SECRET_KEY, which only you can change. Put a new key before the present one, "
                "separated by a comma (NEW,PRESENT), and restart every process; take the old one out a day later.",
                code="key_is_a_setting",
            )
        file = keys.KeyFile(self.settings.data / SIGNING_FILE)
        with file.locked():
            kept = [secrets.token_urlsafe(48), *file.read()][:SIGNING_KEYS]
            await asyncio.to_thread(file.write, kept)
        return len(kept)

    async def rotate_key(self, after: Callable[[keys.Step], None] = lambda _: None) -> keys.Rotation:
        """Changes the key sessions are encrypted with. Raises SetupError with what to do where it is a setting."""
        if self.settings.secret_key is None:
            file = keys.KeyFile(self.settings.data / KEY_FILE)
            return await asyncio.to_thread(keys.rotate, self.database, file, after=after)
        given = parse_keys(self.settings.secret_key.get_secret_value())
        if len(given) == 1:
            raise SetupError(
                "The key comes from VINTEDBOT_SECRET_KEY, which only you can change. Put a new key before the present "
                "one, separated by a comma (NEW,PRESENT), and restart every process. Then run this again: it encrypts "
                "every session with the new key, after which the old one may be taken out.",
                code="key_is_a_setting",
            )
        resealed, unreadable = await self.database.run(keys.reseal, self.vault)
        return keys.Rotation(resealed, unreadable, 0)


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

    `analyzer` is used, and closed, instead of the one the settings name; `patience` instead of the usual one;
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
        analyzer = analyzer or build_analyzer(settings, TableLedger(database, budget_of(settings)))
        stack.push_async_callback(analyzer.aclose)
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
            analyzer,
            {"web": web},
            executors,
            settings.evidence_folder,
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
        if run_jobs and not if_idle and settings.inbox is not None:
            stack.push_async_callback(_stop, asyncio.create_task(watch_inbox(settings, database, jobs, person.id)))
        operator_metrics.watch_gauges(partial(readings.read, database, settings.data, jobs, budget_of(settings)))
        stack.callback(operator_metrics.watch_gauges, operator_metrics.Readings)
        ready = build_checks(settings, database, store, jobs)
        samples = Samples(
            database, jobs, store, quota_of(settings), settings.data / "sample-wardrobe",
            (settings.evidence_folder, settings.incoming_folder),
        )  # fmt: skip
        stack.push_async_callback(samples.aclose)
        yield Runtime(
            settings,
            database,
            store,
            vault,
            analyzer,
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
            tuple(parts.routes),
        )


async def watch_inbox(settings: Settings, database: Database, jobs: JobEngine, user_id: str) -> None:
    """Hands what is put into the watched folder to the reader, a batch at a time."""
    assert settings.inbox is not None
    await asyncio.to_thread(settings.inbox.mkdir, parents=True, exist_ok=True)

    async def take(files: list[IncomingFile]) -> None:
        for start in range(0, len(files), settings.max_photos):
            batch = await database.run(
                create_batch,
                user_id,
                files[start : start + settings.max_photos],
                source="inbox",
                defaults={},
                otherwise=settings.language,
                most=settings.max_photos,
            )
            await jobs.read_batch(batch.id, user_id)

    await inbox.watch(settings.inbox, take)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def reader_alone(settings: Settings) -> AsyncIterator[Analyzer]:
    """The reader for a look without keeping anything; what a model's calls cost is counted all the same."""
    if settings.reader == "embedded":
        analyzer = build_analyzer(settings, Unmetered())
        try:
            yield analyzer
        finally:
            await analyzer.aclose()
        return
    async with running(settings, run_jobs=False) as runtime:
        with on_behalf_of(runtime.user_id):
            yield runtime.analyzer


@contextmanager
def installation(settings: Settings) -> Iterator[Installation]:
    """Everything that is kept, as a backup sees it. Nothing is made or migrated."""
    database = Database(settings.database)
    folders = {
        "photos": settings.photo_folder, "evidence": settings.evidence_folder, "incoming": settings.incoming_folder,
    }  # fmt: skip
    try:
        yield Installation(
            database, settings.data, folders, {name: settings.data / name for name in (KEY_FILE, SIGNING_FILE)}
        )
    finally:
        database.close()


async def restore_backup(settings: Settings, file: Path, *, passphrase: str | None, progress: Progress) -> Restored:
    """Puts the backup into this empty installation. Raises Conflict (`in_use`) while a process runs jobs on it."""
    prepare_data_folder(settings)
    executors = executors_of(settings.database, settings.data / "executors")
    if await asyncio.to_thread(executors.any_alive):
        raise Conflict("A server or worker runs on this installation. Stop it, then restore.", code="in_use")
    executors.release()
    with installation(settings) as place:
        done = await asyncio.to_thread(
            restore, place, file, lone_user=LOCAL_USER, passphrase=passphrase, progress=progress
        )
        vault = Vault(secret_key(settings))
        done.aftermath.unreadable_sessions = await place.database.run(keys.count_unreadable, vault)
    return done


def build_analyzer(settings: Settings, ledger: Ledger) -> Analyzer:
    """The reader of photos the settings name; a model's reader falls back on the embedded one, field by field.

    Raises SetupError for a budget on a model whose price nobody knows: it could not be kept."""
    embedded = load_analyzer("embedded")
    if settings.reader == "embedded":
        return embedded
    # Only who asks for a model waits for its client.
    from backend.vision.boundaries import ModelBoundaryJudge  # noqa: PLC0415
    from backend.vision.fallback import FallbackAnalyzer  # noqa: PLC0415

    prices = {"price_input": settings.model_price_input, "price_output": settings.model_price_output}
    if budget_of(settings).limited and not reader_of(settings).tariff.known:
        raise SetupError(
            f"No price of {settings.model} is known, so a budget for it can't be kept. Set VINTEDBOT_MODEL_PRICE_INPUT "
            "and VINTEDBOT_MODEL_PRICE_OUTPUT (dollars per million tokens), or unset the budget."
        )
    way: dict[str, Any] = {
        "api_key": settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        "base_url": settings.openai_base_url,
        "model": settings.model,
        "timeout": settings.model_timeout,
        "ledger": ledger,
        **prices,
    }
    return FallbackAnalyzer(load_analyzer("openai", **way), embedded, ModelBoundaryJudge(**way))


def reader_of(settings: Settings) -> Reader:
    """The reader the settings name, without its key."""
    if settings.reader == "embedded":
        return Reader("embedded")
    address = settings.openai_base_url or OPENAI_URL
    prices = {"price_input": settings.model_price_input, "price_output": settings.model_price_output}
    return Reader("openai", settings.model, address, tariff_of(settings.model, address, **prices))


def budget_of(settings: Settings) -> Budget:
    """What calls to a model may cost, as set."""

    def micros(dollars: Decimal | None) -> int | None:
        return None if dollars is None else int(dollars * MICROS)

    return Budget(micros(settings.model_day_budget), micros(settings.model_batch_budget))


def quota_of(settings: Settings) -> Quota:
    kept = settings.storage_mb
    return Quota(settings.photos_a_day, None if kept is None else kept * 1_000_000)


def build_checks(settings: Settings, database: Database, store: PhotoStore, jobs: JobEngine) -> Checks:
    """What `/ready` asks. Without a browser, a model or much disk the rest works."""
    return Checks(
        {
            "database": Part(partial(checks.database, database)),
            "storage": Part(partial(checks.storage, store)),
            "jobs": Part(partial(checks.jobs, lambda: jobs.somebody_works)),
            "browser": Part(partial(checks.browser_found, settings.browser), needed=False, costly=True),
            "model": Part(model_check(settings), needed=False, costly=True),
            "disk": Part(partial(checks.disk, settings.data), needed=False),
            "clock": Part(partial(checks.clock, settings.data), needed=False),
        }
    )


def model_check(settings: Settings) -> Probe:
    """Whether the model's service answers, where one is set."""
    if settings.reader == "embedded":
        return checks.offline_reader
    address = settings.openai_base_url or "https://api.openai.com/v1"
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    return partial(checks.model, address, key, settings.model)


def build_outbox(settings: Settings, database: Database, mailer: Mailer | None) -> Outbox:
    """The way of notifications to the outside; raises SetupError for an address that can't be used."""
    targets = parse_targets(settings.notify.get_secret_value()) if settings.notify else []
    return Outbox(database, targets, language=settings.language, mailer=mailer)


def build_mailer(settings: Settings) -> Mailer | None:
    """The operator's server for mail; there is none unless set. Raises SetupError for one that can't be used."""
    if settings.smtp is None:
        return None
    return Mailer(parse_server(settings.smtp.get_secret_value()), settings.mail_from)


def build_letters(settings: Settings, database: Database, mailer: Mailer | None) -> Letters | None:
    """Letters to people about their own user. Raises SetupError where links would lead nowhere."""
    if mailer is None:
        return None

    async def post(to: str, subject: str, text: str) -> bool:
        return await mailer.deliver(to, Message(subject, text))

    return Letters(database, post, address=settings.public_address, language=settings.language)


def build_solver(settings: Settings) -> TwoCaptchaSolver | None:
    """The solver service, an operator's opt-in: there is none without a key."""
    if settings.twocaptcha_api_key is None:
        return None
    return TwoCaptchaSolver(settings.twocaptcha_api_key.get_secret_value(), base_url=settings.captcha_url)


def secret_key(settings: Settings) -> str:
    """The keys of the vault, newest first: the setting's, or those kept in the data folder."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    return kept_secret(settings, KEY_FILE, Vault.new_key)


def signing_keys(settings: Settings) -> list[str]:
    """The keys that sign sign-in tokens, newest first: the setting's, or those kept in the data folder."""
    if settings.jwt_secret_key is not None:
        return parse_keys(settings.jwt_secret_key.get_secret_value())
    made = parse_keys(kept_secret(settings, SIGNING_FILE, lambda: secrets.token_urlsafe(48)))
    remember(made, for_good=True)
    return made


def set_up_logging(settings: Settings, level: str | None = None, *, service: bool = False) -> None:
    """Log lines to standard error; `level` instead of the setting's. A `service` logs JSON where no terminal shows it.

    What the settings keep secret stands in no line."""
    as_json = settings.log_json if settings.log_json is not None else service and not sys.stderr.isatty()
    remember(settings.secrets(), for_good=True)
    logs.set_up(level or settings.log_level, as_json=as_json)
