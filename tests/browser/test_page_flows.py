"""The page as a seller works on it, in a real browser: dropped photos to approved drafts, by mouse, keys and touch.

One server and one browser for the whole module. Tests that sort photos have a batch of their own; the others take a
draft each of one batch they share.
"""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from PIL import Image
from playwright.async_api import Browser, Locator, Page, Route, ViewportSize, expect
from sqlmodel import select

from backend.app import create_app
from backend.core.listing import Alternative, Evidence, Field
from backend.core.reading import ItemReading, PhotoInput
from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, User
from backend.marketplace.port import InputEvent
from backend.runtime import Runtime
from backend.sandbox.loopback import serving
from backend.settings import Settings
from tests.conftest import draw_one
from tests.fakes import ScriptedReader, add_publication, t_shirt
from tests.integration.test_insights import give
from tests.isolation import PROBES

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 860}
SECOND = 60_000
expect.set_options(timeout=SECOND)
Visit = Callable[..., AbstractAsyncContextManager[Page]]


def unsure_t_shirt(photos: list[PhotoInput]) -> ItemReading:
    """A T-shirt whose brand is read off a label, and which might as well be a polo shirt."""
    reading = t_shirt(photos)
    first = photos[0].id
    brand = Field("Kiabi", 0.9, evidence=(Evidence("label", first, "KIABI", (0.2, 0.2, 0.6, 0.4)),))
    kind = Field("t-shirt", 0.9, (Alternative("polo", 0.3),), (Evidence("image", first),))
    return ItemReading(reading.photos, {**reading.fields, "brand": brand, "category": kind})


@pytest.fixture(scope="module")
def settings_here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data=tmp_path_factory.mktemp("data"), marketplace="http://127.0.0.1:9")


@pytest.fixture(scope="module")
def app(settings_here: Settings) -> FastAPI:
    return create_app(settings_here, run_jobs=True, analyzer=ScriptedReader(unsure_t_shirt))


