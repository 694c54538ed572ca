"""What an operator sees of a running VintedBot: metrics of every process, one story of a publication, request ids."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event, text
from sqlmodel import Session

from backend.app import create_app, create_watch_app
from backend.cli.logs import logs as logs_command
from backend.db.engine import Database
from backend.db.models import Account, Publication, User
from backend.publications.journal import State
from backend.runtime import Runtime, running
from backend.settings import Settings
from backend.spending.ledger import Budget
from backend.watch import readings, story
from tests.conftest import DrawPhoto
from tests.fakes import ScriptedReader, add_publication, publication_row


class Engine:
    somebody_works, lag = True, 0.5


def test_gauges_say_what_the_tables_say(database: Database, tmp_path: Path) -> None:
    row = publication_row(database)
    with database.session() as session:
        owner = session.get_one(Account, row.account_id)
        add_publication(session, owner, state="needs_person", error_code="uncertain")
        add_publication(session, owner, state="needs_person", error_code="challenge")
        add_publication(session, owner).state = "of another version"
    now = readings.read(database, tmp_path, Engine(), Budget(day=2_500_000))
    assert now.publish_queue_size == 1
    assert now.publications["needs_person"] == 2
    assert now.publications["other"] == 1
    assert set(now.publications) == {*map(str, State), "other"}
    assert now.accounts["ready"] == 1
    assert now.drafts["open"] == 4
    assert now.publish_in_doubt == 1
    assert now.publish_queue_oldest_seconds > 0
    assert now.challenge_oldest_seconds > 0
    assert (now.model_day_budget_dollars, now.executors_alive, now.engine_lag_seconds) == (2.5, 1, 0.5)
    assert now.database_bytes
    assert now.disk_free_bytes
    assert len(now.user_ids) == 1


def test_active_users_are_who_may_sign_in_and_has_an_account_here(database: Database, tmp_path: Path) -> None:
    publication_row(database)
    with database.session() as session:
        for name, state, removed in (
            ("paul", "suspended", None),
            ("lea", "active", datetime.now(UTC)),
            ("jo", "active", None),
        ):
            user = User(name=name, state=state)
            session.add(user)
            session.flush()
            for n in range(2):
                site = f"http://127.0.0.1:{n}"
                session.add(Account(user_id=user.id, username=name, base_url=site, removed_at=removed))
        session.add(User(name="without"))
    assert readings.read(database, tmp_path, Engine(), Budget()).active_users == 2


def test_a_scrape_reads_no_table_from_end_to_end(tmp_path: Path) -> None:
    """Whatever the history, its cost is that of an index: SQLite's own plan of each query says so."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    database.migrate()
    publication_row(database)
    asked: list[tuple[str, object]] = []
    event.listen(database.reading, "before_cursor_execute", lambda c, cu, sql, args, *_: asked.append((sql, args)))
    readings.read(database, tmp_path, Engine(), Budget())
    queries = [(sql, args) for sql, args in asked if sql.lstrip().upper().startswith("SELECT")]
    assert 8 <= len(queries) <= 16
    with database.engine.connect() as connection:
        for sql, args in queries:
            plan = [row[3] for row in connection.exec_driver_sql(f"explain query plan {sql}", args)]
            scanned = [step for step in plan if step.startswith("SCAN") and "USING" not in step]
            assert all(re.search(r"SCAN (accounts|users)\b", step) for step in scanned), (sql, plan)
    database.close()


