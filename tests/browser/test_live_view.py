"""A challenge solved by hand in VintedBot's own page, by another browser: photos in, one listing out, at each moment.

The application, its jobs and the marketplace's page run on this loop; the owner looks on from a Chromium of their own.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, Page, async_playwright, expect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from backend.api.v1.routers import live
from backend.app import create_app
from backend.cli.photos import hand_in, report, watch
from backend.db.models import Publication, User
from backend.marketplace.vinted_web.browser import find_browser, launch
from backend.marketplace.vinted_web.live_view import LivePage
from backend.publications import service
from backend.publications.service import Order
from backend.runtime import Runtime
from backend.sandbox.server import Sandbox
from backend.settings import Settings
from backend.workflows.live import Opening
from tests.conftest import draw_one
from tests.fakes import ScriptedReader, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

DRAFTS = 9
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 700}, "locale": "fr-FR", "has_touch": True}


@dataclass
class House:
    """VintedBot at work at `url`, and the ids of ready drafts not yet used."""

    url: str
    runtime: Runtime
    drafts: list[str] = field(default_factory=list)
    names: int = 0

    async def publish(self, sandbox: Sandbox, mode: str = "draft") -> tuple[str, str]:
        """Asks for the next draft's publication, by an account of its own. Its id, and the account's name."""
        self.names += 1
        name = f"owner{self.names}"
        account = await signed_in(self.runtime, sandbox, name)
        publication = await self.runtime.publish(self.runtime.user_id, Order(self.drafts.pop(), account.id, mode))
        return publication.id, name

    async def row(self, publication_id: str) -> Publication:
        return await self.runtime.database.run(lambda s: s.get_one(Publication, publication_id))

    async def opened(self, publication_id: str) -> Opening:
        async with asyncio.timeout(60):
            while (opening := self.runtime.live.find(self.runtime.user_id, publication_id)) is None:
                await asyncio.sleep(0.05)
        return opening

    async def reaches(self, publication_id: str, *states: str) -> Publication:
        async with asyncio.timeout(60):
            while (row := await self.row(publication_id)).state not in states:
                await asyncio.sleep(0.1)
        return row


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    settings = Settings(data=folder / "data", browser_contexts=1, marketplace="http://127.0.0.1:9")
    app = create_app(settings, run_jobs=True, analyzer=ScriptedReader())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.05)
    runtime: Runtime = app.state.runtime
    runtime.web._step_timeout = 4  # a challenge in the middle of a field shows as a wait that runs out
    for number in range(DRAFTS):
        draw_one(folder / "photos" / f"{number}.jpg", seed=number, seconds=number * 600)
    batch = await hand_in(runtime, folder / "photos", {"audience": "women", "condition": "very-good"})
    await watch(runtime, batch, quiet=True)
    drafts = [row["id"] for row in (await report(runtime, batch))["drafts"] if row["publish_ready"]]
    yield House(f"http://127.0.0.1:{listener.getsockname()[1]}", runtime, drafts)
    server.should_exit = True
    await serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        running = await launch(driver, find_browser())
        yield running
        await running.close()


Look = Callable[[dict[str, Any]], Any]


@pytest_asyncio.fixture(loop_scope="module")
async def look(chromium: Browser, house: House) -> AsyncIterator[Look]:
    """Opens a page of VintedBot as its owner; nothing may be complained about in it."""
    complaints: list[str] = []
    contexts = []

    async def opened(how: dict[str, Any]) -> Page:
        context = await chromium.new_context(base_url=house.url, **how)
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = await context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert complaints == []


async def place_of_the_box(opening: Opening, page: Page) -> dict[str, float]:
    """Where on the canvas a person sees the box that is to be ticked."""
    assert isinstance(opening.page, LivePage)
    theirs = opening.page._page
    canvas = await page.locator("live-view canvas").bounding_box()
    for frame in theirs.frames[1:]:
        if box := await frame.locator("#checkbox").bounding_box():
            assert theirs.viewport_size is not None and canvas is not None
            scale = canvas["width"] / theirs.viewport_size["width"]
            return {"x": (box["x"] + box["width"] / 2) * scale, "y": (box["y"] + box["height"] / 2) * scale}
    raise AssertionError("no box is shown")


async def open_view(house: House, page: Page, publication_id: str) -> Opening:
    """From the list of publications to the view, and until the first picture is there."""
    opening = await house.opened(publication_id)
    await page.goto("/publications")
    await page.locator(f"#live-{publication_id}").click()
    await expect(page.locator("live-view")).to_have_attribute("data-state", "open")
    return opening


async def by_mouse(opening: Opening, page: Page) -> None:
    await page.locator("live-view canvas").click(position=await place_of_the_box(opening, page))  # type: ignore[arg-type]


async def by_finger(opening: Opening, page: Page) -> None:
    await page.locator("live-view canvas").tap(position=await place_of_the_box(opening, page))  # type: ignore[arg-type]


async def by_keys(opening: Opening, page: Page) -> None:
    """Without a pointer: the picture takes the focus and the keys; a phone's missing ones have buttons."""
    await page.locator("live-view canvas").focus()
    await page.keyboard.press("Tab")
    await page.get_by_role("button", name="Space").click()


