"""The page as a seller works on it, in a real browser: dropped photos to approved drafts, by mouse, keys and touch.

One server and one browser for the whole module: each test drops photos of its own and looks at its own batch.
"""

import asyncio
import json
import re
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, async_playwright, expect

from backend.app import create_app
from backend.core.listing import Alternative, Evidence, Field
from backend.core.reading import ItemReading, PhotoInput
from backend.marketplace.vinted_web.browser import find_browser, launch
from backend.sandbox.loopback import serving
from backend.settings import Settings
from tests.conftest import draw_one
from tests.fakes import ScriptedReader, t_shirt

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 860}
SECOND = 20_000
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
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(data=tmp_path_factory.mktemp("data"), marketplace="http://127.0.0.1:9")
    with serving(create_app(settings, run_jobs=True, analyzer=ScriptedReader(unsure_t_shirt))) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        running = await launch(driver, find_browser())
        yield running
        await running.close()


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


async def ask(page: Page, path: str) -> Any:
    url = f"http://{urlsplit(page.url).netloc}/api/v1{path}"
    return json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(url).read()))


async def drop(page: Page, photos: list[Path], **stated: str) -> str:
    """Drops the photos and waits until their drafts are read. Returns the batch."""
    await page.goto("/")
    await page.locator("input[name=files]").set_input_files(photos)
    for name, value in stated.items():
        await page.locator(f"#all-{name}").select_option(value)
    return await read(page, page.locator("[type=submit]").click())


async def read(page: Page, press: Awaitable[None]) -> str:
    """Presses the button and waits until what arrived is read. Returns the batch."""
    async with page.expect_response("**/finish") as answer:
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


async def test_forty_photos_become_approved_drafts_by_keys_alone(visit: Visit, closet: Any) -> None:
    async with visit() as page:
        await page.goto("/")
        await page.locator("input[name=files]").set_input_files(closet("keys", 10, 4))
        await page.locator("#all-audience").focus()
        await page.keyboard.type("Wom")
        await page.locator("[type=submit]").focus()
        batch = await read(page, page.keyboard.press("Enter"))
        await page.goto("/drafts?show=todo")
        await page.locator("#review").focus()
        await page.keyboard.press("Enter")
        presses = 0
        for _ in range(10):
            await expect(page.locator(".scripted .checklist")).to_be_visible()
            await page.keyboard.press("3")
            await expect(page.locator(".checklist")).to_be_hidden()
            before = page.url
            await page.keyboard.press("a")
            await page.wait_for_url(lambda url, before=before: url.partition("?")[0] != before.partition("?")[0])
            presses += 2
        states = [draft["state"] for draft in await ask(page, f"/drafts?batch_id={batch}")]
        assert states == ["approved"] * 10
        print(f"\nkeys: {presses / 10} presses a draft, after {len(states)} items of 40 photos")
        assert presses / 10 <= 3


async def test_forty_photos_become_approved_drafts_by_touch_alone(visit: Visit, closet: Any) -> None:
    async with visit(phone=True, language="fr-FR", dark=True) as page:
        await page.goto("/")
        await page.locator("input[name=files]").set_input_files(closet("touch", 10, 4))
        await page.locator("#all-audience").select_option("women")
        batch = await read(page, page.get_by_role("button", name="Lire les photos").tap())
        await page.locator(f"#batch-{batch} .primary").tap()
        await page.locator("#review").tap()
        taps = 0
        for _ in range(10):
            await page.locator(".pill", has_text="Très bon état").tap()
            await expect(page.locator(".checklist")).to_be_hidden()
            before = page.url
            await page.locator(".bar .primary").tap()
            await page.wait_for_url(lambda url, before=before: url.partition("?")[0] != before.partition("?")[0])
            taps += 2
        assert {draft["state"] for draft in await ask(page, f"/drafts?batch_id={batch}")} == {"approved"}
        print(f"\ntouch: {taps / 10} taps a draft")


