"""A backup put back is equal row by row and file by file, on and between both databases; a bad one changes nothing."""

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import select
from typer.testing import CliRunner

from backend.accounts import service as accounts
from backend.backup import envelope, making, restoring, tables
from backend.backup.envelope import OpeningReader, SealingWriter
from backend.cli import app as cli
from backend.core.errors import BackupRefused, SetupError, VintedBotError
from backend.db.models import Account, Batch, IdempotencyKey, Notification, Photo, Publication
from backend.marketplace.port import AccountSession, WardrobeItem
from backend.model_choice import Wanted
from backend.publications import journal, service
from backend.publications.journal import State
from backend.runtime import Runtime, running
from backend.settings import Settings
from backend.users.service import LOCAL_USER
from backend.whole_installation import installation, restore_backup
from backend.workflows.held import is_abandoned
from backend.workflows.parts import Patience
from tests.conftest import draw_one
from tests.fakes import ScriptedReader, add_publication

PASSPHRASE = "correct horse battery"
SHEET = {"title": "White T-shirt", "price": "5.00", "photos": 1}
STEPS: dict[State, dict[str, Any]] = {
    State.FILLED: {"read_back": {}}, State.SUBMITTING: {"listings_before": ["1"]},
}  # fmt: skip
STATES = (State.QUEUED, State.PREPARING, State.FILLED, State.SUBMITTING, State.UNCERTAIN, State.CONFIRMED)
WAY = {
    State.PREPARING: [State.PREPARING],
    State.FILLED: [State.PREPARING, State.FILLED],
    State.SUBMITTING: [State.PREPARING, State.FILLED, State.SUBMITTING],
    State.UNCERTAIN: [State.PREPARING, State.FILLED, State.SUBMITTING, State.UNCERTAIN],
    State.CONFIRMED: [State.PREPARING, State.FILLED, State.SUBMITTING, State.CONFIRMED],
}


async def fill(runtime: Runtime, folder: Path) -> None:
    """Something in every table that matters here, files of every kind, and a publication in each state."""
    keys = [runtime.store.put(draw_one(folder / f"{n}.jpg", seed=n).read_bytes(), ".jpg") for n in range(3)]
    waiting = runtime.settings.incoming_folder / "b1" / "00000"
    draw_one(folder / "waiting.jpg", seed=9)
    waiting.parent.mkdir(parents=True)
    shutil.copy(folder / "waiting.jpg", waiting)
    for state in STATES:
        account = await runtime.accounts.add(
            runtime.user_id, f"marie-{state}", "access_token_web=kept", "http://127.0.0.1:9"
        )
        await runtime.database.run(_publication, account.id, state, keys[0])
    await runtime.chosen.choose(Wanted(reader="openai", address="http://127.0.0.1:9", model="m", key="kept-model-key"))
    (runtime.settings.evidence_folder / "p1" / "bundle").mkdir(parents=True)
    (runtime.settings.evidence_folder / "p1" / "bundle" / "page.html").write_text("<p>é</p>")

    def more(session: Any) -> None:
        batch = Batch(id="b1", user_id=runtime.user_id, state="stopped", defaults={"condition": "très bon état"})
        session.add(batch)
        session.flush()
        photo = {"user_id": runtime.user_id, "batch_id": "b1", "name": "été ☀.jpg"}
        session.add(Photo(**photo, position=0, source_path=str(waiting), owns_source=True))
        session.add(Photo(**photo, position=1, source_path="/x", state="accepted", store_key=keys[1], sha256="f" * 64))
        session.add(Notification(user_id=runtime.user_id, kind="failed", episode="e1", detail={"n": [1, None]}))

    await runtime.database.run(more)


def _publication(session: Any, account_id: str, state: State, picture: str) -> None:
    account = session.get_one(Account, account_id)
    made = add_publication(session, account, id=f"pub-{state}", screenshot_key=picture, sheet=SHEET)
    for step in WAY.get(state, []):
        detail = STEPS.get(step, {})
        journal.move(session, made.id, step, detail=detail, claim="c1", claimed_by="executor-1")
    session.add(IdempotencyKey(user_id=made.user_id, key=f"k-{state}", request_hash="h", publication_id=made.id))


