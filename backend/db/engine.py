"""The connection to our tables: transactions, SQLite's pragmas, migrations.

Owns how a transaction begins and ends. Owns no query. One `Database` a process, closed by the runtime.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlmodel import Session

from backend.core.errors import SetupError

P = ParamSpec("P")
T = TypeVar("T")

_BUSY_MS = 15_000
_FROZEN_MS = 10_000


class Database:
    """Our tables at `url` (SQLAlchemy's form). Nothing is opened until first use."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url)
        self.reading = _sqlite_engine(url, read_only=True) if self.is_sqlite else self.engine
        self._writing = threading.Lock()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed on leaving, rolled back on an error. Writes are serialised on SQLite."""
        opened = Session(self.engine, expire_on_commit=False)
        with storage_errors(self.url), self._turn(), opened as session, session.begin():
            yield session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """On SQLite the threads of this process take turns in the order they came. SQLite's own waiting is a sleep that
        grows, and lets whoever happens to be awake go first; it is left to keep the processes apart."""
        taken = self.is_sqlite and self._writing.acquire(timeout=_BUSY_MS / 1000)
        try:
            yield
        finally:
            if taken:
                self._writing.release()

    @contextmanager
    def glance(self) -> Iterator[Session]:
        """A transaction that only reads, of one moment; on SQLite it waits for no writer and holds none up."""
        with storage_errors(self.url), Session(self.reading, expire_on_commit=False) as session, session.begin():
            yield session

    async def look(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(session, …)` that only reads: on SQLite it waits for no writer, and a write in it fails."""

        def call() -> T:
            with self.glance() as session:
                return work(session, *args, **kwargs)

        return await asyncio.to_thread(call)

    async def run(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(session, …)` in one transaction on a thread, off the event loop. Who is cancelled meanwhile goes when
        it has ended: nobody finds a row changed behind their back."""

        def call() -> T:
            with self.session() as session:
                return work(session, *args, **kwargs)

        under_way = asyncio.ensure_future(asyncio.to_thread(call))
        try:
            return await asyncio.shield(under_way)
        except asyncio.CancelledError:
            await asyncio.wait([under_way])
            raise

    async def store(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`run`, once more where another transaction was quicker to store the same: now it is found."""
        try:
            return await self.run(work, *args, **kwargs)
        except IntegrityError:
            return await self.run(work, *args, **kwargs)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """One transaction on the bare connection, for what changes the tables themselves."""
        with (
            storage_errors(self.url),
            self.engine.connect() as connection,
            _rebuilding(connection),
            connection.begin(),
        ):
            yield connection
            _check_references(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that reads everything as it was at one moment, and keeps nobody from writing meanwhile."""
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with storage_errors(self.url), self.reading.connect() as plain:
            connection = plain.execution_options(**options)
            if not self.is_sqlite:  # rows may be fetched slowly
                connection.execute(text("set local idle_in_transaction_session_timeout = 0"))
            yield connection

    def migrate(self, revision: str = "head") -> None:
        """Brings the tables up to `revision`. Raises SetupError when the database can't be opened."""
        with storage_errors(self.url), self.engine.connect() as connection, _rebuilding(connection):
            if not self.is_sqlite:  # two processes starting together: the second waits
                connection.execute(text("select pg_advisory_lock(864209753)"))
            with alembic_config(connection) as config:
                command.upgrade(config, revision)
            _check_references(connection)
            connection.commit()
            if not self.is_sqlite:
                connection.execute(text("select pg_advisory_unlock(864209753)"))

    def close(self) -> None:
        self.engine.dispose()
        self.reading.dispose()


@contextmanager
def _rebuilding(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew in the place of the old: what points to it is let be meanwhile, which
    can only be said outside a transaction, and is checked before the commit."""
    if connection.dialect.name != "sqlite":
        yield
        return
    plain = connection.connection.driver_connection
    assert plain is not None
    plain.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.rollback()
        plain.execute("PRAGMA foreign_keys=ON")


def _check_references(connection: Connection) -> None:
    """Raises SetupError where a row points to none; the transaction is the caller's to end."""
    if connection.dialect.name != "sqlite":
        return
    if lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise SetupError(f"A row of {lost[0]} points to a row of {lost[2]} that is not there. Nothing was changed.")


def clock(session: Session) -> datetime:
    """The time all processes on these tables agree on: the server's on PostgreSQL, this machine's on SQLite."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)
    moment: datetime = session.connection().execute(text("select clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)


@contextmanager
def alembic_config(connection: Connection) -> Iterator[Config]:
    """Alembic's configuration for the migrations in this package, on this connection."""
    with as_file(files("backend.db").joinpath("migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


def _postgres_engine(url: str) -> Engine:
    """A process that freezes in the middle of a transaction keeps its locks no longer than `_FROZEN_MS`."""
    options = f"-c idle_in_transaction_session_timeout={_FROZEN_MS}"
    return create_engine(url, pool_pre_ping=True, pool_size=10, connect_args={"options": options})


def _sqlite_engine(url: str, *, read_only: bool = False) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        pragmas = ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"]
        for pragma in [*pragmas, "query_only=ON"] if read_only else pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Taking the write lock at once waits its turn; upgrading a read lock later could fail half-way.
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


_DISK = ("disk is full", "disk i/o error", "readonly database", "unable to open database file", "No space left")


@contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """Says what to do when the database's disk or server fails us."""
    try:
        yield
    except DBAPIError as error:
        place = make_url(url).render_as_string(hide_password=True)
        message = str(error.orig)
        if any(sign in message for sign in _DISK):
            raise SetupError(
                f"The database {place} can't be written to ({message}). Free some space or make the folder writable; "
                "nothing already stored is lost."
            ) from error
        if "database is locked" in message:
            raise SetupError(f"The database {place} is busy with another process. Try again in a moment.") from error
        if isinstance(error, OperationalError) and error.connection_invalidated | ("connect" in message):
            raise SetupError(
                f"The database {place} can't be reached: {message.strip()}. Check DATABASE_URL."
            ) from error
        raise
