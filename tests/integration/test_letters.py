"""Letters about one's own user, by a real SMTP server on this machine: a new password, a new address, notifications."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from fastapi import FastAPI
from sqlmodel import select
from tenacity import wait_none

from backend.api.limits import GrowingDelay
from backend.app import create_app
from backend.core.errors import SetupError
from backend.db.models import Account, AuditEvent, User, UserLink
from backend.notifications.kinds import Message
from backend.notifications.mail import Mailer, Server, parse_server
from backend.notifications.service import notify
from backend.preferences import change_preferences
from backend.settings import Settings
from backend.users import letters as letters_module
from tests.people import PASSWORD, UNHURRIED, bearer, browser, new_user, send, visitor, words_of

pytestmark = pytest.mark.usefixtures("quick_hashes")
NEW = "velvet teapot seven oceans"
ADDRESS = "https://closet.example"


class Box:
    """What the server took. `refuses` answers every letter with a fault that passes."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.tried = 0
        self.refuses = False
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.tried += 1
        if self.refuses:
            return "451 Try later"
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        assert [letter["To"]] == envelope.rcpt_tos
        self.letters.append(letter)
        return "250 OK"

    async def arrived(self, count: int) -> list[EmailMessage]:
        async with asyncio.timeout(60):
            while len(self.letters) < count:
                await asyncio.sleep(0.02)
        return self.letters


def _only_marie(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    assert isinstance(given, LoginPassword)
    right = given.login == b"closet" and given.password == b"s3cret/pass"
    return AuthResult(success=right, handled=False)


@pytest.fixture
def box() -> Iterator[Box]:
    box = Box()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        box.port = probe.getsockname()[1]
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, authenticator=_only_marie, auth_require_tls=False, auth_required=True
    )
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
async def app(box: Box, settings: Settings) -> AsyncIterator[FastAPI]:
    smtp = f"smtp://closet:s3cret%2Fpass@127.0.0.1:{box.port}"
    more = {**UNHURRIED, "smtp": smtp, "mail_from": "VintedBot <closet@closet.example>", "address": ADDRESS + "/"}
    app = create_app(Settings(**{**settings.model_dump(), **more}), run_jobs=False)  # type: ignore[arg-type]
    async with app.router.lifespan_context(app):
        await new_user(app.state.runtime, "marie", email="marie@closet.example")
        await new_user(app.state.runtime, "paul")
        yield app


def link_in(letter: EmailMessage, page: str) -> str:
    found = re.search(rf"{ADDRESS}/{page}\?link=(\S+)", letter.get_content())
    assert found, letter.get_content()
    return found[1]


async def rows(app: FastAPI, table: Any, *where: Any) -> list[Any]:
    return await app.state.runtime.database.run(lambda s: list(s.exec(select(table).where(*where))))


async def test_a_forgotten_password_is_chosen_anew_by_a_letter_once(app: FastAPI, box: Box) -> None:
    async with browser(app, "marie") as before, browser(app) as stranger:
        assert 'href="/forgotten"' in (await stranger.get("/sign-in")).text
        asked = await send(stranger, "/forgotten", name="Marie@closet.example")
        assert asked.status_code == 200
        [letter] = await box.arrived(1)
        assert (letter["To"], letter["From"]) == ("marie@closet.example", "VintedBot <closet@closet.example>")
        secret = link_in(letter, "reset")
        [row] = await rows(app, UserLink)
        assert row.secret_hash != secret and secret not in repr(row)
        assert row.expires_at - row.created_at == timedelta(hours=1)
        done = await send(stranger, "/reset", link=secret, password=NEW)
        assert done.headers["location"] == "/sign-in?said=password_reset"
        assert (await send(stranger, "/reset", link=secret, password=NEW + "!")).status_code == 404, "it is used"
        assert (await before.get("/drafts")).status_code == 303, "every session is over"
        app.state.limits.logins = GrowingDelay()
        assert (await send(stranger, "/sign-in", name="marie", password=NEW)).status_code == 303


async def test_the_answer_is_the_same_whoever_is_asked_for(app: FastAPI, box: Box) -> None:
    runtime = app.state.runtime
    suspended = await new_user(runtime, "eve", email="eve@closet.example")
    await runtime.people.change(suspended.id, state="suspended")
    async with browser(app) as stranger, visitor(app) as program:
        pages, answers = set(), set()
        for name in ("marie", "paul", "nobody", "eve", "nobody@closet.example", "marie\r\nBcc: x@y.example"):
            pages.add(re.sub(r'name="token" value="[^"]*"', "", (await send(stranger, "/forgotten", name=name)).text))
            answer = await program.post("/api/v1/auth/forgotten", json={"name": name})
            answers.add((answer.status_code, answer.text))
        assert len(pages) == len(answers) == 1
    await runtime.letters.aclose()
    assert [letter["To"] for letter in box.letters] == ["marie@closet.example"] * 2, "twice asked for, by page and API"


