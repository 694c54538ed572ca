"""What every page is held to: accessible, narrow, light, whole without script, and keys pressed early are kept."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, Route, ViewportSize, expect

from tests.browser.pages.seller import DESK, PHONE, SHIFTS, Visit
from tests.isolation import PROBES

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_every_page_is_accessible_narrow_and_light(visit: Visit, draft: dict[str, Any], waiting: str) -> None:
    """Axe and the figures of every page, at a light desk in English and on a dark phone in French."""
    from axe_playwright_python.base import AXE_FILE_PATH

    axe = AXE_FILE_PATH.read_text()
    ids = {"draft_id": draft["id"], "batch_id": draft["batch_id"], "publication_id": waiting}
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


async def test_everything_reads_without_script(browser: Browser, address: str, draft: dict[str, Any]) -> None:
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


@pytest.mark.parametrize("page_of", ["review", "board"])
async def test_what_is_pressed_before_the_scripts_are_there_waits(
    visit: Visit, draft: dict[str, Any], page_of: str
) -> None:
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
