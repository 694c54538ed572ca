"""Notifications: told once an episode, sent once by whichever process, to a real mail server and a real webhook."""

import asyncio
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from aiosmtpd.controller import Controller
from fastapi import FastAPI, Request
from loguru import logger
from sqlmodel import Session, select
from tenacity import wait_none
from typer.testing import CliRunner

from backend.accounts import standing
from backend.cli import app as cli
from backend.core.errors import NotFound, SessionExpired, SetupError
from backend.core.texts import LANGUAGES
from backend.db.engine import Database
from backend.db.models import Account, Notification, Publication, User, now
from backend.notifications import mail, outbox, service
from backend.notifications.kinds import KINDS, OF_AN_ACCOUNT, kind_of, message
from backend.notifications.mail import Mailer, Server
from backend.notifications.outbox import Outbox
from backend.notifications.senders import parse_targets
from backend.preferences import change_preferences
from backend.runtime import Runtime, running
from backend.sandbox.loopback import serving
from backend.settings import Settings
from tests.fakes import ScriptedReader
from tests.integration.test_evidence import a_failed_publication

SECRET = "canary-hook-secret-0123"


class Hook:
    """A webhook that keeps what it is sent; `refuses` so many times first."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.refuses = 0
        self.app = FastAPI()

        @self.app.post("/{path:path}")
        async def take(request: Request) -> None:
            if self.refuses:
                self.refuses -= 1
                raise RuntimeError("not now")
            self.got.append({**(await request.json()), "path": request.url.path, "headers": dict(request.headers)})


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    with serving(made.app) as url:
        made.url = url.replace("http://", f"json://lea:{SECRET}@") + f"/{SECRET}"  # type: ignore[attr-defined]
        yield made


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, f"mailto://127.0.0.1:{port}?from=bot@example.org&to=lea@example.org&mode=insecure"
    server.stop()


@pytest.fixture
def user(database: Database, settings: Settings) -> str:
    with database.session() as session:
        row = User(name="marie")
        session.add(row)
        session.flush()
        return row.id


@pytest.fixture
def publication(database: Database, settings: Settings, user: str) -> str:
    return a_failed_publication(database, settings, user)


def told(database: Database) -> list[Notification]:
    with database.session() as session:
        return list(session.exec(select(Notification).order_by(Notification.created_at)))


def tell(database: Database, user: str, kind: Any, **about: Any) -> bool:
    with database.session() as session:
        return service.notify(session, user, kind, **about) is not None


def make_due(database: Database) -> None:
    """What waits for its next go may be sent at once."""
    with database.session() as session:
        for row in session.exec(select(Notification)):
            row.send_after = now()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_its_words_and_fills_them(language: str) -> None:
    detail = {"title": "Robe {x}", "account": "lea", "site": "vinted.fr", "reason": "Perdu.", "count": 2, "ready": 1}
    for kind in KINDS:
        said = message(kind, detail, language)
        assert said.title and said.body and "–" not in said.title + said.body, kind
    assert "Robe {x}" in message("failed", detail, language).title
    assert "–" in message("failed", {}, language).title


def test_every_error_leads_to_a_kind() -> None:
    assert {kind_of(code) for code in ("challenge", "session_expired", "address_banned", "uncertain", "timeout")} == {
        "challenge", "session", "restricted", "uncertain", "failed",
    }  # fmt: skip


def test_the_same_is_told_once_and_a_new_episode_again(database: Database, user: str, publication: str) -> None:
    assert tell(database, user, "failed", publication_id=publication, reason="slow")
    assert not tell(database, user, "failed", publication_id=publication, reason="slow again")
    assert tell(database, user, "uncertain", publication_id=publication)
    with database.session() as session:
        session.get_one(Publication, publication).run += 1
    assert tell(database, user, "failed", publication_id=publication)
    first = told(database)[0]
    assert first.detail["title"] == "Robe" and first.detail["reason"] == "slow" and first.account_id
    with pytest.raises(ValueError, match="episode"):
        tell(database, user, "done_batch")
    assert tell(database, user, "done_batch", episode="b1", count=3) and not tell(
        database, user, "done_batch", episode="b1"
    )


def test_an_accounts_trouble_is_told_once_until_it_was_ready_again(
    database: Database, user: str, publication: str
) -> None:
    with database.session() as session:
        account_id = session.get_one(Publication, publication).account_id
    again: list[bool] = []
    for _ in range(2):
        with database.session() as session:
            standing.note_trouble(session, user, account_id, SessionExpired("gone"))
        again += [tell(database, user, "session", publication_id=publication) for _ in range(2)]
        with database.session() as session:
            standing.became_ready(session, session.get_one(Account, account_id))
    assert again == [True, False, True, False]
    assert {"session", "wrong_account", "restricted"} == OF_AN_ACCOUNT


def test_nobody_sees_anothers(database: Database, user: str, publication: str) -> None:
    tell(database, user, "failed", publication_id=publication)
    with database.session() as session:
        other = User(name="paul")
        session.add(other)
        session.flush()
        assert service.notifications_of(session, other.id) == [] and service.count_unseen(session, other.id) == 0
        assert service.mark_all_seen(session, other.id) == 0 and service.count_unseen(session, user) == 1
        with pytest.raises(NotFound):
            service.mark_seen(session, other.id, told_in(session))
        with pytest.raises(NotFound):
            service.notify(session, other.id, "failed", publication_id=publication)


def told_in(session: Session) -> str:
    return session.exec(select(Notification)).one().id


async def test_each_is_sent_once_by_one_of_two_processes(database: Database, user: str, hook: Hook) -> None:
    for n in range(12):
        tell(database, user, "done_batch", episode=f"b{n}", count=n, ready=0)
    targets = parse_targets(hook.url)  # type: ignore[attr-defined]
    second = Database(database.url)
    boxes = [Outbox(each, targets, language="en", wait=wait_none()) for each in (database, second)]
    sent = await asyncio.gather(*(box.deliver() for box in boxes))
    assert sum(sent) == 12
    assert sorted(got["message"] for got in hook.got) == sorted(
        f"{n} drafts are there, 0 of them ready." for n in range(12)
    )
    assert all(row.sent_at is not None and row.sends == 1 for row in told(database))
    second.close()


async def test_a_refusal_is_tried_again_and_a_dead_target_holds_up_nothing(
    database: Database, user: str, hook: Hook
) -> None:
    tell(database, user, "done_batch", episode="b", count=1, ready=1)
    hook.refuses = 2
    dead = f"json://lea:{SECRET}@127.0.0.1:9/{SECRET}?+X-Token={SECRET}"
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="TRACE")
    box = Outbox(database, parse_targets(f"{dead} {hook.url}"), language="fr", wait=wait_none())  # type: ignore[attr-defined]
    assert await box.deliver() == 1
    logger.remove(sink)
    assert [got["title"] for got in hook.got] == ["Vos photos sont lues"]
    [refused] = [line for line in lines if "notification_refused" in line]
    assert "json://127.0.0.1" in refused and SECRET not in "".join(lines)
    make_due(database)
    assert await box.deliver() == 0 and len(hook.got) == 1, "not again to the one that took it"


async def test_a_recipient_that_was_away_gets_it_later_and_nobody_twice(
    database: Database, user: str, hook: Hook, mailbox: tuple[Mailbox, str]
) -> None:
    """The operator's target takes it at once; the user's own mail server is away meanwhile."""
    box, address = mailbox
    port = urlsplit(address).port
    assert port is not None
    with database.session() as session:
        session.get_one(User, user).email = "lea@example.org"
        change_preferences(session, user, {"mail": True})
    tell(database, user, "done_batch", episode="b", count=1, ready=1)
    targets = parse_targets(hook.url)  # type: ignore[attr-defined]

    def outbox_by(at: int) -> Outbox:
        mailer = Mailer(Server("127.0.0.1", at, "", "", implicit=False), "bot@example.org", wait=wait_none())
        return Outbox(database, targets, language="en", mailer=mailer, wait=wait_none())

    assert await outbox_by(9).deliver() == 1
    assert (len(hook.got), len(box.mails)) == (1, 0)
    for _ in range(2):
        make_due(database)
        await outbox_by(port).deliver()
    assert (len(hook.got), len(box.mails)) == (1, 1)
    assert [row.sent_at is not None for row in told(database)] == [True]


async def test_one_odd_address_sends_nothing_twice_to_the_others(
    database: Database, user: str, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two people, one has an address no letter can be written to, one a mailer that fails as nobody foresaw."""
    mailer = Mailer(Server("127.0.0.1", 9, "", "", implicit=False), "bot@example.org", wait=wait_none())
    monkeypatch.setattr(mailer, "_connected", _unforeseen)
    with database.session() as session:
        for person in (session.get_one(User, user), User(name="paul")):
            person.email = "[a@x.org" if person.id == user else "paul@example.org"
            session.add(person)
            session.flush()
            change_preferences(session, person.id, {"mail": True})
            service.notify(session, person.id, "done_batch", episode="b", count=1, ready=1)
    targets = parse_targets(hook.url)  # type: ignore[attr-defined]
    box = Outbox(database, targets, language="en", mailer=mailer, wait=wait_none())
    assert await box.deliver() == 2
    for _ in range(outbox.MOST_SENDS):
        make_due(database)
        assert await box.deliver() == 0
    assert len(hook.got) == 2
    assert all(row.sent_at is not None and row.sends == outbox.MOST_SENDS for row in told(database))
    assert await box.test(user) == {"1. mail": False}


