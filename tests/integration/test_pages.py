"""The pages as a person's browser gets them, over a running application with real drafts."""

import asyncio
import hashlib
import html
import json
import re
import shutil
import string
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from sqlmodel import Session

from backend.accounts.states import AccountState
from backend.cli.photos import hand_in, watch
from backend.core.listing import Source
from backend.db.models import Batch
from backend.drafts.shelf import FILTERS
from backend.photos.batches import BatchState
from backend.publications.journal import State
from backend.runtime import running
from backend.settings import Settings
from backend.web.language import choose_language, words
from tests.conftest import two_items
from tests.fakes import ScriptedReader
from tests.forms import form, without_tags
from tests.integration.test_api import STATED, finished, upload

WEB = Path(str(files("backend.web")))
LANGUAGES = ("fr", "en")


@pytest.fixture
def client(page_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return page_client


@pytest.fixture(scope="module")
def read_once(tmp_path_factory: pytest.TempPathFactory, empty_tables: Path) -> Path:
    """The data folder of somebody with two ready drafts."""
    folder = tmp_path_factory.mktemp("read")
    settings = Settings(data=shutil.copytree(empty_tables, folder / "data"))

    async def read() -> None:
        async with running(settings, run_jobs=True, analyzer=ScriptedReader()) as runtime:
            batch = await hand_in(runtime, two_items(folder / "photos"), json.loads(STATED))
            await watch(runtime, batch, quiet=True)

    asyncio.run(read())
    return settings.data


@pytest.fixture
def settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """For a test of a draft's, one that was read before: every one of them begins with the same."""
    if "draft" in request.fixturenames:
        shutil.copytree(request.getfixturevalue("read_once"), settings.data, dirs_exist_ok=True)
    return settings


@pytest.fixture
async def draft(client: httpx.AsyncClient) -> dict[str, Any]:
    """The first of two ready drafts."""
    return (await client.get("/api/v1/drafts")).json()[0]


async def opened(client: httpx.AsyncClient, draft: Mapping[str, Any]) -> dict[str, Any]:
    address = f"/drafts/{draft['id']}"
    return form(await client.get(address), address)


async def save(client: httpx.AsyncClient, draft: Mapping[str, Any], data: Mapping[str, Any]) -> httpx.Response:
    return await client.post(f"/drafts/{draft['id']}", data=dict(data))


async def stored(client: httpx.AsyncClient, draft: Mapping[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/api/v1/drafts/{draft['id']}")).json()


async def add_account(client: httpx.AsyncClient, username: str = "marie") -> None:
    account = {"username": username, "cookies": "access_token_web=a", "base_url": "http://127.0.0.1:9"}
    assert (await client.post("/api/v1/accounts", json=account)).status_code == 201


SAID = {
    "fr": ("Déposez vos photos", "Marque", "Sans marque", "Publier"),
    "en": ("Drop your photos", "Brand", "No brand", "Publish"),
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_speaks_both_languages(client: httpx.AsyncClient, draft: dict, language: str) -> None:
    await add_account(client)
    client.headers["Accept-Language"] = language
    pages = [
        await client.get(path)
        for path in (
            *("/drafts", f"/drafts/{draft['id']}", "/", f"/batches/{draft['batch_id']}", "/drafts?as=list"),
            *("/publications", "/accounts", "/notifications", "/insights"),
        )
    ]
    for page in pages:
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert not re.search(
            r"\b(?:draft|field|status|batch|source|drop|mode|account|notification)\.[a-z_]+\b", without_tags(page)
        )
    assert all(text in "".join(map(without_tags, pages)) for text in SAID[language])
    assert draft["fields"]["title"]["value"] in without_tags(pages[0])
    assert "Kiabi" in pages[1].text


async def test_a_language_once_chosen_is_remembered(client: httpx.AsyncClient) -> None:
    assert '<html lang="en">' in (await client.get("/?lang=en")).text
    assert '<html lang="en">' in (await client.get("/publications")).text
    assert '<html lang="fr">' in (await client.get("/?lang=fr")).text


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "chosen"),
    [
        ("en", "fr", "fr", "en"),
        ("xx", "en", "fr", "en"),
        (None, None, "de-DE,de;q=0.9,en;q=0.5,fr;q=0.8", "fr"),
        (None, None, "en-GB,en;q=0.9", "en"),
        (None, None, "en;q=0, de;q=nonsense", "fr"),
        (None, None, "", "fr"),
    ],
)
def test_the_language_is_the_readers(asked: str | None, remembered: str | None, accepted: str, chosen: str) -> None:
    assert choose_language(asked, remembered, accepted, "fr") == chosen


def test_both_languages_have_the_same_sentences_with_the_same_blanks() -> None:
    def blanks(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    fr, en = ({key: blanks(text) for key, text in words(language).items()} for language in LANGUAGES)
    assert fr == en
    assert all(text.strip() for language in LANGUAGES for text in words(language).values())


def test_every_sentence_the_templates_ask_for_is_there_and_none_is_idle() -> None:
    sources = "".join(p.read_text() for p in (*WEB.glob("templates/*.html"), *WEB.glob("*.py")))
    asked = set(re.findall(r"""\b(?:t|words)\(\s*["']([a-z_.]+)["'](?!\s*~)""", sources))
    asked |= {f"{k}.{n}" for k in re.findall(r"""\.count\(["']([a-z_.]+)["']""", sources) for n in ("one", "other")}
    assert asked <= set(words("fr"))
    families = {
        f.partition(".")[0] for f in re.findall(r"""["']([a-z_]+\.)["'] ~|f"([a-z_]+\.)\{""", sources) for f in f
    }
    families.add("country")  # a value of the field of that name
    literal = set(re.findall(r"""["']([a-z_]+\.[a-z_.]+)["']""", sources))
    idle = [k for k in words("fr") if k not in asked | literal and k.partition(".")[0] not in families]
    assert idle == []


def test_every_code_of_a_closed_set_has_its_sentence() -> None:
    codes = {
        "state": State,
        "batch": get_args(BatchState),
        "filter": FILTERS,
        "account": [state for state in get_args(AccountState) if state != "ready"],
        "source": get_args(Source),
    }
    assert [f"{kind}.{c}" for kind, known in codes.items() for c in known if f"{kind}.{c}" not in words("fr")] == []


async def test_words_from_outside_are_shown_as_text(client: httpx.AsyncClient, closet: Path) -> None:
    evil = '"><script>alert(1)</script>{{ 7*7 }}'
    (closet / "<img src=x onerror=alert(2)>.svg").write_text("<svg/>")
    await finished(client, await upload(client, closet))
    draft = (await client.get("/api/v1/drafts")).json()[0]
    fields = {"title": evil, "description": "</textarea>" + evil, "brand": "'" + evil}
    changed = await client.patch(f"/api/v1/drafts/{draft['id']}", json={"revision": 1, "fields": fields})
    assert changed.status_code == 200, changed.text
    for path in (
        "/drafts",
        "/",
        f"/batches/{draft['batch_id']}",
        f"/drafts/{draft['id']}",
        "/?said=%3Cscript%3Ealert(1)&lang=%22%3E%3Cscript%3E",
    ):
        page = await client.get(path)
        assert "<script>" not in page.text
        assert "<img src=x" not in page.text
        assert "49" not in re.findall(r"</script>(\w+)", html.unescape(page.text))
    assert evil in html.unescape((await client.get("/drafts")).text)
    assert (await opened(client, draft))["description"].startswith("</textarea>")


async def test_a_form_sent_back_untouched_changes_nothing(client: httpx.AsyncClient, draft: dict) -> None:
    answer = await save(client, draft, await opened(client, draft))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/drafts/{draft['id']}?said=unchanged")
    assert await stored(client, draft) == draft


async def test_an_edit_states_only_what_was_changed(client: httpx.AsyncClient, draft: dict) -> None:
    data = await opened(client, draft)
    answer = await save(client, draft, data | {"price": "12,50 €", "colours": ["navy", "white"], "materials": "cotton"})
    assert answer.headers["location"].endswith("?said=saved")
    fields = (await stored(client, draft))["fields"]
    assert [fields[n]["value"] for n in ("price", "colours", "materials")] == ["12.50", ["white", "navy"], ["cotton"]]
    assert fields["brand"] == draft["fields"]["brand"], "an untouched field keeps its reading"
    assert "12,50" in (await opened(client, draft))["price"]


async def test_a_stale_edit_shows_both_and_loses_nothing_typed(client: httpx.AsyncClient, draft: dict) -> None:
    data = await opened(client, draft)
    other = {"revision": 1, "fields": {"price": "40", "size": "L"}}
    assert (await client.patch(f"/api/v1/drafts/{draft['id']}", json=other)).status_code == 200
    typed = {"title": "Mon titre à moi", "description": "Mes mots.\r\nDeux lignes.", "price": "33"}
    conflict = await save(client, draft, data | typed)
    assert conflict.status_code == 409
    assert "a changé depuis" in without_tags(conflict)
    again = form(conflict, f"/drafts/{draft['id']}")
    assert {name: again[name] for name in typed} == typed
    assert "Enregistré entre-temps : 40" in without_tags(conflict).replace("\u00a0", " ")
    assert again["size"] == ["L"], "what I did not touch is the other's"
    assert (await stored(client, draft))["fields"]["price"]["value"] == "40"
    assert (await save(client, draft, again)).status_code == 303
    fields = (await stored(client, draft))["fields"]
    assert [fields[n]["value"] for n in ("title", "price", "size")] == ["Mon titre à moi", "33", "L"]


async def test_a_bad_value_is_named_and_the_rest_stays_typed(client: httpx.AsyncClient, draft: dict) -> None:
    answer = await save(client, draft, await opened(client, draft) | {"price": "pas cher", "title": "Titre neuf"})
    assert answer.status_code == 422
    assert "Ce n’est pas un prix" in without_tags(answer)
    again = form(answer, f"/drafts/{draft['id']}")
    assert (again["price"], again["title"]) == ("pas cher", "Titre neuf")
    assert await stored(client, draft) == draft


@pytest.mark.parametrize(
    ("button", "name", "value"),
    [
        ({"set": 'category="hoodie"'}, "category", "hoodie"),
        ({"set": 'colours=["black"]'}, "colours", ["black"]),
        ({"confirm": "brand"}, "brand", "Kiabi"),
        ({"brand": "", "no_brand": "1"}, "brand", ""),
        ({"brand": "Kiabi", "no_brand": "1"}, "brand", ""),
        ({"brand": ""}, "brand", None),
    ],
)
async def test_a_tap_states_a_field(
    client: httpx.AsyncClient, draft: dict, button: dict, name: str, value: Any
) -> None:
    answer = await save(client, draft, await opened(client, draft) | button | {"title": "Tapé avant"})
    assert answer.status_code == 303
    fields = (await stored(client, draft))["fields"]
    assert fields[name]["value"] == value
    assert value is None or fields[name]["evidence"][0]["source"] == "seller"
    assert fields["title"]["value"] == "Tapé avant", "a tap keeps what was typed beside it"


async def test_a_statement_is_taken_back(client: httpx.AsyncClient, draft: dict) -> None:
    await save(client, draft, await opened(client, draft) | {"title": "À moi"})
    await save(client, draft, await opened(client, draft) | {"reset": "title"})
    assert (await stored(client, draft))["fields"]["title"] == draft["fields"]["title"]


@pytest.mark.parametrize("broken", [{"revision": "x"}, {"before": "[1]"}, {"before": "{"}, {"set": "category={"}])
async def test_a_broken_form_is_no_crash(client: httpx.AsyncClient, draft: dict, broken: dict) -> None:
    answer = await save(client, draft, await opened(client, draft) | {"title": "Autre titre"} | broken)
    assert answer.status_code in (303, 422)


async def test_a_draft_is_approved_put_away_and_brought_back(client: httpx.AsyncClient, draft: dict) -> None:
    address = f"/drafts/{draft['id']}"
    unready = await save(client, draft, await opened(client, draft) | {"condition": "", "then": "approve"})
    assert unready.status_code == 409
    assert "Indiquez l’état" in without_tags(unready)
    assert 'href="#field-condition"' in unready.text
    approved = await save(client, draft, await opened(client, draft) | {"condition": "good", "then": "approve"})
    assert approved.headers["location"] == f"{address}?said=approved"
    data = form(await client.get(address), f"{address}/discard")
    assert (await client.post(f"{address}/discard", data=data | {"revision": "1"})).status_code == 409
    assert (await client.post(f"{address}/discard", data=data)).status_code == 303
    assert address not in (await client.get("/drafts")).text
    assert address in (await client.get("/drafts?show=discarded")).text
    await client.post(f"{address}/restore", data=form(await client.get(address), f"{address}/restore"))
    assert (await stored(client, draft))["state"] == "open"


async def test_a_draft_says_why_its_photos_are_together(client: httpx.AsyncClient, draft: dict) -> None:
    shown = without_tags(await client.get(f"/drafts/{draft['id']}"))
    assert "Pourquoi ces photos sont ensemble · " in shown
    assert "photos prises en" in shown


async def test_evidence_names_the_photo(client: httpx.AsyncClient, draft: dict) -> None:
    page = without_tags(await client.get(f"/drafts/{draft['id']}"))
    assert "Vu sur la photo 1." in page
    assert "Vous l’avez dit pour tout le lot." in page
    assert "Barème indicatif" in page


async def test_publishing_without_an_account_says_the_way(client: httpx.AsyncClient, draft: dict) -> None:
    page = await client.get(f"/drafts/{draft['id']}")
    assert "vintedbot login" in page.text
    assert "conditions de Vinted" in without_tags(page)
    data = {"token": client.cookies["vintedbot_token"], "revision": "1", "account": "x", "mode": "dry_run", "key": "k"}
    refused = await client.post(f"/drafts/{draft['id']}/publish", data=data)
    assert (refused.status_code, "n’est pas ici" in refused.text) == (404, True)


async def test_a_publication_is_asked_for_once_however_often_pressed(client: httpx.AsyncClient, draft: dict) -> None:
    await add_account(client)
    address = f"/drafts/{draft['id']}/publish"
    data = form(await client.get(f"/drafts/{draft['id']}"), address)
    assert data["mode"] == ["dry_run"]
    answers = [await client.post(address, data=data | {"mode": "draft"}) for _ in range(2)]
    assert answers[0].status_code == 303
    assert answers[0].headers["location"] == answers[1].headers["location"]
    [row] = (await client.get("/api/v1/publications")).json()
    assert answers[0].headers["location"] == f"/publications?said=asked#{row['id']}"
    page = await client.get("/publications")
    assert "Brouillon sur le site" in without_tags(page)
    cancel = f"/publications/{row['id']}/cancel"
    assert (await client.post(cancel, data=form(page, cancel))).status_code == 303
    resent = await client.post(address, data=data | {"mode": "draft"})  # the browser's back button, and once more
    assert resent.headers["location"] == answers[0].headers["location"]
    again = await client.post(cancel, data={"token": client.cookies["vintedbot_token"]})
    assert again.status_code == 409
    assert "étape suivante" in without_tags(again)


async def test_a_form_that_publishes_comes_back_as_it_was_filled_in(client: httpx.AsyncClient, draft: dict) -> None:
    """After an error nothing more is asked for than was: no other draft, no other account, no further way."""
    for name in ("marie", "lea"):
        await add_account(client, name)
    assert (await client.put("/api/v1/preferences", json={"mode": "publish"})).status_code == 200
    first = form(await client.get("/publish"), "/publish")
    assert len(first["draft"]) == 2
    lea = next(one["id"] for one in (await client.get("/api/v1/accounts")).json() if one["username"] == "lea")
    choice = {"draft": [draft["id"]], "mode": ["dry_run"], "account": lea, "spread": "2h", "at": "18h99"}
    for missing in ({}, {"draft": []}):
        refused = await client.post("/publish", data=first | choice | missing)
        assert refused.status_code == 422
        again = form(refused, "/publish")
        assert {name: again.get(name) for name in choice} == choice | dict.fromkeys(missing)
    single = f"/drafts/{draft['id']}/publish"
    data = form(await client.get(f"/drafts/{draft['id']}"), single)
    assert data["mode"] == ["publish"]
    conflict = await client.post(single, data=data | {"mode": "draft", "account": lea, "revision": "7"})
    assert conflict.status_code == 409
    again = form(conflict, single)
    assert (again["mode"], again["account"]) == (["draft"], lea)
    assert (await client.post("/publish", data=first | choice | {"at": "18h30"})).status_code == 303
    [row] = (await client.get("/api/v1/publications")).json()
    assert (row["draft_id"], row["mode"], row["account_id"]) == (draft["id"], "dry_run", lea)
    assert row["not_before"]


async def test_nothing_is_asked_of_any_other_machine(client: httpx.AsyncClient, draft: dict) -> None:
    texts = [(await client.get(path)).text for path in ("/", "/drafts", f"/drafts/{draft['id']}", "/none")]
    texts += [path.read_text() for path in WEB.glob("static/*.*") if path.suffix != ".png"]
    for text in texts:
        assert set(re.findall(r"(?:https?:)?//[a-z0-9.]+\.[a-z]{2,}", text)) <= {"http://www.w3.org"}
    for page in texts[:4]:
        assert not re.search(r"<script(?![^>]* src=\"/static/)|<style|\sstyle=|\son[a-z]+=|javascript:", page)


async def test_pages_are_light(client: httpx.AsyncClient, draft: dict) -> None:
    for path in (
        "/",
        "/drafts",
        f"/drafts/{draft['id']}",
        f"/batches/{draft['batch_id']}",
        "/publications",
        "/insights",
    ):
        page = (await client.get(path)).text
        scripts = re.findall(r'<script[^>]* src="([^"]+)"', page)
        weights = [len((await client.get(address)).content) for address in scripts]
        assert len(weights) > 1
        assert sum(weights) < 100_000, path
        styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
        assert 0 < sum([len((await client.get(address)).content) for address in styles]) < 40_000, path


def test_what_others_wrote_is_kept_as_it_came() -> None:
    """Each vendored file under its hash, with its licence beside it."""
    vendor = WEB / "static/vendor"
    sums = dict(line.split()[::-1] for line in (vendor / "SHA256SUMS").read_text().splitlines())
    files_there = {path.name for path in vendor.glob("*.*s")}
    assert files_there == sums.keys()
    for name in files_there:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == sums[name]
        licence = (vendor / f"{name.partition('-')[0]}.LICENSE").read_text()
        assert "Zero-Clause BSD" in licence or "The MIT License" in licence


async def test_batches_stop_go_on_and_are_found_again(client: httpx.AsyncClient, draft: dict) -> None:
    """However many are under way, a page keeps one stream: a browser has six connections for all its pages."""
    runtime = client._transport.app.state.runtime  # type: ignore[attr-defined]
    streams = re.compile(r'events="([^"]*)"')
    before = [streams.findall((await client.get(path)).text) for path in ("/", "/drafts")]

    def add(session: Session) -> str:
        session.add_all(Batch(user_id=runtime.user_id, state="sorting") for _ in range(7))
        session.add(stopped := Batch(user_id=runtime.user_id, state="stopped", error="No space left."))
        return stopped.id

    stopped = await runtime.database.run(add)
    after = [streams.findall((await client.get(path)).text) for path in ("/", "/drafts")]
    for quiet, busy in zip(before, after, strict=True):
        assert len(quiet) == len(busy) == 1
        assert len(busy[0].split()) == 1
        assert quiet != busy, "its pulse tells that there is more to see"
    home = (await client.get("/")).text
    assert "quelque chose manque ou gêne" in home and "No space left." in home
    assert f"/batches/{draft['batch_id']}" not in home
    assert f"/batches/{draft['batch_id']}" in (await client.get("/batches")).text
    answer = await client.post(f"/batches/{stopped}/resume", data={"token": client.cookies["vintedbot_token"]})
    assert answer.headers["location"] == f"/?said=batch_goes_on#batch-{stopped}"
    assert (await client.get(f"/api/v1/bulk/jobs/{stopped}")).json()["state"] == "queued"


async def test_filters_show_what_they_say(client: httpx.AsyncClient, draft: dict) -> None:
    await client.patch(f"/api/v1/drafts/{draft['id']}", json={"revision": 1, "fields": {"condition": None}})
    shown = {
        name: set(re.findall(r'id="card-(\w+)"', (await client.get(f"/drafts?show={name}")).text)) for name in FILTERS
    }
    assert shown["todo"] == {draft["id"]}
    assert draft["id"] not in shown["ready"]
    assert shown["all"] == shown["todo"] | shown["ready"]
    assert shown["discarded"] == shown["approved"] == set()


async def test_several_are_put_away_brought_back_and_read_again(client: httpx.AsyncClient, draft: dict) -> None:
    ids = [one["id"] for one in (await client.get("/api/v1/drafts")).json()]
    for show, do, states in (
        ("all", "discard", ["discarded", "discarded"]),
        ("discarded", "restore", ["open", "open"]),
        ("all", "approve", ["approved", "approved"]),
        ("all", "reread", ["reading", "reading"]),
    ):
        page = await client.get(f"/drafts?as=list&show={show}")
        assert f'name="do" value="{do}"' in page.text
        assert ('href="/publish"' in page.text) is (do == "reread"), "the way on, once all are reviewed"
        data = form(page, "/drafts") | {"draft": ids, "do": do, "page": "7"}
        assert (await client.post("/drafts", data=data)).status_code == 200
        assert [(await client.get(f"/api/v1/drafts/{one}")).json()["state"] for one in ids] == states


async def test_a_draft_asks_what_it_cost(client: httpx.AsyncClient, draft: dict) -> None:
    """It is a floor of the price, and nobody else's to know."""
    address = f"/drafts/{draft['id']}"
    answer = await save(client, draft, await opened(client, draft) | {"purchase_cost": "80,50 €"})
    assert answer.headers["location"].endswith("?said=saved")
    now = await stored(client, draft)
    assert now["purchase_cost"] == "80.50" and float(now["fields"]["price"]["value"]) >= 80.5
    assert (await opened(client, draft))["purchase_cost"] == "80,50"
    without = {name: value for name, value in (await opened(client, draft)).items() if name != "purchase_cost"}
    assert (await save(client, draft, without)).headers["location"] == f"{address}?said=unchanged"
    assert (await save(client, draft, await opened(client, draft) | {"purchase_cost": "a lot"})).status_code == 422
    assert (await save(client, draft, await opened(client, draft) | {"purchase_cost": ""})).status_code == 303
    assert (await stored(client, draft))["purchase_cost"] is None


PAIRS = [
    *(("ink", back) for back in ("paper", "surface", "sunk", "accent-soft", "warn-soft")),
    *(("quiet", back) for back in ("paper", "surface", "sunk", "accent-soft")),
    *(("accent", back) for back in ("paper", "surface")),
    *((name, back) for name in ("good", "warn", "bad") for back in ("surface", f"{name}-soft", "paper")),
    *(("on-accent", back) for back in ("accent", "accent-strong")),
]


def luminance(colour: str) -> float:
    shares = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_from_their_ground(theme: str) -> None:
    """WCAG AA: 4.5 to 1."""
    light, dark = (WEB / "static/tokens.css").read_text().split("@media")
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    if theme == "dark":
        bright, colours = colours, dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark))
        assert bright.keys() == colours.keys()
    for front, back in PAIRS:
        low, high = sorted((luminance(colours[front]), luminance(colours[back])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (front, back)


async def test_what_the_page_did_not_show_is_neither_approved_nor_rewritten(
    client: httpx.AsyncClient, draft: dict[str, Any]
) -> None:
    data = await opened(client, draft)
    other = {"revision": 1, "fields": {"title": "Another tab's title"}}
    assert (await client.patch(f"/api/v1/drafts/{draft['id']}", json=other)).status_code == 200
    for button in ({"then": "approve"}, {"rewrite": "title"}):
        assert (await save(client, draft, data | button)).status_code == 409
    now = await stored(client, draft)
    assert (now["state"], now["revision"], now["fields"]["title"]["value"]) == ("open", 2, "Another tab's title")
    assert (await save(client, draft, await opened(client, draft) | {"then": "approve"})).status_code == 303
    assert (await stored(client, draft))["state"] == "approved"
