"""The board of photos: by mouse, keys and touch, taken back, and when an answer is lost."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import CDPSession, Locator, Page, expect

from tests.browser.pages.seller import MINUTE, Visit, ask, hand_in, lose_the_answer

pytestmark = pytest.mark.asyncio(loop_scope="package")


MERGE_UNAWARE = """() => { document.querySelector("photo-board").dataset.revision = 1;
  document.querySelector("[data-do=merge]").click(); }"""
"""At once, before the board looks again by itself: what changed elsewhere isn't known here."""


async def places(page: Page) -> list[list[str]]:
    """Photo ids by item as the board shows them."""
    script = "items => items.map(item => [...item.querySelectorAll('.tile')].map(tile => tile.dataset.photo))"
    found: list[list[str]] = await page.locator(".item").evaluate_all(script)
    return found


async def until(page: Page, wanted: list[list[str]]) -> None:
    async with asyncio.timeout(MINUTE / 1000):
        while (found := await places(page)) != wanted:
            assert found is not None
            await asyncio.sleep(0.05)


def tile(page: Page, photo: str) -> Locator:
    return page.locator(f"#p-{photo} button")


async def test_the_board_by_mouse_by_keys_and_back(visit: Visit, closet: Any, address: str) -> None:
    async with visit() as page:
        batch = await hand_in(address, closet("board", 3, 3))
        await page.goto(f"/batches/{batch}")
        a, b, c = start = await places(page)
        async with page.expect_response(re.compile("known=")) as answer:
            await tile(page, a[2]).drag_to(tile(page, b[0]), target_position={"x": 10, "y": 20})
        news = await (await answer.value).text()
        assert (all(photo in news for photo in (*a, *b)), c[0] in news) == (True, False), "the changed cards alone"
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
        await page.evaluate(MERGE_UNAWARE)
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


async def until_so(page: Page, script: str) -> None:
    """Playwright's own wait is an eval in the page, which the page's policy forbids."""
    async with asyncio.timeout(MINUTE / 1000):
        while not await page.evaluate(script):
            await asyncio.sleep(0.05)


async def at_rest(page: Page) -> None:
    """Nothing has rolled for five pictures."""
    await page.evaluate("""() => new Promise((rested) => {
        let last = scrollY, same = 0;
        const look = () => {
            same = scrollY === last ? same + 1 : 0;
            last = scrollY;
            same < 5 ? requestAnimationFrame(look) : rested();
        };
        look();
    })""")


class Finger:
    """One finger on the glass, as the screen tells the browser of it."""

    def __init__(self, screen: CDPSession) -> None:
        self.screen = screen

    async def tell(self, kind: str, *at: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in at]
        await self.screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    async def slide(self, start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> None:
        for n in range(1, steps + 1):
            share = n / steps
            x, y = (a + (b - a) * share for a, b in zip(start, end, strict=True))
            await self.tell("touchMove", (x, y))


async def left_of(photo: Locator) -> tuple[float, float]:
    """A place on the photo that means: before this one."""
    box = await photo.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 4, box["y"] + box["height"] / 2


async def test_a_finger_that_rests_drags_and_one_that_swipes_scrolls(visit: Visit, closet: Any, address: str) -> None:
    """A photo goes to an item that is far below, where the page rolls to by itself."""
    async with visit(phone=True, language="fr-FR") as page:
        batch = await hand_in(address, closet("finger", 6, 3))
        await page.goto(f"/batches/{batch}")
        start = await places(page)
        finger = Finger(await page.context.new_cdp_session(page))
        ghost = page.locator(".ghost")
        at = await left_of(tile(page, start[1][0]))
        await finger.tell("touchStart", at)
        await finger.slide(at, (at[0], at[1] - 260))
        await finger.slide((at[0], at[1] - 260), (at[0], at[1] - 260))  # comes to rest, so that nothing rolls on
        await finger.tell("touchEnd")
        await until_so(page, "scrollY > 100")
        assert (await ghost.count(), await places(page)) == (0, start)
        await expect(page.locator(".hand")).to_be_hidden()
        await at_rest(page)
        await page.evaluate("scrollTo(0, 0)")
        await at_rest(page)

        at = await left_of(tile(page, start[0][2]))
        await finger.tell("touchStart", at)
        await expect(ghost).to_be_visible()
        await expect(page.locator(".hand-count")).to_have_text("1 photo")
        edge = (180.0, 735.0)
        await finger.slide(at, edge)
        await until_so(page, "scrollY + innerHeight >= document.documentElement.scrollHeight - 2")
        await finger.slide(edge, await left_of(tile(page, start[5][1])))
        await expect(tile(page, start[5][1]).locator("..")).to_have_class(re.compile("before"))
        await finger.tell("touchEnd")
        await expect(ghost).to_have_count(0)
        a, *others, f = start
        await until(page, [a[:2], *others, [f[0], a[2], *f[1:]]])
        drafts = await ask(page, f"/drafts?batch_id={batch}")
        assert sorted(len(draft["photos"]) for draft in drafts) == [2, 3, 3, 3, 3, 4]