def rows(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    with installation(settings) as place, place.database.snapshot() as connection:
        found = {}
        for table in tables.tables_of(connection):
            out = BytesIO()
            tables.dump(connection, table, out)
            found[table.name] = list(tables.lines_of(BytesIO(out.getvalue())))
        return found


def files(settings: Settings) -> dict[str, bytes]:
    with installation(settings) as place:
        found = {f"{kind}/{name}": path.read_bytes() for kind in place.folders for name, path in place.files(kind)}
        return found | {name: path.read_bytes() for name, path in place.keys.items()}


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    fill_now(Settings(data=folder / "data"), folder / "drawn")
    return folder / "data"


@pytest.fixture
def filled(settings: Settings, filled_once: Path) -> Settings:
    """An installation with something of everything in it."""
    shutil.copytree(filled_once, settings.data, dirs_exist_ok=True)
    return settings


@pytest.fixture(scope="module")
def backups(filled_once: Path) -> dict[str | None, bytes]:
    """A plain and a sealed backup of it."""
    made = {}
    for passphrase in (None, PASSPHRASE):
        file = filled_once.parent / f"{passphrase}.backup"
        back_up(Settings(data=filled_once), file, passphrase=passphrase)
        made[passphrase] = file.read_bytes()
    return made


@pytest.fixture(autouse=True)
def _quick_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key's price is for guessers, not for tests; a backup says its own."""
    monkeypatch.setattr(envelope, "LOG_N", 10)


def fill_now(settings: Settings, folder: Path) -> None:
    async def work() -> None:
        async with running(settings, run_jobs=False, analyzer=ScriptedReader()) as runtime:
            await fill(runtime, folder)

    asyncio.run(work())


def put_back(settings: Settings, file: Path, passphrase: str | None = None) -> restoring.Restored:
    return asyncio.run(restore_backup(settings, file, passphrase=passphrase, progress=lambda *_: None))


def back_up(settings: Settings, file: Path, **options: Any) -> making.Made:
    with installation(settings) as place:
        return making.back_up(place, file, **options)


@contextmanager
def another_database(url: str) -> Iterator[str]:
    if not url:
        yield ""
        return
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    other = f"{server.url.database}_other"
    with server.connect() as connection:
        connection.execute(text(f"create database {other}"))
    yield server.url.set(database=other).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"drop database {other} with (force)"))
    server.dispose()