def _unforeseen() -> Any:
    raise LookupError("nobody thought of that")


async def test_what_nobody_took_is_sent_later_and_old_news_never(database: Database, user: str, hook: Hook) -> None:
    tell(database, user, "done_batch", episode="old")
    tell(database, user, "done_batch", episode="new")
    with database.session() as session:
        for row in session.exec(select(Notification)):
            row.created_at = now() - timedelta(days=2) if row.episode.endswith("old") else row.created_at
    box = Outbox(database, parse_targets(hook.url), language="en", wait=wait_none())  # type: ignore[attr-defined]
    hook.refuses = mail.TRIES
    assert await box.deliver() == 0
    [row] = [row for row in told(database) if row.sends]
    assert row.sent_at is None and row.send_after > now() + timedelta(minutes=4), "not at once again"
    make_due(database)
    assert await box.deliver() == 1 and len(hook.got) == 1


async def test_mail_arrives_while_the_runtime_runs(
    settings: Settings, reader: ScriptedReader, mailbox: tuple[Mailbox, str]
) -> None:
    box, address = mailbox
    async with running(
        Settings(data=settings.data, notify=address, language="fr"), run_jobs=True, analyzer=reader
    ) as runtime:
        publication = a_failed_publication(runtime.database, settings, runtime.user_id)
        await runtime.database.run(service.notify, runtime.user_id, "uncertain", publication_id=publication)
    [mail] = box.mails  # sent by the time it has ended
    assert str(make_header(decode_header(mail["Subject"]))).split() == ["À", "vérifier", ":", "Robe"]
    text = next(part for part in mail.walk() if part.get_content_maintype() == "text").get_payload(decode=True).decode()
    assert "n’est renvoyé de soi-même" in text