@pytest.fixture(scope="module")
def address(app: FastAPI) -> Iterator[str]:
    with serving(app) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drafts(address: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Eight drafts of one batch, of two photos each. Each test takes the one it names, and leaves the others alone."""
    folder = tmp_path_factory.mktemp("shared")
    photos = [
        draw_one(folder / f"{n:02}{shot}.jpg", seed=f"shared{n}{shot}", seconds=n * 600 + shot * 8)
        for n in range(8)
        for shot in range(2)
    ]
    batch = await hand_in(address, photos, audience="women")
    found: list[dict[str, Any]] = await ask(address, f"/drafts?batch_id={batch}")
    return found


@pytest.fixture
def visit(browser: Browser, address: str) -> Visit:
    """Opens a page as a seller has it; at its end it must have complained of nothing and asked nobody else."""

    @asynccontextmanager
    async def open_page(
        *, phone: bool = False, language: str = "en-GB", dark: bool = False, expected: tuple[str, ...] = ()
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(
            base_url=address, viewport=PHONE if phone else DESK, locale=language, has_touch=phone, is_mobile=phone,
            color_scheme="dark" if dark else "light", reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(SECOND)
        complaints: list[str] = []
        page = await context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: _note_stranger(complaints, asked.url))
        yield page
        await context.close()
        assert [one for one in complaints if not any(part in one for part in expected)] == []

    return open_page


def _note_stranger(complaints: list[str], url: str) -> None:
    if urlsplit(url).hostname != "127.0.0.1":
        complaints.append(url)


@pytest.fixture
def closet(tmp_path: Path) -> Callable[[str, int, int], list[Path]]:
    """closet("a", 3, 4): photos of three items, four each, minutes apart, that no other test has."""

    def draw(seed: str, items: int, shots: int) -> list[Path]:
        return [
            draw_one(tmp_path / f"IMG_{item:02}{shot}.jpg", seed=f"{seed}{item}{shot}", seconds=item * 600 + shot * 8)
            for item in range(items)
            for shot in range(shots)
        ]

    return draw


async def ask(where: Page | str, path: str) -> Any:
    """What the API says, at the page's server or at this address."""
    address = where if isinstance(where, str) else f"http://{urlsplit(where.url).netloc}"
    async with httpx.AsyncClient(base_url=address, timeout=SECOND / 1000) as client:
        return (await client.get(f"/api/v1{path}")).json()


async def hand_in(address: str, photos: list[Path], **stated: str) -> str:
    """Hands the photos in and waits until their drafts are read. Returns the batch."""
    files = [("files", (photo.name, photo.read_bytes())) for photo in photos]
    async with httpx.AsyncClient(base_url=address, timeout=SECOND / 1000, headers={"Origin": address}) as client:
        answer = await client.post("/api/v1/ingest", files=files, data={"defaults": json.dumps(stated)})
        batch = str(answer.json()["batch_id"])
        async with asyncio.timeout(SECOND / 1000):
            while not (await client.get(f"/api/v1/bulk/jobs/{batch}")).json()["finished"]:
                await asyncio.sleep(0.05)
    return batch


async def read(page: Page, press: Awaitable[None]) -> str:
    """Presses the button and waits until what arrived is read. Returns the batch."""
    async with page.expect_response(lambda answer: answer.url.endswith("/finish") and answer.ok) as answer:
        await press
    batch = (await (await answer.value).json())["batch_id"]
    await expect(page.locator(f"#batch-{batch} .actions .primary")).to_be_visible(timeout=SECOND)
    return str(batch)


async def places(page: Page) -> list[list[str]]:
    """Photo ids by item as the board shows them."""
    script = "items => items.map(item => [...item.querySelectorAll('.tile')].map(tile => tile.dataset.photo))"
    found: list[list[str]] = await page.locator(".item").evaluate_all(script)
    return found


async def until(page: Page, wanted: list[list[str]]) -> None:
    async with asyncio.timeout(SECOND / 1000):
        while (found := await places(page)) != wanted:
            assert found is not None
            await asyncio.sleep(0.05)


def tile(page: Page, photo: str) -> Locator:
    return page.locator(f"#p-{photo} button")


async def tab_to(page: Page, css: str) -> None:
    """Goes there as one does without a mouse; fails where the keyboard does not lead."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("css => document.activeElement?.matches(css)", css):
            return
    raise AssertionError(f"Tab does not come to {css}")


async def choose(page: Page, press: Awaitable[None], photos: list[Path]) -> None:
    """Opens the system's file chooser by this press, and picks these photos there."""
    async with page.expect_file_chooser() as chooser:
        await press
    await (await chooser.value).set_files(photos)


async def test_forty_photos_become_approved_drafts_by_keys_alone(visit: Visit, closet: Any) -> None:
    async with visit() as page:
        await page.goto("/")
        await tab_to(page, "input[name=files]")
        await choose(page, page.keyboard.press("Space"), closet("keys", 5, 8))
        await tab_to(page, "#all-audience")
        await page.keyboard.type("Wom")
        await tab_to(page, "[type=submit]")
        batch = await read(page, page.keyboard.press("Enter"))
        await tab_to(page, f"#batch-{batch} .primary")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/drafts**")
        await tab_to(page, "#review")
        await page.keyboard.press("Enter")
        presses = 0
        for _ in range(5):
            await expect(page.locator(".checklist")).to_be_visible()
            await page.keyboard.press("3")
            await expect(page.locator(".checklist")).to_be_hidden()
            before = page.url
            await page.keyboard.press("a")
            await page.wait_for_url(lambda url, before=before: url.partition("?")[0] != before.partition("?")[0])
            presses += 2
        states = [draft["state"] for draft in await ask(page, f"/drafts?batch_id={batch}")]
        assert states == ["approved"] * 5
        print(f"\nkeys: {presses / 5} presses a draft, after {len(states)} items of 40 photos")
        assert presses / 5 <= 3


async def test_forty_photos_become_approved_drafts_by_touch_alone(visit: Visit, closet: Any) -> None:
    async with visit(phone=True, language="fr-FR", dark=True) as page:
        await page.goto("/")
        await choose(page, page.locator("label", has=page.locator("input[name=files]")).tap(), closet("touch", 5, 8))
        await page.locator("#all-audience").select_option("women")
        batch = await read(page, page.get_by_role("button", name="Lire les photos").tap())
        await page.locator(f"#batch-{batch} .primary").tap()
        await page.locator("#review").tap()
        taps = 0
        for _ in range(5):
            await page.locator(".pill", has_text="Très bon état").tap()
            await expect(page.locator(".checklist")).to_be_hidden()
            before = page.url
            await page.locator(".bar .primary").tap()
            await page.wait_for_url(lambda url, before=before: url.partition("?")[0] != before.partition("?")[0])
            taps += 2
        assert {draft["state"] for draft in await ask(page, f"/drafts?batch_id={batch}")} == {"approved"}
        print(f"\ntouch: {taps / 5} taps a draft")


async def test_the_board_by_mouse_by_keys_and_back(visit: Visit, closet: Any, address: str) -> None:
    async with visit() as page:
        batch = await hand_in(address, closet("board", 3, 3))
        await page.goto(f"/batches/{batch}")
        a, b, c = start = await places(page)
        await tile(page, a[2]).drag_to(tile(page, b[0]), target_position={"x": 10, "y": 20})
        await until(page, moved := [a[:2], [a[2], *b], c])
        await tile(page, b[1]).focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Shift+ArrowRight")
        await expect(page.locator(".hand-count")).to_have_text("2 photos")
        await page.keyboard.press("n")
        await until(page, split := [a[:2], [a[2], b[0]], b[1:], c])
        await tile(page, c[1]).focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("c")
        await until(page, [*split[:3], [c[1], c[0], c[2]]])
        await expect(tile(page, c[1])).to_be_focused()
        await page.keyboard.press("V")  # with caps lock
        await expect(page.locator("#look img")).to_have_attribute("src", re.compile(f"{c[1]}[?]size=full"))
        await page.keyboard.press("Escape")
        for earlier in (split, moved, start):
            await page.keyboard.press("Control+z")
            await until(page, earlier)
        await page.keyboard.press("y")
        await until(page, moved)
        await tile(page, c[2]).focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Delete")
        await until(page, [*moved[:2], c[:2]])
        await expect(tile(page, c[1])).to_be_focused()
        await expect(page.locator(".reading")).to_have_count(0)
        drafts = await ask(page, f"/drafts?batch_id={batch}")
        assert sorted(len(d["photos"]) for d in drafts) == [2, 2, 4]


async def test_the_board_by_touch_and_what_changed_elsewhere(visit: Visit, closet: Any, address: str) -> None:
    async with visit(phone=True, language="fr-FR", expected=("409", "ERR_FAILED")) as page:
        batch = await hand_in(address, closet("phone", 2, 3))
        await page.goto(f"/batches/{batch}")
        a, b = await places(page)
        await tile(page, a[0]).tap()
        await tile(page, a[1]).tap()
        await page.locator(".item").nth(1).locator(".pick").tap()
        await until(page, [[*b, *a[:2]], a[2:]])
        await page.get_by_role("button", name="Annuler").tap()
        await until(page, [a, b])
        await tile(page, b[2]).tap()
        await page.get_by_role("button", name="Supprimer").tap()
        await until(page, [a, b[:2]])
        await expect(page.locator(".bin summary")).to_have_text("1 photo supprimée")
        await tile(page, a[0]).tap()
        await tile(page, b[0]).tap()
        await page.evaluate("document.querySelector('photo-board').dataset.revision = 1")
        await page.get_by_role("button", name="Fusionner").tap()
        await expect(page.locator(".toast[role=alert]")).to_contain_text("autre fenêtre")
        await page.get_by_role("button", name="Fusionner").tap()
        await until(page, [[*a, *b[:2]]])
        await page.route("**/board", lose_the_answer, times=1)
        await tile(page, b[1]).tap()
        await page.locator("[data-do=new]").tap()
        await expect(page.locator(".toast[role=alert]")).to_contain_text("injoignable")
        await tile(page, a[2]).tap()
        await page.locator("[data-do=cover]").tap()  # waits for its turn
        await page.evaluate("dispatchEvent(new Event('online'))")
        await until(page, [[a[2], *a[:2], b[0]], [b[1]]])
        await page.locator("[data-do=undo]").tap()
        await until(page, [[*a, b[0]], [b[1]]])


async def lose_the_answer(route: Route) -> None:
    """What is asked for is done, and nobody hears of it."""
    await route.fetch()
    await route.abort()


async def test_a_draft_saves_itself_and_undoes(visit: Visit, drafts: list[dict[str, Any]]) -> None:
    draft = drafts[0]
    async with visit(
        expected=("409", "403", "ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "htmx:sendError", "htmx:afterRequest")
    ) as page:
        await _edit_elsewhere(page, draft["id"], {"condition": "good"})
        await page.goto(f"/drafts/{draft['id']}")
        before = await page.locator("#edit [name=revision]").input_value()
        await page.dispatch_event("body", "keydown", {"key": "&", "code": "Digit1"})  # 1 on a French keyboard
        await expect(page.locator("#condition-new-with-tags")).to_be_checked()
        await expect(page.locator("#edit [name=revision]")).not_to_have_value(before)
        await expect(page.locator("#field-condition .standing")).to_contain_text("said by you")
        await _what_is_not_saved_says_why(page)
        await page.get_by_label("Price", exact=True).fill("14.50")
        await page.get_by_label("Title", exact=True).focus()
        await expect(page.locator(".draft-head .price")).to_have_text("€14.50")
        await expect(page.locator("#field-price .standing")).to_contain_text("said by you")
        await page.get_by_role("button", name="Polo").click()
        await expect(page.locator("#category")).to_have_value("polo")
        await page.locator("#brand").fill("qqq")
        await expect(page.locator("brand-search [role=status]")).to_contain_text("Not in our list")
        await page.locator("#brand").fill("zar")
        await page.get_by_role("option", name="Zara", exact=True).click()
        await expect(page.locator("#field-brand .standing")).to_contain_text("said by you")
        before = await page.locator("#edit [name=revision]").input_value()
        await page.get_by_role("combobox", name="Search: dress").fill("robe")
        await page.locator("category-search [role=option]").first.click()
        await expect(page.locator("#category")).to_have_value("maxi-dress")
        await expect(page.locator("#edit [name=revision]")).not_to_have_value(before)
        await page.locator("[data-key=u]").click()
        await expect(page.locator("#category")).to_have_value("polo")
        await page.locator("[data-key=u]").click()
        await expect(page.locator("#brand")).to_have_value("Kiabi")
        await page.get_by_label("Title", exact=True).fill("Mine")
        await _edit_elsewhere(page, draft["id"], {"title": "Theirs, meanwhile"})
        await page.get_by_label("Title", exact=True).blur()
        await expect(page.locator("[role=alert]")).to_contain_text("Nothing you typed is lost")
        await expect(page.locator(".theirs")).to_contain_text("Theirs, meanwhile")
        await page.get_by_label("Title", exact=True).fill("Mine, after all")
        await page.locator(".bar .primary").click()  # the change is saved by the script first, then the button goes on
        await page.wait_for_url(re.compile("said=(approved|all_reviewed)"))
        stored = await ask(page, f"/drafts/{draft['id']}")
        assert (stored["fields"]["title"]["value"], stored["state"]) == ("Mine, after all", "approved")


async def _what_is_not_saved_says_why(page: Page) -> None:
    """And is sent again once the server is in reach."""
    saved = page.locator(".saved")
    await page.context.set_offline(True)
    await page.get_by_label("Price", exact=True).fill("11")
    await page.get_by_label("Price", exact=True).blur()
    await expect(saved).to_contain_text("out of reach")
    await page.context.set_offline(False)
    await expect(page.locator(".draft-head .price")).to_have_text("€11")
    await page.route("**/drafts/*", lose_the_answer, times=1)
    await page.get_by_label("Price", exact=True).fill("13")
    await page.get_by_label("Price", exact=True).blur()
    await expect(saved).to_contain_text("out of reach")
    await page.get_by_label("Price", exact=True).fill("15")
    await page.locator("[name=parcel][value=large]").check(force=True)
    await expect(page.locator(".draft-head .price")).to_have_text("€15")
    await expect(page.locator("#field-parcel .standing")).to_contain_text("said by you")
    await expect(page.locator("[role=alert]")).to_have_count(0)
    await expect(page.locator("#field-description .standing")).not_to_contain_text("said by you")
    token = page.locator("#edit [name=token]")
    kept = await token.input_value()
    await token.evaluate("token => (token.value = 'old')")
    await page.get_by_label("Price", exact=True).fill("12")
    await page.get_by_label("Price", exact=True).blur()
    await expect(saved).to_contain_text("Load it again")
    await token.evaluate("(token, kept) => (token.value = kept)", kept)


async def test_drafts_are_published_from_the_page(visit: Visit, closet: Any, address: str) -> None:
    """Some of them, as chosen, also after a mistake; then put in order and cancelled."""
    batch = await hand_in(address, closet("publish", 3, 2), audience="women", condition="good")
    ids = [draft["id"] for draft in await ask(address, f"/drafts?batch_id={batch}")]
    account = {"username": "publisher", "cookies": "access_token_web=a", "base_url": "http://127.0.0.1:9"}
    async with visit(expected=("422",)) as page:
        made = await (await page.context.request.post("/api/v1/accounts", data=account)).json()
        await page.context.request.patch(f"/api/v1/accounts/{made['id']}", data={"paused": True})
        await page.goto("/publish")
        await page.get_by_label("All of this page").uncheck()
        for one in ids[:2]:
            await page.locator(f"#row-{one} [name=draft]").check(force=True)
        await page.locator("#account").select_option(made["id"])
        await page.locator("[name=mode][value=draft]").check()
        await page.locator("#spread").select_option("2h")
        await page.locator("#at").fill("soon")
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("[role=alert]")).to_contain_text("This time can’t be used")
        assert await page.locator("[name=draft]:checked").evaluate_all("all => all.map(one => one.value)") == ids[:2]
        await page.locator("#at").fill("18h30")
        await page.get_by_role("button", name="Start").click()
        lines = page.locator(".queue li")
        await expect(lines).to_have_count(2)
        first, second = [str(await one.get_attribute("id")) for one in await lines.all()]
        await page.locator(f"#up-{second}").click()
        await expect(page.locator(".queue li").first).to_have_id(second)
        await page.locator(f"#cancel-{first}").click()
        await page.locator(f"#cancel-{second}").click()
        await expect(page.locator(f"[id='{second}'].state-cancelled")).to_be_visible()
        asked = [one for one in await ask(page, "/publications") if one["account_id"] == made["id"]]
        assert {(one["draft_id"], one["mode"], one["state"]) for one in asked} == {
            (one, "draft", "cancelled") for one in ids[:2]
        }


async def test_a_change_made_while_another_is_being_saved_is_kept(visit: Visit, drafts: list[dict[str, Any]]) -> None:
    draft = drafts[1]

    async def slowly(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    async with visit() as page:
        await page.goto(f"/drafts/{draft['id']}")
        await expect(page.locator(".scripted #edit")).to_be_attached()
        await page.route(f"**/drafts/{draft['id']}", slowly)
        await page.locator("[name=condition][value=very-good]").check(force=True)
        await page.locator("[name=parcel][value=large]").check(force=True)
        await page.locator("[data-key=u]").click()  # waits until both are saved, and takes back the last
        await page.wait_for_url("**said=undone*")
        kept = await ask(page, f"/drafts/{draft['id']}")
        assert kept["fields"]["condition"]["value"] == "very-good"
        assert kept["fields"]["parcel"]["value"] == draft["fields"]["parcel"]["value"] != "large"
        assert kept["revision"] >= draft["revision"] + 3, "two changes, and one taken back"
        derived = {name: kept["fields"][name]["evidence"][0]["source"] for name in ("title", "description", "price")}
        assert "seller" not in derived.values(), derived


async def _edit_elsewhere(page: Page, draft_id: str, fields: dict[str, Any]) -> None:
    revision = (await (await page.context.request.get(f"/api/v1/drafts/{draft_id}")).json())["revision"]
    answer = await page.context.request.patch(
        f"/api/v1/drafts/{draft_id}", data={"revision": revision, "fields": fields}
    )
    assert answer.ok


async def test_evidence_is_shown_where_it_was_read(visit: Visit, drafts: list[dict[str, Any]]) -> None:
    draft = drafts[2]
    async with visit(phone=True) as page:
        await page.goto(f"/drafts/{draft['id']}")
        await page.locator("#field-brand .standing").tap()
        await expect(page.locator("#why-brand")).to_be_visible()
        await expect(page.locator("#why-brand")).to_contain_text("Read on photo 1: “KIABI”")
        await page.get_by_role("link", name="Say the item's condition.").tap()
        await expect(page.locator("#field-condition")).to_be_in_viewport()
        await expect(page.locator("#condition-new-with-tags")).to_be_focused()


async def test_an_upload_that_is_cut_off_goes_on(visit: Visit, closet: Any, tmp_path: Path) -> None:
    """Also beside another tab's, and where the server has forgotten it; and why none can begin is said."""
    photos = closet("cut", 2, 2)
    (note := tmp_path / "note.txt").write_text("no photo at all")
    async with visit(expected=("ERR_FAILED", "net::", "404", "409")) as page:
        await page.goto("/")
        pieces: list[str] = []
        page.on("request", lambda asked: pieces.append(asked.url) if asked.method == "PUT" else None)
        await page.route("**/files/1?*", lambda route: route.abort())
        await page.locator("input[name=files]").set_input_files([*photos, note])
        await expect(page.locator(".file-refused")).to_contain_text("This is not a photo.")
        await expect(page.locator(".file-failed")).to_have_count(1, timeout=SECOND)
        await page.unroute("**/files/1?*")
        await _hand_in_beside(page, draw_one(tmp_path / "beside.jpg", seed="beside", seconds=0))
        await page.reload()
        before = len(pieces)
        await page.locator("input[name=files]").set_input_files(photos)
        await expect(page.locator(".file-whole")).to_have_count(4)
        assert len(pieces) - before == 1, "only what was missing is sent"
        forgotten = pieces[-1].partition("/files/")[0]
        await page.context.request.delete(forgotten)
        batch = await read(page, page.locator("[type=submit]").click())
        assert (await ask(page, f"/bulk/jobs/{batch}"))["photos"] == {"accepted": 4}
        others = [await page.context.request.post("/api/v1/uploads") for _ in range(8)]
        await page.locator("input[name=files]").set_input_files(photos[:1])
        await expect(page.locator(".drop-said")).to_contain_text("Too many uploads are open")
        for other in others:
            await page.context.request.delete(f"/api/v1/uploads/{(await other.json())['id']}")
        await page.locator(".drop-retry").click()
        await expect(page.locator(".file-duplicate")).to_contain_text("Here already")
        await page.get_by_role("button", name="Clear").click()


async def _hand_in_beside(page: Page, photo: Path) -> None:
    """Another tab of the same browser sends a photo of its own, and makes a batch of it."""
    beside = await page.context.new_page()
    await beside.goto("/")
    await beside.locator("input[name=files]").set_input_files(photo)
    await expect(beside.locator(".file-whole")).to_have_count(1)
    batch = await read(beside, beside.locator("[type=submit]").click())
    assert (await ask(beside, f"/bulk/jobs/{batch}"))["photos"] == {"accepted": 1}
    await beside.close()


async def test_many_drafts_are_changed_at_once(visit: Visit, closet: Any, address: str) -> None:
    async with visit() as page:
        batch = await hand_in(address, closet("bulk", 3, 2), audience="women")
        ids = [draft["id"] for draft in await ask(address, f"/drafts?batch_id={batch}")]
        await page.goto("/drafts?as=list&show=todo")
        for draft_id in ids[:2]:
            await page.locator(f"#row-{draft_id} .row-tick").click()
        await page.get_by_label("Condition", exact=True).select_option("good")
        await page.get_by_role("button", name="State for these").click()
        await expect(page.locator(".note-good")).to_have_text("2 drafts changed.")
        await page.goto("/drafts?as=list")
        for draft_id in ids:
            await page.locator(f"#row-{draft_id} .row-tick").click()
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator("[role=status].note")).to_contain_text("2 drafts changed. 1 could not be")
        await expect(page.locator(f"#row-{ids[2]} .problem")).to_be_visible()
        states = [(await ask(page, f"/drafts/{one}"))["state"] for one in ids]
        assert states == ["approved", "approved", "open"]
        count = int(await page.locator("#filter-all .count").inner_text())
        await page.get_by_label("Condition", exact=True).select_option("good")
        await page.locator("h1").click()
        await hand_in(address, closet("from another phone", 1, 2))
        await expect(page.locator("#filter-all .count")).to_have_text(str(count + 1))
        await expect(page.locator(f"#row-{ids[2]} .problem")).to_be_visible()
        await expect(page.get_by_label("Condition", exact=True)).to_have_value("good")
        await expect(page.locator(".bulk")).to_be_visible()


HIDE = """(hidden) => { Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange")); }"""


async def test_a_draft_being_read_comes_by_itself(
    visit: Visit, drafts: list[dict[str, Any]], settings_here: Settings
) -> None:
    """Also on a phone that slept meanwhile."""

    def put(state: str) -> None:
        with Database(settings_here.database).session() as session:
            session.get_one(Draft, drafts[7]["id"]).state = state

    put("reading")
    async with visit() as page:
        await page.goto(f"/drafts/{drafts[7]['id']}")
        await expect(page.locator("#live")).to_contain_text("being read")
        await page.evaluate(HIDE, True)
        put("open")
        await page.evaluate(HIDE, False)
        await expect(page.locator("#edit")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True])