@pytest.mark.parametrize("way", ["sqlite-sqlite", "sqlite-postgresql", "postgresql-postgresql", "postgresql-sqlite"])
def test_what_is_put_back_is_equal_row_by_row_and_file_by_file(
    way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kinds = way.split("-")
    base = request.getfixturevalue("postgres_url") if "postgresql" in kinds else ""
    with another_database(base) as other:
        old = Settings(data=tmp_path / "old", database_url=base if kinds[0] == "postgresql" else None)
        new = Settings(data=tmp_path / "new", database_url=other if kinds[1] == "postgresql" else None)
        fill_now(old, tmp_path / "drawn")
        made = back_up(old, tmp_path / "all.backup", passphrase=PASSPHRASE)
        done = put_back(new, tmp_path / "all.backup", PASSPHRASE)
        assert made.rows == done.rows and made.files == done.files and not made.missing
        assert made.rows["publications"] == 6 and made.files == {"photos": 3, "evidence": 1, "incoming": 1}
        before, after = rows(old), rows(new)
        _compare(before, after, old, new)
        assert files(old) == files(new)
        numbers_go_on(new)


def _compare(before: dict[str, Any], after: dict[str, Any], old: Settings, new: Settings) -> None:
    """Every row of every table; but for what may not go on by itself, which is named here."""
    moved = {"pub-preparing": "queued", "pub-filled": "queued", "pub-submitting": "uncertain"}
    for table, there in before.items():
        here = after[table]
        if table == "photos":
            for row in there:
                row["source_path"] = row["source_path"].replace(str(old.data), str(new.data))
        if table == "accounts":
            assert {row["username"]: row["paused"] for row in here} == {
                f"marie-{state}": state != "confirmed" for state in STATES
            }
            drop(there, here, "paused")
        if table == "publications":
            assert {row["id"]: row["state"] for row in here if row["id"] in moved} == moved
            assert not any(row["claim"] or row["claimed_by"] for row in here)
            drop(there, here, "claim", "claimed_by", "state", "run", "attempts", "updated_at")
        if table == "publication_events":
            here = here[: len(there)]
            assert len(after[table]) == len(there) + len(moved)
        assert here == there, table


def drop(*args: Any) -> None:
    there, here, *columns = args
    for row in (*there, *here):
        for column in columns:
            row.pop(column)


def numbers_go_on(settings: Settings) -> None:
    """The next row of a counted table gets a number of its own."""

    async def work() -> None:
        async with running(settings, run_jobs=False, analyzer=ScriptedReader()) as runtime:
            await runtime.database.run(service.cancel, runtime.user_id, "pub-queued")

    asyncio.run(work())


async def test_a_restored_click_is_in_doubt_and_what_waits_is_held(tmp_path: Path, settings: Settings) -> None:
    async with running(settings, run_jobs=False, analyzer=ScriptedReader()) as runtime:
        await fill(runtime, tmp_path / "drawn")
    await asyncio.to_thread(back_up, settings, tmp_path / "b")
    new = Settings(data=tmp_path / "new")
    done = await restore_backup(new, tmp_path / "b", passphrase=None, progress=lambda *_: None)
    after = done.aftermath
    assert (after.in_doubt, after.waiting, after.paused_accounts, after.unreadable_sessions) == (2, 3, 5, 0)
    async with running(new, run_jobs=False, analyzer=ScriptedReader()) as runtime:
        account = await runtime.database.run(accounts.choose, runtime.user_id, "marie-queued")
        assert accounts.open_session(account, runtime.vault)["cookies"][0]["value"] == "kept"
        chosen = (await runtime.chosen.look()).kept
        assert chosen is not None and chosen.key == "kept-model-key"
        doubted = await runtime.database.run(lambda s: s.get_one(Publication, "pub-submitting"))
        events = await runtime.database.run(service.events_of, runtime.user_id, "pub-submitting")
        assert events[-1].detail["restored"] is True and events[-2].detail == {"listings_before": ["1"]}
        assert State.QUEUED not in [event.state for event in events[1:]]
    async with running(new, run_jobs=True, analyzer=ScriptedReader()) as runtime:
        parts_mine = runtime.jobs._handed  # whoever runs jobs now sees that nobody holds it
        assert is_abandoned(parts_mine, doubted)
        assert await runtime.database.run(lambda s: s.get_one(Publication, "pub-queued").state) == State.QUEUED


class Looking:
    """A route whose marketplace has one new listing; pressing its button is what must not happen."""

    name = "looking"
    clicks = 0

    async def put(self, *_: object, **__: object) -> Any:
        self.clicks += 1
        raise AssertionError("a second click")

    async def list_wardrobe(self, account: AccountSession) -> list[WardrobeItem]:
        return [
            WardrobeItem("1", SHEET["title"], Decimal(5), True, 1),
            *([WardrobeItem("2", SHEET["title"], Decimal(5), True, 1)] if "submitting" in account.username else []),
        ]

    async def read_back(self, *_: object) -> tuple[()]:
        return ()

    def listing_url(self, account: AccountSession, listing_id: str, mode: str) -> str:
        return f"{account.base_url}/items/{listing_id}"


async def test_a_restored_click_finds_its_listing_and_nothing_is_clicked(
    tmp_path: Path, filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(back_up, filled, tmp_path / "b")
    new = Settings(data=tmp_path / "new")
    await restore_backup(new, tmp_path / "b", passphrase=None, progress=lambda *_: None)
    route = Looking()
    monkeypatch.setattr("backend.runtime.VintedWebRoute", lambda *_, **__: route)
    async with running(new, run_jobs=False, analyzer=ScriptedReader()) as runtime:
        told = await runtime.database.run(service.events_of, runtime.user_id, "pub-submitting")
        assert told[-1].state == State.UNCERTAIN
    async with running(
        new, run_jobs=True, analyzer=ScriptedReader(), patience=Patience(click_within=0.05, looks_after=(0.1,))
    ) as runtime:
        async with asyncio.timeout(60):
            while (await _states(runtime))["pub-submitting"] in journal.RUNNING:
                await asyncio.sleep(0.05)
        adopted = await runtime.database.run(lambda s: s.get_one(Publication, "pub-submitting"))
        assert (adopted.state, adopted.listing_id, route.clicks) == (State.RECONCILED, "2", 0)
        assert (await _states(runtime))["pub-queued"] == State.QUEUED


async def _states(runtime: Runtime) -> dict[str, State]:
    def work(session: Any) -> dict[str, State]:
        return {row.id: State(row.state) for row in session.exec(select(Publication)).all()}

    return await runtime.database.run(work)


def test_a_backup_is_one_moment_while_others_write(filled: Settings, tmp_path: Path) -> None:
    """A publication and its events are written together, so in a backup both are there or neither is."""
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        with installation(filled) as place:
            while not stop.is_set():
                with place.database.session() as session:
                    account = session.exec(accounts.owned(Account, _local(session)).limit(1)).one()  # type: ignore[attr-defined]
                    add_publication(session, account)
                written += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            seen = written
            made = back_up(filled, tmp_path / f"{number}")
            assert made.rows["publications"] - 6 == made.rows["publication_events"] - 20
            while written == seen and writer.is_alive():  # it kept nobody from writing
                time.sleep(0.001)
            assert written > seen
    finally:
        stop.set()
        writer.join()


def _local(session: Any) -> str:
    return str(session.connection().execute(text("select id from users")).scalar_one())


def spoiled(content: bytes) -> dict[str, bytes]:
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    return {"flipped": flipped, "cut": content[:middle], "short": content[:30], "empty": b"", "lengthened": content * 2}


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["plain", "sealed"])
@pytest.mark.parametrize("how", ["flipped", "cut", "short", "empty", "lengthened"])
def test_a_damaged_backup_is_told_and_changes_nothing(
    backups: dict[str | None, bytes], tmp_path: Path, passphrase: str | None, how: str
) -> None:
    file = tmp_path / "b"
    file.write_bytes(spoiled(backups[passphrase])[how])
    new = Settings(data=tmp_path / "new")
    if how == "lengthened" and passphrase is None:  # a tar ends where it ends
        return
    for attempt in (lambda: restoring.check(file, passphrase=passphrase), lambda: put_back(new, file, passphrase)):
        with pytest.raises(BackupRefused) as refused:
            attempt()
        assert refused.value.code in ("backup_damaged", "backup_unknown")
    assert nothing_was_left(new)


def nothing_was_left(settings: Settings) -> bool:
    names = {path.name for path in settings.data.rglob("*") if path.is_file()}
    return not {n for n in names if not n.startswith("vintedbot.db")} and not any(rows(settings).values())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: None, "backup_passphrase"),
        (lambda f: f.write_bytes(b"hello" * 1000), "backup_unknown"),
        (lambda f: f.unlink(), "backup_unknown"),
    ],
    ids=["wrong passphrase", "another file", "no file"],
)
def test_a_backup_that_cannot_be_opened_is_named(
    backups: dict[str | None, bytes], tmp_path: Path, change: Callable[[Path], Any], code: str
) -> None:
    file = tmp_path / "b"
    file.write_bytes(backups[PASSPHRASE])
    change(file)
    with pytest.raises(BackupRefused) as refused:
        put_back(Settings(data=tmp_path / "new"), file, "another passphrase")
    assert refused.value.code == code and "another passphrase" not in str(refused.value)