async def test_the_board_by_mouse_by_keys_and_back(visit: Visit, closet: Any) -> None:
    async with visit() as page:
        batch = await drop(page, closet("board", 3, 3))
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
        for earlier in (split, moved, start):
            await page.keyboard.press("Control+z")
            await until(page, earlier)
        await page.keyboard.press("y")
        await until(page, moved)
        await expect(page.locator(".reading")).to_have_count(0)
        drafts = await ask(page, f"/drafts?batch_id={batch}")
        assert sorted(len(d["photos"]) for d in drafts) == [2, 3, 4]


async def test_the_board_by_touch_and_what_changed_elsewhere(visit: Visit, closet: Any) -> None:
    async with visit(phone=True, language="fr-FR", expected=("409",)) as page:
        batch = await drop(page, closet("phone", 2, 3))
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
        await expect(page.locator(".toast")).to_contain_text("autre fenêtre")
        await page.get_by_role("button", name="Fusionner").tap()
        await until(page, [[*a, *b[:2]]])


async def test_a_draft_saves_itself_and_undoes(visit: Visit, closet: Any) -> None:
    async with visit(expected=("409",)) as page:
        batch = await drop(page, closet("review", 1, 2), audience="women", condition="good")
        (draft,) = await ask(page, f"/drafts?batch_id={batch}")
        await page.goto(f"/drafts/{draft['id']}")
        await page.get_by_label("Price", exact=True).fill("14.50")
        await page.get_by_label("Title", exact=True).focus()
        await expect(page.locator(".draft-head .price")).to_have_text("€14.50")
        await expect(page.locator("#field-price .standing")).to_contain_text("said by you")
        await page.get_by_role("button", name="Polo").click()
        await expect(page.locator("#category")).to_have_value("polo")
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