async def test_settings_are_previewed_saved_and_put_back(visit: Visit, phone: bool) -> None:
    # A preview may be under way when the form is sent.
    left_behind = ("htmx:sendError", "htmx:sendAbort", "htmx:afterRequest")
    async with visit(phone=phone, dark=phone, expected=("422", *left_behind)) as page:
        await page.goto("/settings")
        await page.locator("main").get_by_role("link", name=re.compile("^Titles and descriptions")).last.click()
        title = page.get_by_label("Own template for titles")
        await title.fill("{{ brand }} – {{ sze }}")
        await expect(page.locator("#title_template-fault")).to_have_text(re.compile("Line 1: there is no “sze”"))
        await expect(title).to_have_value("{{ brand }} – {{ sze }}")
        await page.get_by_role("button", name="Save").click()
        await expect(title).to_have_attribute("aria-invalid", "true")
        await title.fill("{{ brand }} – {{ size }}")
        await expect(page.locator("#preview")).to_contain_text("Zara – M")
        await expect(page.locator("#title_template-fault")).to_be_hidden()
        await page.get_by_text("Minimal", exact=True).click()
        await expect(page.locator("#preview .preview-text")).to_contain_text("Robe Zara, taille M")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator(".note-good")).to_have_text("Saved.")
        kept = await ask(page, "/preferences")
        assert (kept["tone"], kept["title_template"]) == ("minimal", "{{ brand }} – {{ size }}")
        await page.get_by_role("button", name="Back to the defaults").click()
        await expect(page.locator(".note-good")).to_have_text("Back to the defaults.")
        assert (await ask(page, "/preferences"))["title_template"] is None
        await page.goto("/settings/reader")
        await page.get_by_role("button", name="Test it").click()
        await expect(page.locator(".note-good")).to_contain_text("It reads: answered in")
        await choose_a_model(page)
        await page.goto("/admin")
        await expect(page.locator(".check", has_text="Database")).to_contain_text("SQLite")
        await page.goto("/admin/log?event=request")
        await page.locator(".log summary").first.click()
        await expect(page.locator(".log pre").first).to_contain_text('"event": "request_answered"')