def test_a_bad_address_is_named_by_number_alone() -> None:
    with pytest.raises(SetupError, match="number 2") as refused:
        parse_targets(f"json://127.0.0.1/a, nonsense://{SECRET}")
    assert SECRET not in str(refused.value)
    assert [t.name for t in parse_targets(f"json://u:{SECRET}@h.example/p, discord://{SECRET * 2}/{SECRET * 3}")] == [
        "json://h.example", "discord://…",
    ]  # fmt: skip


async def test_the_api_lists_counts_and_marks(client: httpx.AsyncClient, settings: Settings) -> None:
    runtime: Runtime = client.runtime  # type: ignore[attr-defined]
    publication = a_failed_publication(runtime.database, settings, runtime.user_id)
    for kind in ("failed", "uncertain"):
        tell(runtime.database, runtime.user_id, kind, publication_id=publication, reason="It was slow.")
    at = "/api/v1/notifications"
    found = (await client.get(at)).json()
    assert found["unseen"] == 2 and [n["kind"] for n in found["notifications"]] == ["uncertain", "failed"]
    assert found["notifications"][1]["title"] == "Not published: Robe"
    first = found["notifications"][0]["id"]
    assert (await client.post(f"{at}/{first}/seen")).json()["seen_at"]
    assert (await client.post(f"{at}/nobody/seen")).status_code == 404
    left = (await client.get(at, params={"unseen": True, "limit": 1})).json()
    assert left["unseen"] == 1 and left["notifications"][0]["kind"] == "failed"
    assert (await client.post(f"{at}/seen")).json() == {"marked": 1}
    assert (await client.get(at, params={"limit": 0})).json() == {"unseen": 0, "notifications": []}


def test_the_command_line_lists_and_tests(tmp_path: Path, hook: Hook) -> None:
    def invoke(*arguments: str, notify: str = "") -> Any:
        return CliRunner().invoke(cli, ["notifications", *arguments], env={"VINTEDBOT_NOTIFY": notify or None})

    assert "Nothing to tell" in invoke().stdout and json.loads(invoke("--json").stdout) == []
    assert invoke("test").exit_code == 4
    sent = invoke("test", "--json", notify=hook.url)  # type: ignore[attr-defined]
    assert sent.exit_code == 0 and json.loads(sent.stdout) == {"1. json://127.0.0.1": True}
    assert hook.got[0]["title"] == "VintedBot peut vous joindre"
    dead = invoke("test", notify=f"json://u:{SECRET}@127.0.0.1:9/{SECRET}")
    assert dead.exit_code == 5 and "refused" in dead.stdout and SECRET not in dead.output + dead.stderr