async def test_a_change_made_while_another_is_being_saved_is_kept(visit: Visit, closet: Any) -> None:
    async def slowly(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    async with visit() as page:
        batch = await drop(page, closet("slow", 1, 2), audience="women", condition="good")
        (draft,) = await ask(page, f"/drafts?batch_id={batch}")
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


async def _edit_elsewhere(page: Page, draft_id: str, fields: dict[str, Any]) -> None:
    revision = (await ask(page, f"/drafts/{draft_id}"))["revision"]
    answer = await page.context.request.patch(
        f"/api/v1/drafts/{draft_id}", data={"revision": revision, "fields": fields}
    )
    assert answer.ok


async def test_evidence_is_shown_where_it_was_read(visit: Visit, closet: Any) -> None:
    async with visit(phone=True) as page:
        batch = await drop(page, closet("evidence", 1, 2))
        (draft,) = await ask(page, f"/drafts?batch_id={batch}")
        await page.goto(f"/drafts/{draft['id']}")
        await page.locator("#field-brand .standing").tap()
        await expect(page.locator("#why-brand")).to_be_visible()
        await expect(page.locator("#why-brand")).to_contain_text("Read on photo 1: “KIABI”")
        await page.get_by_role("link", name="Say the item's condition.").tap()
        await expect(page.locator("#field-condition")).to_be_in_viewport()
        await expect(page.locator("#condition-new-with-tags")).to_be_focused()


async def test_an_upload_that_is_cut_off_goes_on(visit: Visit, closet: Any, tmp_path: Path) -> None:
    photos = closet("cut", 2, 2)
    (note := tmp_path / "note.txt").write_text("no photo at all")
    async with visit(expected=("ERR_FAILED", "net::")) as page:
        await page.goto("/")
        pieces: list[str] = []
        page.on("request", lambda asked: pieces.append(asked.url) if asked.method == "PUT" else None)
        await page.route("**/files/1?*", lambda route: route.abort())
        await page.locator("input[name=files]").set_input_files([*photos, note])
        await expect(page.locator(".file-refused")).to_contain_text("This is not a photo.")
        await expect(page.locator(".file-failed")).to_have_count(1, timeout=SECOND)
        await page.unroute("**/files/1?*")
        await page.reload()
        before = len(pieces)
        await page.locator("input[name=files]").set_input_files(photos)
        await expect(page.locator(".file-whole")).to_have_count(4)
        assert len(pieces) - before == 1, "only what was missing is sent"
        batch = await read(page, page.locator("[type=submit]").click())
        assert (await ask(page, f"/bulk/jobs/{batch}"))["photos"] == {"accepted": 4}
        await page.locator("input[name=files]").set_input_files(photos[:1])
        await expect(page.locator(".file-duplicate")).to_contain_text("Here already")
        await page.get_by_role("button", name="Clear").click()


async def test_many_drafts_are_changed_at_once(visit: Visit, closet: Any) -> None:
    async with visit() as page:
        batch = await drop(page, closet("bulk", 3, 2), audience="women")
        ids = [draft["id"] for draft in await ask(page, f"/drafts?batch_id={batch}")]
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
        await page.goto("/admin")
        await expect(page.locator(".check", has_text="Database")).to_contain_text("SQLite")
        await page.goto("/admin/log?event=request")
        await page.locator(".log summary").first.click()
        await expect(page.locator(".log pre").first).to_contain_text('"event": "request_answered"')


async def test_every_page_is_accessible_narrow_and_light(visit: Visit, closet: Any) -> None:
    from axe_playwright_python.base import AXE_FILE_PATH

    axe = AXE_FILE_PATH.read_text()
    batch, paths = "", []
    for phone, language, dark in ((False, "en-GB", False), (True, "fr-FR", True)):
        async with visit(phone=phone, language=language, dark=dark, expected=("404",)) as page:
            if not batch:
                batch = await drop(page, closet("axe", 2, 2))
                (draft, _) = await ask(page, f"/drafts?batch_id={batch}")
                paths = [
                    *("/", "/drafts?as=list", f"/drafts/{draft['id']}", f"/batches/{batch}", "/publications"),
                    *(
                        "/wardrobe",
                        "/wardrobe/import",
                        "/accounts",
                        "/drafts",
                        "/publish",
                        "/notifications",
                        "/nothing",
                    ),
                    *("/settings", *(f"/settings/{one}" for one in SETTINGS), "/security", "/people"),
                    *("/admin", "/admin/limits", "/admin/log", "/admin/settings", "/forgotten", "/email"),
                ]
            await page.add_init_script(WATCH)
            for path in paths[: 8 if phone else None]:  # the others are set as narrow by the same rules
                await _look_at(page, path, axe)


SETTINGS = ("general", "batches", "words", "pace", "notifications", "reader")
FIGURES = """() => {
  const files = performance.getEntriesByType("resource");
  const weigh = (kind) => files.filter(({ name }) => kind.test(name)).reduce((sum, f) => sum + f.decodedBodySize, 0);
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return { requests: files.length + 1, script: weigh(/[.]js($|[?])/), style: weigh(/[.]css/), long: window.long,
    paint: Math.round(paint?.startTime ?? 0), wide: document.documentElement.scrollWidth - innerWidth };
}"""
WATCH = """window.long = 0; new PerformanceObserver((list) => (window.long += list.getEntries().length))
  .observe({ type: "longtask", buffered: true });"""


async def _look_at(page: Page, path: str, axe: str) -> None:
    await page.goto(path)
    figures = await page.evaluate(FIGURES)
    print(f"\n{'phone' if (page.viewport_size or DESK)['width'] < 400 else 'desk'} {path[:12]}: {figures}")
    assert figures["wide"] <= 0, path
    assert figures["script"] < 100_000, path
    found = await page.evaluate(axe + "\n;axe.run()")
    broken = [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]]
    assert broken == [], (path, broken)


async def test_everything_reads_without_script(visit: Visit, closet: Any, browser: Browser, address: str) -> None:
    async with visit() as page:
        batch = await drop(page, closet("plain", 1, 2), audience="women", condition="good")
        (draft,) = await ask(page, f"/drafts?batch_id={batch}")
    context = await browser.new_context(base_url=address, viewport=PHONE, java_script_enabled=False, locale="en")
    plain = await context.new_page()
    for path in ("/", "/drafts", f"/drafts/{draft['id']}", f"/batches/{batch}", "/publications", "/nothing"):
        await plain.goto(path)
        assert await plain.locator("h1").count() == 1, path
    await plain.goto(f"/drafts/{draft['id']}")
    await plain.get_by_label("Price", exact=True).fill("33")
    await plain.get_by_role("button", name="Save").click()
    await expect(plain.locator(".note-good")).to_have_text("Saved.")
    await expect(plain.locator(".draft-head .price")).to_have_text("€33")
    await context.close()