async def choose_a_model(page: Page) -> None:
    """By taps: what was typed stays while a test is told, and a key is never shown again."""
    key, address = page.get_by_label("Key", exact=True), page.get_by_label("Address", exact=True)
    await expect(address).to_be_hidden()
    await page.get_by_text("A vision model", exact=True).click()
    await page.get_by_text("Ollama", exact=True).click()
    await expect(address).to_have_value("http://localhost:11434/v1")
    await expect(page.get_by_label("Model", exact=True)).to_have_value("qwen2.5vl")
    await address.fill("http://127.0.0.1:9/v1")
    await key.fill("sk-typed-on-the-page-0123")
    await page.get_by_role("button", name="Test this").click()
    told = expect(page.locator("#trial"))
    await told.to_contain_text("Nothing answers at this address.", timeout=60_000)  # the client is loaded for it first
    await expect(key).to_have_value("sk-typed-on-the-page-0123")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".note-good")).to_have_text("Saved. It holds from the next batch on.")
    await expect(key).to_have_value("")
    await expect(page.locator("#key-hint")).to_contain_text("ends in 0123")
    await expect(page.locator(".foot")).to_contain_text("127.0.0.1:9")
    await page.get_by_role("button", name="Back to what the environment says").click()
    await expect(page.locator(".note-good")).to_contain_text("Forgotten")
    await expect(address).to_be_hidden()