MOMENTS: dict[str, tuple[str, str, dict[str, Any], str, dict[str, Any], Any]] = {
    "opening": ("challenge", "form", {}, "draft", DESK, by_keys),
    "wardrobe": ("challenge_json", "wardrobe", {}, "draft", DESK, by_mouse),
    "photos": ("challenge_json", "photos", {}, "draft", PHONE, by_finger),
    "attributes": ("challenge_json", "attributes", {}, "dry_run", PHONE, by_finger),
    "submit": ("challenge_json", "submit", {}, "publish", DESK, by_mouse),
}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_challenge_is_solved_by_hand_and_the_listing_is_there_once(
    moment: str, house: House, sandbox: Sandbox, look: Look
) -> None:
    kind, where, params, mode, device, solve = MOMENTS[moment]
    sandbox.set_fault(kind, where, times=-1, **params)
    publication_id, _ = await house.publish(sandbox, mode)
    page = await look(device)
    opening = await open_view(house, page, publication_id)
    assert await page.locator("html").evaluate("root => root.scrollWidth") <= device["viewport"]["width"]
    await solve(opening, page)
    await expect(page.locator("live-view")).to_have_attribute("data-state", "solved", timeout=20_000)
    await expect(page.locator("live-view")).to_have_count(0, timeout=20_000)  # it goes, and the queue is there
    row = await house.reaches(publication_id, "confirmed", "rehearsed", "failed", "uncertain")
    items = sandbox.received()["items"]
    if mode == "dry_run":
        assert (row.state, items) == ("rehearsed", [])
        return
    assert (row.state, row.differences, row.error) == ("confirmed", [], None)
    assert [str(item["id"]) for item in items] == [row.listing_id]
    assert len(items[0]["photos"]) == 1
    states = [e.state for e in await house.runtime.database.run(service.events_of, row.user_id, row.id)]
    assert states.count("needs_person") == 1
    assert states.count("submitting") == (2 if moment == "submit" else 1)


async def test_another_account_publishes_meanwhile_and_a_cancel_closes_the_page(
    house: House, sandbox: Sandbox, look: Look
) -> None:
    """With one place in the browser. Two look at the page, one from a phone."""
    stuck, name = f"owner{house.names + 1}", ""
    sandbox.set_fault("challenge", "form", times=-1, account=stuck)
    waiting, name = await house.publish(sandbox)
    assert name == stuck
    desk, phone = await look(DESK), await look(PHONE)
    opening = await open_view(house, desk, waiting)
    await open_view(house, phone, waiting)
    other, _ = await house.publish(sandbox)
    assert (await house.reaches(other, "confirmed", "failed")).state == "confirmed"
    list_page = await look(DESK)
    await list_page.goto("/publications")
    await list_page.locator(f"#cancel-{waiting}").click()
    for page in (desk, phone):
        await expect(page.locator("live-view")).to_have_attribute("data-state", "closed", timeout=20_000)
        assert await page.locator(".live-keys button").first.is_disabled()
    assert (await house.row(waiting)).state == "cancelled" and opening.ended == "closed"
    await desk.goto(f"/publications/{waiting}/live")
    await expect(desk.locator("main")).to_contain_text("No page is open")
    assert len(sandbox.received()["items"]) == 1
    async with asyncio.timeout(20):
        while house.runtime.web._browsers._browser.contexts:  # type: ignore[union-attr]
            await asyncio.sleep(0.1)