def test_a_scrape_neither_waits_for_a_writer_nor_holds_one_up(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    database.migrate()
    with database.session() as writer:
        writer.connection().execute(text("update users set name = name"))
        readings.read(database, tmp_path, Engine(), Budget())
    with database.glance(), database.session() as writer:
        writer.connection().execute(text("update users set name = name"))
    database.close()


async def test_an_answer_names_its_request_and_the_job_carries_it(
    settings: Settings, reader: ScriptedReader, draw_photo: DrawPhoto
) -> None:
    photo = draw_photo("a.jpg")
    app = create_app(settings, run_jobs=True, analyzer=reader)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            files = {"files": ("a.jpg", photo.read_bytes())}
            answer = await client.post("/api/v1/ingest", files=files, headers={"X-Request-ID": "mine-1"})
            assert answer.headers["X-Request-ID"] == "mine-1"
            batch = answer.json()["batch_id"]
            runtime: Runtime = app.state.runtime
            await until_done(client, batch)
            metrics = (await client.get("/metrics")).text
    assert 'route="/api/v1/ingest",status="2xx"' in metrics
    assert runtime.settings.log_folder.is_dir()
    told = [line for line in story.kept_lines(settings.log_folder) if line.get("request") == "mine-1"]
    assert [line["event"] for line in told if line["event"].startswith(("batch", "request"))] == [
        "request_answered",
        "batch_begun",
        "batch_read",
    ]
    assert {line["batch"] for line in told if "job" in line} == {batch}


async def test_a_request_that_crashes_is_counted_told_and_found_by_its_id(
    settings: Settings, reader: ScriptedReader
) -> None:
    app = create_app(settings, run_jobs=False, analyzer=reader)

    @app.get("/crash/{kind}")
    async def crash(kind: str) -> None:
        raise ZeroDivisionError(kind)

    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.get("/crash/badly", headers={"X-Request-ID": "mine-2"})
            metrics = (await client.get("/metrics")).text
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (500, "mine-2")
    assert 'vintedbot_http_request_duration_seconds_count{method="GET",route="other",status="5xx"}' in metrics
    (told,) = [line for line in story.kept_lines(settings.log_folder) if line.get("request") == "mine-2"]
    assert told["event"] == "request_crashed"
    assert "ZeroDivisionError: badly" in told["exception"]


async def until_done(client: httpx.AsyncClient, batch: str) -> None:
    async with asyncio.timeout(200):
        while (await client.get(f"/api/v1/bulk/jobs/{batch}")).json()["state"] != "done":
            await asyncio.sleep(0.05)


async def test_a_worker_answers_metrics_and_health_and_nothing_else(runtime: Runtime) -> None:
    app = create_watch_app(runtime)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert "vintedbot_publish_queue_size 0.0" in (await client.get("/metrics")).text
        assert (await client.get("/health")).json()["status"] == "ok"
        assert (await client.get("/api/v1/drafts")).status_code == 404
    elsewhere = httpx.ASGITransport(app, client=("10.0.0.9", 50000))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://10.0.0.1") as client:
        assert (await client.get("/metrics")).status_code == 404


def test_a_publication_s_story_is_its_journal_its_lines_and_its_request(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINTEDBOT_DATA", str(settings.data))

    async def made() -> Publication:
        async with running(settings, run_jobs=False) as runtime:
            return await runtime.database.run(_publication_of, runtime.user_id)

    row = asyncio.run(made())
    at = row.created_at.replace(microsecond=0)
    kept = [
        {"at": f"{at:%Y-%m-%dT%H:%M:%S}.000Z", "level": "INFO", "event": "request_answered", "request": "r1"},
        {"at": "2999-01-01T00:00:00.000Z", "level": "INFO", "event": "step_begun", "publication": row.id},
        {"at": "2999-01-01T00:00:01.000Z", "level": "INFO", "event": "step_begun", "publication": "another"},
        {"at": "2999-01-01T00:00:02.000Z", "level": "INFO", "event": "request_answered", "request": "r2"},
    ]
    (settings.log_folder / "2999-01-01.jsonl").write_text("\n".join(map(json.dumps, kept)) + '\n{"at": "cut o')
    logs_command(row.id[:6], None, None, "INFO", None, False, 100, True)
    told = json.loads(capsys.readouterr().out)
    assert [(line["event"], line["level"]) for line in told] == [
        ("request_answered", "INFO"),
        ("queued", "JOURNAL"),
        ("step_begun", "INFO"),
    ]


def test_following_gives_what_came_since_and_no_line_half_written(tmp_path: Path) -> None:
    places: dict[Path, int] = {}
    file = tmp_path / "2026-11-25.jsonl"
    first, second = (json.dumps({"at": "2026-11-25T10:00:00.000Z", "event": event}) for event in ("first", "second"))
    file.write_text(f"{first}\nbroken\n{second[:20]}")
    assert [line["event"] for line in story.kept_lines(tmp_path, places=places)] == ["first"]
    assert [*story.kept_lines(tmp_path, places=places)] == []
    file.write_text(f"{first}\nbroken\n{second}\n")
    assert [line["event"] for line in story.kept_lines(tmp_path, places=places)] == ["second"]


def _publication_of(session: Session, user_id: str) -> Publication:
    account = Account(user_id=user_id, username="marie", base_url="http://127.0.0.1:9", state="ready")
    session.add(account)
    session.flush()
    return add_publication(session, account, origin={"request": "r1"})


@pytest.mark.timeout(240)
def test_each_process_serves_its_own_counts_and_the_same_gauges_after_a_restart_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`serve` and `worker` on one set of tables: two targets to scrape."""
    monkeypatch.setenv("VINTEDBOT_DATA", str(settings.data))
    asyncio.run(_queue_one_that_waits(settings))
    with _process("serve", "--port", "0", "--no-jobs") as server, _process("worker", "--port", "0") as worker:
        for address, jobs_run_there in ((server, False), (worker, True)):
            page = _scrape(address)
            assert "vintedbot_publish_queue_size 1.0" in page
            assert "vintedbot_executors_alive 1.0" in page or not jobs_run_there
            assert ("vintedbot_engine_lag_seconds" in page) == jobs_run_there
        asked = 'vintedbot_http_request_duration_seconds_count{method="GET",route="/metrics",status="2xx"}'
        assert f"{asked} 1.0" in _scrape(server)
    with _process("serve", "--port", "0", "--no-jobs") as again:
        page = _scrape(again)
        assert "vintedbot_publish_queue_size 1.0" in page, "a gauge is what the tables say"
        assert "vintedbot_executors_alive 0.0" in page
        assert asked not in page, "a counter begins anew, as Prometheus expects"


async def _queue_one_that_waits(settings: Settings) -> None:
    """A publication of an account that is not signed in: nobody begins it."""
    async with running(settings, run_jobs=False) as runtime:
        row = await runtime.database.run(_publication_of, runtime.user_id)

        def sign_out(session: Session) -> None:
            session.get_one(Account, row.account_id).state = "no_session"

        await runtime.database.run(sign_out)


@contextmanager
def _process(*arguments: str) -> Iterator[str]:
    """The address at which a process of its own answers meanwhile."""
    command = [sys.executable, "-c", "from backend.cli import main; main()", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()
            process.wait(60)


def _address(process: "subprocess.Popen[str]") -> str:
    """Where it says it listens."""
    assert process.stderr is not None
    said = ""
    while line := process.stderr.readline():
        said += line.strip()
        if found := re.search(r"http://127\.0\.0\.1:\d+", said):
            return found[0]
    raise AssertionError(said)


def _scrape(address: str) -> str:
    answer = httpx.Client(transport=httpx.HTTPTransport(retries=20)).get(f"{address}/metrics", timeout=60)
    assert answer.status_code == 200
    return answer.text
