"""Settings and administration on the page, in the API and on the command line: one service, three ways in."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from loguru import logger
from sqlmodel import Session
from typer.testing import CliRunner

from backend.app import create_app
from backend.cli import app as command_line
from backend.core.pacing import Pace
from backend.db.models import Account, Batch, Draft, ModelCall, now
from backend.photos.batches import IncomingFile, create_batch
from backend.preferences import (
    Operators,
    Preferences,
    in_force,
    keep_preferences,
    pace_of,
    preferences_of,
    usual_language,
)
from backend.runtime import Runtime
from backend.sandbox.vision_api import running_vision_api
from backend.settings import Settings
from backend.spending.report import item_average
from backend.users.service import find_by_name
from backend.watch import story
from backend.web.admin import operators_settings
from tests.fakes import ScriptedReader
from tests.forms import form, without_tags
from tests.people import UNHURRIED, browser, new_user, send

SECTIONS = ("general", "batches", "words", "pace", "notifications")


@pytest.fixture
async def app(settings: Settings, reader: ScriptedReader) -> AsyncIterator[FastAPI]:
    app = create_app(settings.model_copy(update=UNHURRIED), run_jobs=False, analyzer=reader)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """This machine's own person, who is the admin."""
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000", headers=headers) as opened:
        yield opened


async def kept(app: FastAPI) -> Preferences:
    runtime: Runtime = app.state.runtime
    return await runtime.database.look(preferences_of, runtime.user_id)


async def post(client: httpx.AsyncClient, section: str, **typed: Any) -> httpx.Response:
    """The section's form as a browser shows it, with some of it typed anew."""
    address = f"/settings/{section}"
    data = form(await client.get(address), address) | typed
    return await client.post(address, data={name: value for name, value in data.items() if value is not None})


async def test_every_section_sent_back_untouched_changes_nothing(app: FastAPI, client: httpx.AsyncClient) -> None:
    for section in SECTIONS:
        answer = await post(client, section)
        assert answer.headers.get("location") == f"/settings/{section}?said=saved", answer.text
        assert "Saved." in without_tags(await client.get(answer.headers["location"]))
    assert await kept(app) == Preferences()


async def test_what_is_typed_is_kept_and_goes_back_to_the_defaults(app: FastAPI, client: httpx.AsyncClient) -> None:
    await post(client, "general", listing_language="en", mode="draft", marketplace="https://www.vinted.de")
    await post(client, "batches", audience="women", parcel="small", rounding="ninety", floor="4,50 €", margin="20 %")
    await post(client, "words", tone="friendly", title_template="{{ brand }} {{ kind }}", hashtags="#zara, robe été")
    await post(
        client, "pace", per_day="12", gap_least="2.5", quiet_from="22:00", quiet_until="07:00", timezone="Europe/Paris"
    )
    wishes = await kept(app)
    assert (wishes.listing_language, wishes.mode, wishes.marketplace) == ("en", "draft", "https://www.vinted.de")
    assert (wishes.audience, wishes.condition, wishes.parcel) == ("women", None, "small")
    assert [str(x) for x in (wishes.price_rule.floor, wishes.price_rule.margin)] == ["4.50", "20"]
    assert (wishes.tone, wishes.hashtags) == ("friendly", ("zara", "robe", "été"))
    assert wishes.pace == Pace.model_validate(
        {"per_day": 12, "gap": [2.5, 40], "quiet": ["22:00", "07:00"], "timezone": "Europe/Paris"}
    )
    assert form(await client.get("/settings/pace"), "/settings/pace")["quiet_from"] == "22:00"
    for section in SECTIONS:
        answer = await post(client, section, do="defaults", floor="nonsense", per_day="nonsense")
        assert answer.headers["location"].endswith("?said=defaults")
    assert await kept(app) == Preferences()