async def test_nobody_is_plagued_with_letters(app: FastAPI, box: Box) -> None:
    for _ in range(letters_module.MOST_AN_HOUR + 3):
        app.state.runtime.letters.ask_for_reset("marie")
        await box.arrived(1)
    await app.state.runtime.letters.aclose()
    assert len(box.letters) == letters_module.MOST_AN_HOUR


async def test_asking_for_letters_ends_no_pause_of_a_guesser(app: FastAPI) -> None:
    guess = {"name": "marie", "password": "guess"}
    async with visitor(app) as guesser:
        for n in range(GrowingDelay.FREE):
            assert (await guesser.post("/api/v1/auth/sign-in", json=guess)).status_code == 401
            if n < GrowingDelay.FREE - 1:
                asked = await guesser.post("/api/v1/auth/forgotten", json={"name": "nobody"})
                assert asked.status_code == 202
        refused = await guesser.post("/api/v1/auth/sign-in", json=guess)
        assert (refused.status_code, refused.json()["code"]) == (429, "login_delayed")


async def test_nobody_is_plagued_with_confirmations(app: FastAPI, box: Box) -> None:
    async with browser(app, "paul") as paul:
        for n in range(letters_module.MOST_AN_HOUR + 2):
            answer = await send(paul, "/security/email", email=f"victim{n}@b.example", current=PASSWORD)
            assert answer.status_code == 303
    await app.state.runtime.letters.aclose()
    assert len(box.letters) == letters_module.MOST_AN_HOUR


async def test_a_link_runs_out(app: FastAPI, box: Box) -> None:
    app.state.runtime.letters.ask_for_reset("marie")
    [letter] = await box.arrived(1)

    def an_hour_passes(session: Any) -> None:
        for row in session.exec(select(UserLink)):
            row.expires_at = datetime.now(UTC) - timedelta(seconds=1)

    await app.state.runtime.database.run(an_hour_passes)
    async with visitor(app) as program:
        body = {"link": link_in(letter, "reset"), "password": NEW}
        answer = await program.post("/api/v1/auth/reset", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "link_over")


async def test_a_new_address_holds_once_it_is_confirmed(app: FastAPI, box: Box) -> None:
    async with browser(app, "marie") as marie, browser(app) as elsewhere:
        wrong = await send(marie, "/security/email", email="new@closet.example", current="wrong")
        assert wrong.status_code == 403
        asked = await send(marie, "/security/email", email="new@closet.example", current=PASSWORD)
        assert asked.headers["location"] == "/security?said=email_asked"
        found = {letter["To"]: letter for letter in await box.arrived(2)}
        assert set(found) == {"marie@closet.example", "new@closet.example"}
        assert "link=" not in found["marie@closet.example"].get_content(), "a notice, no way in"
        [marie_row] = await rows(app, User, User.name == "marie")
        assert marie_row.email == "marie@closet.example", "not yet"
        secret = link_in(found["new@closet.example"], "email")
        shown = await elsewhere.get(f"/email?link={secret}")
        assert shown.status_code == 200
        assert (await rows(app, User, User.name == "marie"))[0].email == "marie@closet.example", "a look is no yes"
        app.state.runtime.letters.ask_for_reset("marie")
        old = link_in((await box.arrived(3))[-1], "reset")
        assert (await send(elsewhere, "/email", link=secret)).headers["location"] == "/sign-in?said=email_changed"
        assert (await rows(app, User, User.name == "marie"))[0].email == "new@closet.example"
        assert (await send(elsewhere, "/email", link=secret)).status_code == 404
        assert (await send(elsewhere, "/reset", link=old, password=NEW)).status_code == 404, "the old address's letter"
    actions = {event.action for event in await rows(app, AuditEvent)}
    assert {"link.email", "link.reset", "user.email_changed"} <= actions