async def refused(url: str, **how: Any) -> int:
    with pytest.raises(InvalidStatus) as answer:
        async with connect(url, **how):
            pass
    return answer.value.response.status_code


async def test_only_the_owner_from_our_own_page_and_only_inputs(
    house: House, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.set_fault("challenge", "form", times=-1)
    publication_id, _ = await house.publish(sandbox)
    opening = await house.opened(publication_id)
    host = house.url.removeprefix("http://")
    view = f"ws://{host}/api/v1/publications/{publication_id}/live"
    assert await refused(view, origin="https://evil.example") == 403
    assert await refused(view, origin=f"http://localhost:{host.split(':')[1]}") == 403, "another name is another site"
    assert await refused(view, additional_headers={"Sec-Fetch-Site": "same-site"}) == 403
    assert await refused(f"ws://{host}/api/v1/publications/nothing/live") == 404
    with house.runtime.database.session() as session:  # from now on it is somebody else's
        stranger = User(name="stranger")
        session.add(stranger)
        session.flush()
        row = session.get_one(Publication, publication_id)
        owner, row.user_id = row.user_id, stranger.id
        session.commit()
    assert await refused(view) == 404
    with house.runtime.database.session() as session:
        session.get_one(Publication, publication_id).user_id = owner
        session.commit()
    opening.user_id = "somebody else"
    assert await refused(view) == 404, "the registry asks again"
    opening.user_id = owner
    bad: list[tuple[str | bytes, int]] = [
        ("no json", 1007),
        (b"\x00\x01", 1007),
        (json.dumps({"kind": "key", "text": "Control+w"}), 1007),
        (json.dumps({"kind": "down", "x": 1.5, "y": 0}), 1007),
        (json.dumps({"kind": "down", "x": "0.5", "y": 0}), 1007),
        (json.dumps({"kind": "text", "text": "a", "to": "elsewhere"}), 1007),
        (json.dumps({"kind": "text", "text": "a" * 501}), 1007),
        (json.dumps({"kind": "text", "text": "a" * 3000}), 1009),
    ]
    for message, code in bad:
        async with connect(view, origin=house.url) as socket_:  # type: ignore[arg-type]
            assert (await socket_.recv())[:2] == b"\xff\xd8"
            await socket_.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await socket_.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == code, message
    monkeypatch.setattr(live, "ALIVE_EVERY", 0.1)
    async with connect(view) as socket_:
        assert (await socket_.recv())[:2] == b"\xff\xd8", "a still page sends its picture at once"
        async with asyncio.timeout(5):
            while isinstance(said := await socket_.recv(), bytes):
                pass
        assert json.loads(said) == {"alive": True}
        await house.runtime.database.run(service.cancel, house.runtime.user_id, publication_id)
        async with asyncio.timeout(15):
            while isinstance(said := await socket_.recv(), bytes) or "alive" in said:
                pass
        assert json.loads(said) == {"ended": "closed"}
    with pytest.raises(ConnectionClosed):
        await socket_.recv()


async def test_time_runs_out_and_the_publication_goes_on_waiting_without_a_page(
    house: House, sandbox: Sandbox, look: Look
) -> None:
    sandbox.set_fault("challenge", "form", times=-1)
    publication_id, _ = await house.publish(sandbox)
    page = await look(PHONE)
    opening = await open_view(house, page, publication_id)
    opening.until = 0
    await expect(page.locator("live-view")).to_have_attribute("data-state", "timeLimit", timeout=15_000)
    async with asyncio.timeout(20):
        while (row := await house.row(publication_id)).claim is not None:
            await asyncio.sleep(0.1)
    assert (row.state, row.error_code, sandbox.received()["items"]) == ("needs_person", "challenge", [])
    await page.locator("dialog form[method=dialog] button").click()
    await expect(page.locator(f"#resume-{publication_id}")).to_be_visible()
    await expect(page.locator(f"#live-{publication_id}")).to_have_count(0)