@pytest.mark.parametrize(
    ("section", "typed", "told", "marked"),
    [
        ("batches", {"floor": "cheap"}, "can’t be used", "floor"),
        ("batches", {"floor": "0"}, "lowest price", "floor"),
        ("batches", {"margin": "-1"}, "percentage", "margin"),
        ("pace", {"per_day": "0"}, "can’t be used", "per_day"),
        ("pace", {"gap_least": "50"}, "can’t be used", None),
        ("pace", {"quiet_from": "22:00"}, "can’t be used", "quiet"),
        ("pace", {"timezone": "Mars/Olympus"}, "can’t be used", "timezone"),
        ("words", {"hashtags": "a-b"}, "hashtags", "hashtags"),
        ("words", {"title_template": "{{ prix }}"}, "Line 1: there is no “prix”", "title_template"),
        ("words", {"description_template": "a\n{% for x in y %}{% endfor %}"}, "Line 2: “for”", "description_template"),
        ("general", {"marketplace": "javascript:alert(1)"}, "can’t be used", "marketplace"),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_is_told_in_place_and_changes_nothing(
    app: FastAPI, client: httpx.AsyncClient, section: str, typed: dict[str, str], told: str, marked: str | None
) -> None:
    answer = await post(client, section, **typed)
    assert answer.status_code == 422
    assert told in without_tags(answer)
    again = form(answer, f"/settings/{section}")
    for name, value in typed.items():
        if section != "general" and name != "hashtags":
            assert again[name].replace("\r\n", "\n") == value, "what was typed is still there"
    if marked is not None:
        inside = answer.text.partition(f'name="{marked}')[2].partition(">")[0]
        assert "aria-invalid" in inside, (marked, inside)
    assert await kept(app) == Preferences()


async def test_the_preview_writes_on_a_sample_or_an_own_draft(app: FastAPI, client: httpx.AsyncClient) -> None:
    typed = {"title_template": "{{ brand }}, {{ size }}", "description_template": "{{ kind }} {{ colour }}\nÀ vous !"}
    data = form(await client.get("/settings/words"), "/settings/words") | typed
    shown = without_tags(await client.post("/settings/words/preview", data=data))
    assert "Zara, M" in shown and "Robe bleue et blanche\nÀ vous !" in shown
    faulty = without_tags(await client.post("/settings/words/preview", data=data | {"title_template": "{{ a.b }}"}))
    assert "Line 1: “getattr” is not offered here" in faulty
    assert "À vous !" in faulty, "the other template goes on"
    assert await kept(app) == Preferences()


async def test_listings_speak_the_marketplaces_language_and_pages_the_readers(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    """A French seller on vinted.de: French checklists and prices explained in French, German listings."""
    runtime: Runtime = app.state.runtime
    assert (await runtime.in_force(runtime.user_id)).listing_language == "fr", "the operator's marketplace"
    await post(client, "general", language="fr", marketplace="https://www.vinted.de")
    assert "Celle du site\u00a0: Deutsch" in without_tags(await client.get("/settings/general"))
    assert '<option value="de" lang="de" selected>Deutsch</option>' in (await client.get("/")).text
    assert "Kleid Zara blau und weiß Größe M" in without_tags(await client.get("/settings/words"))
    answer = await client.post("/api/v1/ingest", files=[("files", ("a.jpg", b"x"))])

    def open_draft(session: Session) -> None:
        batch = session.get_one(Batch, answer.json()["batch_id"])
        assert batch.language == "de"
        told = {"user_id": batch.user_id, "batch_id": batch.id, "language": batch.language, "state": "open"}
        session.add(Draft(id="d1", ordinal=0, **told))

    await runtime.database.run(open_draft)
    stated = {"category": "dress", "audience": "women", "brand": "Zara", "colours": ["red"]}
    told = (await client.patch("/api/v1/drafts/d1", json={"revision": 1, "fields": stated})).json()
    assert told["fields"]["title"]["value"] == "Kleid Zara rot"
    assert told["fields"]["price"]["evidence"][0]["detail"].startswith("Robe\u00a0: base")
    assert "Indiquez la taille." in [problem["message"] for problem in told["problems"]]
    shown = await client.get("/drafts/d1")
    assert "Indiquez la taille." in without_tags(shown) and 'lang="de" value="Kleid Zara rot"' in shown.text
    refused = await client.post("/api/v1/drafts/d1/approve", json={})
    assert "Indiquez la taille." in refused.json()["detail"]


async def test_the_language_of_listings_goes_by_wish_then_operator_then_where_one_sells(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    runtime: Runtime = app.state.runtime

    def usual(session: Session, language: Any = None) -> tuple[str, str]:
        operators = Operators(language, "https://www.vinted.fi", "dry_run")
        return in_force(session, runtime.user_id, operators).listing_language, usual_language(
            session, runtime.user_id, operators
        )

    def sells(session: Session, language: str) -> None:
        site = f"https://www.vinted.{language}"
        session.add(Account(user_id=runtime.user_id, username=language, base_url=site, language=language))

    look = runtime.database.look
    assert await look(usual) == ("fr", "fr"), "no listing can be written in Finnish"
    await post(client, "general", marketplace="https://www.vinted.pt")
    assert await look(usual) == ("pt", "pt")
    await runtime.database.run(sells, "it")
    assert await look(usual) == ("it", "it"), "where the accounts are"
    assert await look(usual, "en") == ("en", "en"), "what the operator set"
    await runtime.database.run(sells, "es")
    assert await look(usual) == ("pt", "pt"), "two accounts of two languages: neither"
    await post(client, "general", listing_language="nl")
    assert await look(usual, "en") == ("nl", "en")
    refused = await post(client, "general", listing_language="fi")
    assert refused.status_code == 422


async def test_the_language_chosen_holds_on_every_device(app: FastAPI, client: httpx.AsyncClient) -> None:
    await post(client, "general", language="fr")
    assert '<html lang="fr">' in (await client.get("/settings")).text
    client.cookies.clear()
    assert '<html lang="fr">' in (await client.get("/settings")).text, "another device, which asks for English"
    assert '<html lang="en">' in (await client.get("/settings?lang=en")).text, "but a choice made there wins"
    assert '<html lang="en">' in (await client.get("/settings")).text


async def test_what_is_usual_holds_for_a_new_batch_unless_said_otherwise(app: FastAPI) -> None:
    runtime: Runtime = app.state.runtime
    usual = Preferences(audience="women", condition="good", listing_language="en")
    file = IncomingFile(runtime.settings.data / "a.jpg", "a.jpg")

    def hand_in(session: Session, **stated: Any) -> Batch:
        keep_preferences(session, runtime.user_id, usual)
        batch = create_batch(session, runtime.user_id, [file], source="x", **stated)
        return session.get_one(Batch, batch.id)

    plain = await runtime.database.run(hand_in, defaults={})
    assert (plain.defaults, plain.language) == ({"audience": "women", "condition": "good"}, "en")
    said = await runtime.database.run(hand_in, defaults={"audience": None, "condition": "satisfactory"}, language="fr")
    assert (said.defaults, said.language) == ({"condition": "satisfactory"}, "fr")


async def test_the_usual_pace_holds_for_accounts_without_their_own(app: FastAPI, client: httpx.AsyncClient) -> None:
    runtime: Runtime = app.state.runtime
    body = {"username": "marie", "cookies": "access_token_web=a", "base_url": "http://127.0.0.1:9"}
    account = (await client.post("/api/v1/accounts", json=body)).json()["id"]

    async def pace() -> Pace:
        return await runtime.database.look(lambda s: pace_of(s, s.get_one(Account, account)))

    await post(client, "pace", per_day="7")
    assert (await pace()).per_day == 7
    await client.patch(f"/api/v1/accounts/{account}", json={"pace": {"per_day": 50}})
    assert ((await pace()).per_day, (await pace()).gap) == (50, (10, 40)), "its own, though it is the default"
    page = await client.get("/settings/pace")
    assert "Listings a day: 50" in without_tags(page)
    await client.post(f"/accounts/{account}/usual", data=form(page, f"/accounts/{account}/usual"))
    assert (await pace()).per_day == 7


async def test_one_service_for_page_api_and_command_line(app: FastAPI, client: httpx.AsyncClient) -> None:
    await post(client, "pace", per_day="21")
    assert (await client.get("/api/v1/preferences")).json()["pace"]["per_day"] == 21
    whole = {"tone": "minimal", "pace": {"quiet": ["23:00", "06:00"]}}
    assert (await client.put("/api/v1/preferences", json=whole)).json()["pace"]["per_day"] == 50
    assert (await client.put("/api/v1/preferences", json={"pace": {"per_minute": 6}})).status_code == 422
    assert form(await client.get("/settings/pace"), "/settings/pace")["quiet_from"] == "23:00"


def test_preferences_on_the_command_line() -> None:
    def invoke(*words: str, code: int = 0) -> dict[str, Any]:
        result = CliRunner().invoke(command_line, ["preferences", *words, "--json"])
        assert result.exit_code == code, result.output + result.stderr
        return dict(json.loads(result.stdout))

    told = invoke("mode=draft", "per_day=30", "gap=5-9", "quiet=22:00-07:00", "audience=men", "mail=true")
    assert (told["mode"], told["audience"], told["mail"]) == ("draft", "men", True)
    assert told["pace"] | {"per_minute": 5} == {
        "per_minute": 5, "per_day": 30, "gap": [5.0, 9.0], "quiet": ["22:00:00", "07:00:00"], "timezone": "",
    }  # fmt: skip
    assert invoke("quiet=", "mode=")["pace"]["quiet"] is None
    assert invoke("condition=splendid", code=1)["error"]["code"] == "bad_preferences"
    shown = CliRunner().invoke(command_line, ["preferences"])
    assert "per_day: 30" in shown.output and "gap: 5.0-9.0" in shown.output


async def test_a_reader_is_tried_by_a_real_reading(
    app: FastAPI, client: httpx.AsyncClient, reader: ScriptedReader
) -> None:
    page = await client.get("/settings/reader")
    assert "Built-in reader" in without_tags(page)
    tried = await client.post("/settings/reader", data=form(page, "/settings/reader"))
    assert "It reads: answered in" in without_tags(tried)
    assert reader.asked == 1


@asynccontextmanager
async def asking(settings: Settings, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A server that asks a model, seen from its own machine."""
    app = create_app(Settings(data=settings.data, **UNHURRIED, **more), run_jobs=False)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000", headers=headers) as client,
    ):
        yield client


async def test_a_model_is_tried_and_its_costs_are_told(settings: Settings) -> None:
    key = "sk-test-key-that-nobody-may-see"
    priced = {"OPENAI_API_KEY": key, "model_day_budget": "2", "model_price_input": "2.5", "model_price_output": "10"}
    with running_vision_api(key=key) as api:
        async with asking(settings, OPENAI_BASE_URL=api.url, **priced) as client:
            before = (await client.get("/api/v1/ai/reader")).json()
            assert (before["model"], before["measured"], before["today"]["calls"]) == ("gpt-4o", False, 0)
            assert before["item_micros"] > 0 and before["batch_micros"] == 10 * before["item_micros"]
            tried, again = [(await client.post("/api/v1/ai/reader/test")).json() for _ in range(2)]
            assert tried["ok"] and tried["micros"] > 0, tried
            assert again["ok"] and again["micros"] > 0, "asked anew, not answered from what was kept"
            after = (await client.get("/api/v1/ai/reader")).json()
            assert after["today"]["micros"] == tried["micros"] + again["micros"]
            assert after["day_left"] == 2_000_000 - after["today"]["micros"]
            pages = [
                await client.get(path)
                for path in ("/settings/reader", "/admin", "/admin/settings", "/admin/log", "/settings")
            ]
            assert urlsplit(api.url).netloc in pages[0].text
            assert all(one.status_code == 200 and key not in one.text for one in pages)
    async with asking(settings, OPENAI_BASE_URL=api.url, **priced) as client:
        failed = (await client.post("/api/v1/ai/reader/test")).json()
        assert (failed["ok"], failed["code"]) == (False, "model_unreachable") and "reached" in failed["reason"]
        page = await client.get("/settings/reader")
        tried_page = await client.post("/settings/reader", data=form(page, "/settings/reader"))
        assert "It does not read" in without_tags(tried_page)


async def test_an_item_costs_what_items_did_cost(app: FastAPI, client: httpx.AsyncClient) -> None:
    runtime: Runtime = app.state.runtime

    def spend(session: Session) -> None:
        for draft, micros in (("a", 300), ("a", 100), ("b", 200), (None, 9000)):
            session.add(ModelCall(
                user_id=runtime.user_id, day=now().date().isoformat(), model="", prompt="p", status="success",
                draft_id=draft, micros=micros,
            ))  # fmt: skip

    await runtime.database.run(spend)
    assert await runtime.database.look(item_average, runtime.user_id, "", days=30) == 300


async def test_admin_pages_show_health_use_and_log_to_admins_alone(app: FastAPI, client: httpx.AsyncClient) -> None:
    runtime: Runtime = app.state.runtime
    logger.bind(publication="f00dfeed").error("attempt_failed: the form “x” <b>moved</b>")
    logger.bind(batch="ba7c4").info("batch_read")
    health = without_tags(await client.get("/admin"))
    assert "Database" in health and "No process runs the jobs. Start one: vintedbot serve." in health
    limits = await client.get("/admin/limits")
    assert "local" in limits.text and "VINTEDBOT_STORAGE_MB" in limits.text
    found = await client.get("/admin/log?about=f00dfeed")
    assert "attempt_failed" in found.text and "&lt;b&gt;moved" in found.text and "batch_read" not in found.text
    severe = without_tags(await client.get("/admin/log?level=ERROR&event=attempt"))
    assert "attempt_failed" in severe and "batch_read" not in severe
    assert (await client.get("/admin/log?level=LOUD")).status_code == 422
    await new_user(runtime, "marie")
    await new_user(runtime, "paul")
    async with browser(app, "paul") as paul:
        for path in ("/admin", "/admin/limits", "/admin/log", "/admin/settings"):
            assert (await paul.get(path)).status_code == 403
        assert "/admin" not in (await paul.get("/settings")).text


def test_no_secret_is_among_the_settings_shown(settings: Settings) -> None:
    given = {"JWT_SECRET_KEY": "j" * 40, "smtp": "smtp://a:hidden-pass@h", "OPENAI_API_KEY": "sk-hidden"}
    secret = Settings(data=settings.data, notify="mailtos://a:hidden-pass@b.example", **given)  # type: ignore[arg-type]
    shown = operators_settings(secret)
    told = {variable: value for variable, value, _, _ in shown}
    secrets = ("JWT_SECRET_KEY", "VINTEDBOT_SMTP", "OPENAI_API_KEY", "VINTEDBOT_NOTIFY")
    assert {told[name] for name in secrets} == {"•"}
    assert "hidden" not in repr(shown)
    assert told["PORT"] == "5000" and told["VINTEDBOT_INBOX"] is None
    assert len(shown) == len(Settings.model_fields)


async def test_pages_count_for_a_user_as_the_api_does(settings: Settings, quick_hashes: None) -> None:
    tight = settings.model_copy(update={"limit_reads": "20/minute", "limit_writes": "4/minute"})
    app = create_app(tight, run_jobs=False)
    async with app.router.lifespan_context(app):
        for name in ("marie", "paul"):
            await new_user(app.state.runtime, name)
        async with browser(app, "marie") as marie, browser(app, "paul") as paul:
            answers = [await send(marie, "/settings/pace", per_day="9", gap_least="1", gap_most="2") for _ in range(6)]
            assert [one.status_code for one in answers] == [303] * 4 + [429] * 2
            assert int(answers[-1].headers["retry-after"]) > 0
            other = await send(paul, "/settings/pace", per_day="9", gap_least="1", gap_most="2")
            assert other.status_code == 303, "another user at the same address"
            found = await app.state.runtime.database.run(find_by_name, "marie")
            assert app.state.limits.use_of(found.id)["writes"][:2] == (4, 4)


def test_the_newest_lines_come_first_however_long_the_log(tmp_path: Any) -> None:
    told = [{"at": f"2026-11-2{day}", "n": n, "pad": "é" * 900} for day in (5, 6) for n in range(300)]
    lines = [json.dumps(one, ensure_ascii=False) for one in told]
    (tmp_path / "2026-11-25.jsonl").write_text("\n".join(lines[:300]) + "\n")
    (tmp_path / "2026-11-26.jsonl").write_text("\n".join(lines[300:]) + '\n{"at": "cut o')
    found = story.last_lines(tmp_path, lambda line: line["n"] % 2 == 0, 200)
    assert [line["n"] for line in found] == [*range(298, -1, -2), *range(298, 198, -2)]
    assert story.last_lines(tmp_path / "none", lambda _: True, 5) == []