@pytest.mark.parametrize("way", ["password", "everywhere", "suspended", "called_off"])
async def test_an_address_somebody_else_asked_for_is_called_off(app: FastAPI, box: Box, way: str) -> None:
    people, letters = app.state.runtime.people, app.state.runtime.letters
    [marie] = await rows(app, User, User.name == "marie")
    await new_user(app.state.runtime, "lea")
    await people.change((await rows(app, User, User.name == "lea"))[0].id, role="admin")
    assert await letters.ask_for_email(marie.id, "thief@closet.example")
    await box.arrived(2)
    [letter] = [letter for letter in box.letters if letter["To"] == "thief@closet.example"]
    match way:
        case "password":
            await people.set_password(marie.id, NEW)
        case "everywhere":
            await people.end_everything(marie.id)
        case "suspended":
            await people.change(marie.id, state="suspended")
            await people.change(marie.id, state="active")
        case _:
            assert not await letters.ask_for_email(marie.id, "Marie@closet.example")
    async with visitor(app) as thief:
        answer = await thief.post("/api/v1/auth/email", json={"link": link_in(letter, "email")})
        assert (answer.status_code, answer.json()["code"]) == (404, "link_over")
    assert (await rows(app, User, User.name == "marie"))[0].email == "marie@closet.example"


async def test_an_address_of_somebody_elses_is_not_told(app: FastAPI, box: Box) -> None:
    async with visitor(app, **await bearer(app.state.runtime, "paul")) as paul:
        answers = []
        for email in ("marie@closet.example", "free@closet.example"):
            answer = await paul.put("/api/v1/me/email", json={"email": email, "password": PASSWORD})
            answers.append((answer.status_code, answer.json()["to_be_confirmed"], answer.json()["email"]))
        assert answers == [(200, True, None)] * 2
        for none in ("no address", "[a@x.org", "a..b@x.org", "a,b@x.org", "a=\\@[.(_"):
            bad = await paul.put("/api/v1/me/email", json={"email": none, "password": PASSWORD})
            assert bad.json()["code"] == "bad_email", none
    await app.state.runtime.letters.aclose()
    assert [letter["To"] for letter in box.letters] == ["free@closet.example"]
    [link] = await rows(app, UserLink, UserLink.email == "free@closet.example")
    async with visitor(app) as program:
        secret = link_in(box.letters[0], "email")
        confirmed = await program.post("/api/v1/auth/email", json={"link": secret})
        assert confirmed.json()["email"] == "free@closet.example"
        assert (await program.post("/api/v1/auth/reset", json={"link": secret, "password": NEW})).status_code == 404
    assert link.email == "free@closet.example"


async def test_ones_own_old_address_does_not_tell_whether_another_is_known(app: FastAPI, box: Box) -> None:
    lea = await new_user(app.state.runtime, "lea", email="lea@closet.example")
    [marie] = await rows(app, User, User.name == "marie")
    letters, seen = app.state.runtime.letters, []
    for user, wanted in ((lea, "marie@closet.example"), (marie, "free@closet.example")):
        for _ in range(letters_module.MOST_AN_HOUR + 1):
            assert await letters.ask_for_email(user.id, wanted)
        await letters.aclose()
        notices = [letter for letter in box.letters if letter["To"] == user.email]
        mine = await rows(app, UserLink, UserLink.user_id == user.id)
        audited = await rows(app, AuditEvent, AuditEvent.user_id == user.id, AuditEvent.action == "link.email")
        seen.append((len(notices), len(mine), sum(link.used_at is None for link in mine), len(audited)))
    most = letters_module.MOST_AN_HOUR
    assert seen == [(most, most, 1, most)] * 2
    assert sum("link=" in letter.get_content() for letter in box.letters) == most, "to the free address alone"


async def test_an_address_taken_away_is_told_to_it(app: FastAPI, box: Box) -> None:
    async with browser(app, "marie") as marie:
        await send(marie, "/security/email", email="", current=PASSWORD)
    [letter] = await box.arrived(1)
    assert letter["To"] == "marie@closet.example"
    assert (await rows(app, User, User.name == "marie"))[0].email is None


async def test_notifications_go_to_whoever_wants_them_in_their_language(app: FastAPI, box: Box) -> None:
    runtime = app.state.runtime
    async with browser(app, "marie") as marie:
        page = await send(marie, "/settings/notifications", mail="1")
        assert page.headers["location"] == "/settings/notifications?said=saved"
        tested = words_of(await send(marie, "/settings/notifications/test"))
        assert "1. mail : sent" in tested
    await box.arrived(1)

    def something_happens(session: Any) -> None:
        for user in session.exec(select(User)):
            account = Account(
                user_id=user.id, username=user.name, base_url="http://127.0.0.1:9", state="session_expired"
            )
            session.add(account)
            session.flush()
            notify(session, user.id, "session", account_id=account.id)
            if user.name == "marie":
                change_preferences(session, user.id, {"language": "en"})

    await runtime.database.run(something_happens)
    assert await runtime.outbox.deliver() == 1, "paul has no address and wants none"
    letter = (await box.arrived(2))[-1]
    assert (letter["To"], "marie" in letter.get_content()) == ("marie@closet.example", True)
    assert await runtime.outbox.deliver() == 0