def test_newer_tables_than_ours_are_refused(filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "revision_of", lambda _: "9999")
    back_up(filled, tmp_path / "b")
    monkeypatch.undo()
    with pytest.raises(BackupRefused, match="Update VintedBot") as refused:
        put_back(Settings(data=tmp_path / "new"), tmp_path / "b")
    assert refused.value.code == "backup_too_new"


def test_an_installation_in_use_is_never_overwritten(filled: Settings, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "b")
    before = rows(filled), files(filled)
    with pytest.raises(BackupRefused) as refused:
        put_back(filled, tmp_path / "b")
    assert refused.value.code == "not_empty" and (rows(filled), files(filled)) == before
    with pytest.raises(BackupRefused, match="--overwrite"):
        back_up(filled, tmp_path / "b")


async def test_a_running_server_is_not_restored_under(settings: Settings, tmp_path: Path) -> None:
    async with running(settings, run_jobs=True, analyzer=ScriptedReader()):
        with pytest.raises(VintedBotError) as refused:
            await restore_backup(settings, tmp_path / "b", passphrase=None, progress=lambda *_: None)
        assert refused.value.code == "in_use"


@pytest.mark.parametrize("at", ["tables", "files"])
def test_a_restore_that_breaks_off_leaves_nothing_and_can_be_repeated(
    filled: Settings, tmp_path: Path, at: str
) -> None:
    back_up(filled, tmp_path / "b")
    new = Settings(data=tmp_path / "new")

    def break_off(what: str, done: int, of: int) -> None:
        if (what, done) == (at, 2):
            raise OSError(28, "No space left on device")

    with pytest.raises(SetupError, match=r"No space left.*Nothing was changed"):
        asyncio.run(restore_backup(new, tmp_path / "b", passphrase=None, progress=break_off))
    assert nothing_was_left(new)
    put_back(new, tmp_path / "b")
    assert files(new) == files(filled)