async def test_evidence_and_preview_follow_the_eye_and_the_hand(visit: Visit, drafts: list[dict[str, Any]]) -> None:
    """At a look, without anything moving; and what is typed stands in the preview before it is saved."""
    draft = drafts[3]
    async with visit() as page:
        await page.add_init_script(SHIFTS)
        await page.goto(f"/drafts/{draft['id']}")
        await page.evaluate("window.shifts = 0")
        await page.locator("#field-brand .standing").hover()
        await expect(page.locator("#field-brand .peek")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#field-brand .peek")).to_be_hidden()
        await page.locator("#condition-label").hover()
        await page.locator("#brand").focus()
        await page.keyboard.press("Shift+Tab")
        await expect(page.locator("#field-brand .standing")).to_be_focused()
        await expect(page.locator("#field-brand .peek")).to_be_visible()
        assert await page.evaluate("window.shifts") == 0
        await page.get_by_label("Title", exact=True).fill("Mine, half typed")
        await page.get_by_label("Price", exact=True).press_sequentially("7")
        preview = page.locator("#preview")
        await expect(preview).to_contain_text("Mine, half typed")
        await expect(preview.locator("[data-of=price]")).to_have_text("€73")
        assert (await ask(page, f"/drafts/{draft['id']}"))["fields"]["price"]["value"] == "3", "not saved yet"
    async with visit(phone=True, language="fr-FR", dark=True) as page:
        await page.goto(f"/drafts/{draft['id']}")
        await page.get_by_role("button", name="Aperçu").tap()
        await expect(page.locator("#preview")).to_be_visible()
        await expect(page.locator("#edit")).to_be_hidden()
        await page.get_by_role("button", name="Champs").tap()
        await expect(page.locator("#edit")).to_be_visible()


@pytest.mark.parametrize("page_of", ["review", "board"])
async def test_what_is_pressed_before_the_scripts_are_there_waits(
    visit: Visit, drafts: list[dict[str, Any]], page_of: str
) -> None:
    draft = drafts[4]
    path = f"/drafts/{draft['id']}" if page_of == "review" else f"/batches/{draft['batch_id']}"
    let_go = asyncio.Event()

    async def late(route: Route) -> None:
        await let_go.wait()
        await route.continue_()

    async with visit() as page:
        await page.route(f"**/{page_of}.js*", late)
        await page.goto(path, wait_until="commit")
        await expect(page.locator("main h1")).to_be_visible()
        if page_of == "review":
            await page.keyboard.press("3")
            let_go.set()
            await expect(page.locator("[name=condition][value=very-good]")).to_be_checked()
            await expect(page.locator(".checklist")).to_be_hidden()
        else:
            await page.locator(".tile button").nth(1).click()
            await page.keyboard.press("Escape")
            await page.locator(".tile button").nth(2).click()
            let_go.set()
            await expect(page.locator(".hand-count")).to_have_text("1 photo")
        await page.locator("h1").click()
        await page.keyboard.press("?")
        await expect(page.locator("#keys")).to_be_visible()
        await page.keyboard.press("?")
        await expect(page.locator("#keys")).to_be_hidden()


class Puzzle:
    """A page that waits for its owner."""

    challenge = "hcaptcha"

    async def frames(self) -> AsyncIterator[bytes]:
        (picture := io.BytesIO()).name = "frame.jpg"
        Image.new("RGB", (320, 180), "teal").save(picture)
        yield picture.getvalue()
        await asyncio.sleep(60)

    async def act(self, event: InputEvent) -> None:
        raise AssertionError(event)

    async def solved(self) -> bool:
        return False


async def test_the_live_view_opens_in_place(visit: Visit, app: FastAPI, waiting: str) -> None:
    runtime: Runtime = app.state.runtime
    with runtime.live.showing(runtime.user_id, waiting, Puzzle(), limit=60):
        async with visit() as page:
            await page.goto("/publications")
            await page.locator(f"#loud-{waiting}").click()
            await expect(page.locator("dialog live-view")).to_have_attribute("data-state", "open")
            await expect(page.locator("dialog canvas")).to_be_focused()
            await page.get_by_role("button", name="Close").click()
            await expect(page.locator("live-view")).to_have_count(0)
            assert page.url.endswith("/publications")


async def test_the_queue_is_right_after_a_restart(browser: Browser, tmp_path: Path) -> None:
    """The page stays open; what happened meanwhile stands on it once the server is back."""
    settings = Settings(data=tmp_path / "data")
    with serving(create_app(settings, run_jobs=False, analyzer=ScriptedReader())) as url:
        context = await browser.new_context(base_url=url, locale="en-GB")
        page = await context.new_page()
        await page.goto("/publications")
        await expect(page.locator(".empty")).to_be_visible()
    await expect(page.locator("#lost")).to_be_visible()
    with Database(settings.database).session() as session:
        user = session.exec(select(User)).one()
        account = Account(user_id=user.id, username="m", base_url="http://127.0.0.1:9", state="ready")
        session.add(account)
        session.flush()
        add_publication(session, account, state="needs_person", error_code="challenge", sheet={"title": "Coat"})
    port = urlsplit(url).port
    assert port is not None
    with serving(create_app(settings, run_jobs=False, analyzer=ScriptedReader()), port=port):
        await expect(page.locator(".loud")).to_contain_text("Coat")
        await expect(page.locator("#lost")).to_be_hidden()
    await context.close()


@pytest.fixture(scope="module")
def waiting(settings_here: Settings, drafts: list[dict[str, Any]]) -> str:
    """Publications of every kind of end, so that no page is empty; the id of one that waits at a challenge."""
    with Database(settings_here.database).session() as session:
        user = session.exec(select(User)).one()
        account = Account(user_id=user.id, username="marie", base_url="http://127.0.0.1:9", state="session_expired")
        batch = Batch(user_id=user.id, state="done")
        session.add_all([account, batch])
        session.flush()
        for number, state in enumerate(("confirmed", "failed", "rehearsed", "confirmed_with_differences")):
            give(session, (user.id, batch.id, account.id), number, state, ago=number)
        add_publication(session, account, state="needs_person", error_code="uncertain", sheet={"title": "Hat"})
        made = add_publication(session, account, state="needs_person", error_code="challenge", sheet={"title": "Coat"})
        return made.id


async def test_every_page_is_accessible_narrow_and_light(
    visit: Visit, drafts: list[dict[str, Any]], waiting: str
) -> None:
    """Axe and the figures of every page, at a light desk in English and on a dark phone in French."""
    from axe_playwright_python.base import AXE_FILE_PATH

    axe = AXE_FILE_PATH.read_text()
    ids = {"draft_id": drafts[5]["id"], "batch_id": drafts[5]["batch_id"], "publication_id": waiting}
    pages = [route.removeprefix("GET ") for route in PROBES if route.startswith("GET /") and "/api/" not in route]
    paths = [page.format(**ids) for page in pages if page not in NO_PAGES] + ["/drafts?as=list", "/nothing"]
    assert len(paths) >= 16, "each page of the isolation walk's map"
    faults: list[str] = []
    sizes: dict[str, int] = {}
    for phone, language, dark in ((False, "en-GB", False), (True, "fr-FR", True)):
        async with visit(phone=phone, language=language, dark=dark, expected=("404", "403")) as page:
            await page.add_init_script(WATCH)
            await page.goto("/nothing")  # a browser's very first page may be seen before its styles are there
            for path in paths:
                faults += await _faults(page, path, axe, sizes)
    assert faults == []


TABLETS: list[ViewportSize] = [{"width": 1024, "height": 768}, {"width": 768, "height": 1024}]
NO_PAGES = {
    *("/health", "/ready", "/metrics", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc", "/static"),
    *("/manifest.webmanifest", "/catalog/brands", "/catalog/categories"),
}
"""What is fetched by programs and by the pages, not read."""
SHIFTS = """window.shifts = 0; window.shifted = []; new PerformanceObserver((list) => list.getEntries().forEach(
  ({ value, sources }) => { window.shifts += value;
    window.shifted.push(...sources.map(({ node, previousRect, currentRect }) =>
      `${previousRect.y} to ${currentRect.y}: ${(node?.outerHTML ?? node?.data ?? "").slice(0, 60)}`)); }
  )).observe({ type: "layout-shift" });"""
FIGURES = """async () => {
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  const files = performance.getEntriesByType("resource").filter(({ name }) => !/[/]photos[/]|screenshot/.test(name));
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const [page] = performance.getEntriesByType("navigation");
  return { files: files.map((file) => [file.name, file.decodedBodySize]), requests: files.length + 1,
    page: page.decodedBodySize, long: window.long, shift: window.shifts, shifted: window.shifted,
    paint: Math.round(paint?.startTime ?? 0), wide: document.documentElement.scrollWidth - innerWidth };
}"""
"""Beside the pictures, of which there are as many as photos. Times are printed alone: they are the machine's."""
MOST = {"wide": 0, "script": 100_000, "requests": 24, "bytes": 300_000, "shift": 0.1}
"""What no page goes beyond. A shift up to 0.1 is what Lighthouse calls good."""
WATCH = (
    SHIFTS
    + """ window.long = 0; new PerformanceObserver((list) => (window.long += list.getEntries().length))
  .observe({ type: "longtask", buffered: true });"""
)


async def _faults(page: Page, path: str, axe: str, sizes: dict[str, int]) -> list[str]:
    """What is wrong with this page. `sizes` are those of all files so far: a cached one is told as nothing."""
    await page.goto(path)
    figures = await page.evaluate(FIGURES)
    files: dict[str, int] = dict(figures.pop("files"))
    sizes.update({name: max(size, sizes.get(name, 0)) for name, size in files.items()})
    figures["script"] = sum(sizes[name] for name in files if urlsplit(name).path.endswith(".js"))
    figures["style"] = sum(sizes[name] for name in files if urlsplit(name).path.endswith(".css"))
    figures["bytes"] = sum(sizes[name] for name in files) + figures.pop("page")
    print(f"\n{'phone' if (page.viewport_size or DESK)['width'] < 400 else 'desk'} {path[:14]}: {figures}")
    faults = [f"{name} {figures[name]} {figures['shifted']}" for name, most in MOST.items() if figures[name] > most]
    if page.viewport_size == DESK:
        for size in TABLETS:
            await page.set_viewport_size(size)
            if (wide := await page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
                faults.append(f"{wide} pixels too wide at {size['width']}")
        await page.set_viewport_size(DESK)
    found = await page.evaluate(axe + '\n;axe.run({ resultTypes: ["violations"] })')
    faults += [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]]
    return [f"{path}: {fault}" for fault in faults]


async def test_everything_reads_without_script(browser: Browser, address: str, drafts: list[dict[str, Any]]) -> None:
    draft = drafts[6]
    context = await browser.new_context(base_url=address, viewport=PHONE, java_script_enabled=False, locale="en")
    plain = await context.new_page()
    for path in ("/", "/drafts", f"/drafts/{draft['id']}", f"/batches/{draft['batch_id']}", "/insights", "/nothing"):
        await plain.goto(path)
        assert await plain.locator("h1").count() == 1, path
    await plain.goto(f"/drafts/{draft['id']}")
    await plain.get_by_label("Price", exact=True).fill("33")
    await plain.get_by_role("button", name="Save").click()
    await expect(plain.locator(".note-good")).to_have_text("Saved.")
    await expect(plain.locator(".draft-head .price")).to_have_text("€33")
    await context.close()