async def test_who_registers_has_their_address_once_it_is_confirmed(app: FastAPI, box: Box) -> None:
    app.state.runtime.people.registration = "open"
    async with visitor(app) as program, browser(app) as stranger:
        wanted = {"name": "zoe", "password": NEW, "email": "zoe@closet.example"}
        made = await program.post("/api/v1/auth/register", json=wanted)
        assert (made.status_code, made.json()["email"]) == (201, None)
        [letter] = await box.arrived(1)
        assert letter["To"] == "zoe@closet.example"
        bad = await program.post("/api/v1/auth/register", json={**wanted, "name": "yan", "email": "[a@x.org"})
        assert bad.json()["code"] == "bad_email" and not await rows(app, User, User.name == "yan")
        known = await send(stranger, "/register", name="eve", email="marie@closet.example", password=NEW)
        free = await send(stranger, "/register", name="ann", email="ann@closet.example", password=NEW)
        none = await send(stranger, "/register", name="ida", email="", password=NEW)
        told = [answer.headers["location"].partition("said=")[2] for answer in (known, free, none)]
        assert told == ["registered_email", "registered_email", "registered"], "whose address it is, is not told"
        confirmed = await program.post("/api/v1/auth/email", json={"link": link_in(letter, "email")})
        assert confirmed.json()["email"] == "zoe@closet.example"
    await app.state.runtime.letters.aclose()
    assert [letter["To"] for letter in box.letters] == ["zoe@closet.example", "ann@closet.example"]


async def test_tests_of_notifications_are_few(app: FastAPI, box: Box) -> None:
    async with browser(app, "marie") as marie:
        await send(marie, "/settings/notifications", mail="1")
        for _ in range(3):
            assert (await send(marie, "/settings/notifications/test")).status_code == 200
        refused = await send(marie, "/settings/notifications/test")
        assert refused.status_code == 429 and "three tests an hour" in words_of(refused)
    assert len(box.letters) == 3


async def test_a_server_that_falters_is_asked_again_and_told_of(box: Box) -> None:
    server = Server("127.0.0.1", box.port, "closet", "s3cret/pass", implicit=False)
    mailer = Mailer(server, "closet@closet.example", wait=wait_none())
    box.refuses = True
    assert not await mailer.deliver("marie@closet.example", Message("Hello", "Text"))
    assert box.tried == 3
    box.refuses = False
    assert await mailer.deliver("marie@closet.example", Message("Grüße, é à", "Text"))
    assert box.letters[0]["Subject"] == "Grüße, é à"
    nobodies = ("a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example", "no address", "[a@x.org", "a=\\@[.(_")
    for nobody in nobodies:
        assert not await mailer.send(nobody, Message("Hello", "Text"))
    wrong = Mailer(Server(server.host, server.port, "closet", "wrong", implicit=False), "closet@closet.example")
    assert not await wrong.send("marie@closet.example", Message("Hello", "Text"))


@pytest.mark.parametrize("address", ["closet.example", "http://closet.example", "smtp://", "smtp://h:port", "x" * 40])
def test_a_server_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(SetupError, match="VINTEDBOT_SMTP"):
        parse_server(address)


def test_links_need_an_address_others_can_use(settings: Settings) -> None:
    assert settings.public_address == "http://127.0.0.1:5000"
    assert settings.model_copy(update={"names": "closet.example"}).public_address == ADDRESS
    with pytest.raises(SetupError, match="VINTEDBOT_ADDRESS"):
        _ = settings.model_copy(update={"host": "0.0.0.0"}).public_address


async def test_without_mail_it_is_the_admins_link(settings: Settings) -> None:
    app = create_app(settings.model_copy(update=UNHURRIED), run_jobs=False)
    async with app.router.lifespan_context(app), browser(app) as stranger, visitor(app) as program:
        assert "admin" in words_of(await send(stranger, "/forgotten", name="marie"))
        answer: httpx.Response = await program.post("/api/v1/auth/forgotten", json={"name": "marie"})
        assert (answer.status_code, answer.json()["code"]) == (409, "no_mail")