def test_files_a_killed_restore_left_are_accepted_and_others_are_not(filled: Settings, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "b")
    new = Settings(data=tmp_path / "new")
    photo = next(path for path in filled.photo_folder.rglob("*.jpg"))
    placed = new.photo_folder / photo.relative_to(filled.photo_folder)
    placed.parent.mkdir(parents=True)
    placed.write_bytes(b"another content")
    with pytest.raises(BackupRefused, match="1 files"):
        put_back(new, tmp_path / "b")
    placed.write_bytes(photo.read_bytes())
    put_back(new, tmp_path / "b")
    assert files(new) == files(filled)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_of_the_previous_tables_is_brought_up(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Made with the tables of an earlier version, with rows in them, and put back by this one."""
    old = Settings(data=tmp_path / "old")
    old.data.mkdir()
    url = request.getfixturevalue("postgres_url") if kind == "postgresql" else None
    with installation(old) as place:
        place.database.migrate("0004")
        with place.database.connection() as connection:
            rows_of_then = (
                "insert into users values ('u1', 'local', '2026-01-01 00:00:00')",
                "insert into batches (id, user_id, source, language, defaults, state, created_at, updated_at) values "
                "('b1', 'u1', '', 'fr', '{}', 'done', '2026-01-01 00:00:00.5', '2026-01-01 00:00:00')",
            )
            for statement in rows_of_then:
                connection.exec_driver_sql(statement)
    made = back_up(old, tmp_path / "b")
    assert made.schema == "0004" and made.missing == []
    new = Settings(data=tmp_path / "new", database_url=url)
    put_back(new, tmp_path / "b")
    found = rows(new)
    assert "photo_sights" in found and found["batches"][0]["created_at"] == "2026-01-01T00:00:00.500000"
    assert [row["id"] for row in found["users"]] == ["u1"]
    with installation(old) as place:  # and so are the old tables themselves, in their place
        place.database.migrate()
    for then, now in zip(rows(old).values(), found.values(), strict=True):
        assert [sorted(map(str, row)) for row in then] == [sorted(map(str, row)) for row in now]


def test_the_command_line_does_both(filled: Settings, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text(f"{PASSPHRASE}\n")
    file, new = tmp_path / "closet.backup", str(tmp_path / "new")
    made = run("backup", str(file), "--passphrase-file", str(secret), "--json")
    assert made["encrypted"] and made["rows"]["publications"] == 6 and made["keys"] == ["secret.key", "jwt.key"]
    assert file.stat().st_mode & 0o077 == 0
    key = (filled.data / "secret.key").read_bytes()
    assert key not in file.read_bytes()
    checked = run("restore", str(file), "--check", "--passphrase-file", str(secret), "--json")
    assert checked["checked_only"] and checked["rows"] == made["rows"] and not Path(new).exists()
    done = run("--data", new, "restore", str(file), "--passphrase-file", str(secret), "--json")
    assert done["files"] == made["files"] and done["aftermath"]["paused_accounts"] == 5
    assert (Path(new) / "secret.key").read_bytes() == key
    text_out = CliRunner().invoke(cli, ["--data", new, "backup", str(tmp_path / "plain")])
    assert "keep it as you" in text_out.stderr and PASSPHRASE not in text_out.output
    refused = run("--data", new, "restore", str(tmp_path / "plain"), "--json", code=1)
    assert refused["error"]["code"] == "not_empty"


def run(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    return json.loads(result.stdout)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_a_sealed_stream_of_any_length_comes_back(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    out = BytesIO()
    writer = SealingWriter(out, PASSPHRASE)
    for start in range(0, size, 300_000):
        writer.write(content[start : min(start + 300_000, size)])
    writer.close()
    sealed = out.getvalue()
    assert OpeningReader(BytesIO(sealed), PASSPHRASE).read() == content[:size]
    for bad in (sealed[:-1], sealed[: 43 + 16], sealed + sealed[43:]):
        if bad not in (sealed, b""):
            with pytest.raises(BackupRefused):
                OpeningReader(BytesIO(bad), PASSPHRASE).read()


def test_the_lone_user_is_the_one_every_start_makes() -> None:
    assert LOCAL_USER == "local"
