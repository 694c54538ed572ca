"""The route meets a challenge: who is asked, how often, and what is done twice afterwards (nothing that must not be).

The owner here acts on the open page through its port; `test_live_view.py` does it through VintedBot's own page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Error

from backend.core import metrics
from backend.core.captcha_solver import TwoCaptchaSolver
from backend.core.errors import AccountRestricted, ChallengeRaised, Conflict, UncertainError, VintedNetworkError
from backend.core.modes import Mode
from backend.core.retry_utils import waiting_by
from backend.marketplace.port import AccountSession, Filled, InputEvent, ListingSheet, OpenPage, Outcome, Permit
from backend.marketplace.vinted_web import handover
from backend.marketplace.vinted_web.browser import Browsers
from backend.marketplace.vinted_web.live_view import LivePage, shown_live
from backend.marketplace.vinted_web.route import VintedWebRoute
from backend.marketplace.vinted_web.session import visit
from backend.marketplace.vinted_web.traffic import Traffic
from backend.sandbox.loopback import serving
from backend.sandbox.server import Sandbox
from backend.sandbox.solver_api import SolverApi, running_solver_api

if TYPE_CHECKING:
    from conftest import Journal

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def sheet(sheet: ListingSheet) -> ListingSheet:
    """Two photos, so that one can be refused between them; the rest is short."""
    return replace(sheet, photos=sheet.photos[:2], colours=sheet.colours[:1], materials=())


@dataclass
class Owner:
    """Ticks the box as a person would; `sandbox` forgets it again where they are asked `again`."""

    sandbox: Sandbox
    again: bool = False
    asked: list[str] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)

    async def ask(self, page: OpenPage) -> None:
        self.asked.append(page.challenge)
        async for picture in page.frames():
            self.frames.append(picture)
            break
        x, y = await box_of(page)
        await page.act(InputEvent("down", x, y))
        await page.act(InputEvent("up", x, y))
        while not await page.solved():
            await asyncio.sleep(0.1)
        if self.again:
            self.sandbox.state.cleared_challenges.clear()


async def box_of(view: OpenPage) -> tuple[float, float]:
    """Where a person sees the box: shares of the page's width and height."""
    assert isinstance(view, LivePage)
    page = view._page
    for frame in page.frames:
        try:
            if await frame.locator("#checkbox").count() and (box := await frame.locator("#checkbox").bounding_box()):
                assert page.viewport_size is not None
                width, height = page.viewport_size["width"], page.viewport_size["height"]
                return (box["x"] + box["width"] / 2) / width, (box["y"] + box["height"] / 2) / height
        except Error:
            continue
    raise AssertionError("no box is shown")


@pytest.fixture
def owner(sandbox: Sandbox) -> Owner:
    return Owner(sandbox)


@pytest.fixture
def service() -> Iterator[SolverApi]:
    """A solver's service; the waits for it are not waited."""
    with running_solver_api() as api, waiting_by(lambda _: None):
        yield api


@dataclass
class Attempts:
    browsers: Browsers
    journal: Journal
    account: AccountSession

    async def put(
        self, sheet: ListingSheet, owner: Owner | None, *, mode: Mode = "draft", solver: TwoCaptchaSolver | None = None
    ) -> Outcome:
        route = VintedWebRoute(self.browsers, diagnostics_dir=None, step_timeout=4, solver=solver)
        return await route.put(
            self.account,
            sheet,
            mode,
            before_submit=self.journal.before_submit,
            progress=self.journal.progress,
            ask_owner=owner.ask if owner else None,
        )


@pytest.fixture
def attempts(browsers: Browsers, journal: Journal, account: AccountSession) -> Attempts:
    return Attempts(browsers, journal, account)


def detected() -> dict[str, float]:
    counted = {kind: metrics.captcha_detected_total.labels(type=kind)._value.get() for kind in metrics.CHALLENGE_TYPES}
    return {kind: number for kind, number in counted.items() if number}


@pytest.fixture
def counted() -> dict[str, float]:
    """The counts before the test, for `since`."""
    return detected()


def since(before: dict[str, float]) -> dict[str, float]:
    return {kind: number - before.get(kind, 0) for kind, number in detected().items() if number > before.get(kind, 0)}


async def test_photos_refused_in_between_are_given_again_and_none_twice(
    sandbox: Sandbox, attempts: Attempts, owner: Owner, sheet: ListingSheet, counted: dict[str, float],
    kept: list[Any],
) -> None:  # fmt: skip
    sandbox.set_fault("challenge_json", "photos", times=-1, skip=1)
    outcome = await attempts.put(sheet, owner)
    (item,) = sandbox.received()["items"]
    assert (owner.asked, since(counted)) == (["datadome"], {"datadome": 1})
    assert len(item["photos"]) == 2 and outcome.differences == ()
    assert sandbox.received()["counts"]["photos"] == 2, "the first one was not sent again"
    assert owner.frames[0].startswith(b"\xff\xd8")
    clearance = [c["name"] for c in kept[0]["cookies"]]
    assert "datadome" in clearance, "kept as soon as it was solved, not only at the end"
    assert attempts.journal.steps.count("photos") == 2


async def test_after_a_refused_click_the_button_is_pressed_again_with_a_new_permit(
    sandbox: Sandbox, attempts: Attempts, owner: Owner, journal: Journal, sheet: ListingSheet
) -> None:
    sandbox.set_fault("challenge_json", "submit", times=-1)
    outcome = await attempts.put(sheet, owner, mode="publish")
    received = sandbox.received()
    assert [str(item["id"]) for item in received["items"]] == [outcome.listing_id]
    assert received["requests"]["POST /api/v2/item_upload/items"] == 2
    assert len(journal.filled) == 2 and journal.stored_before == [0, 0]
    assert received["counts"]["photos"] == 2


async def test_a_page_that_was_loaded_anew_is_filled_anew(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The challenge that only an answer spoke of: the page is loaded once more to see it."""
    monkeypatch.setattr(handover, "SHOWN_WITHIN", 0.5)
    sandbox.set_fault("html_for_json", "photos", times=1, skip=1)
    outcome = await attempts.put(sheet, owner)
    (item,) = sandbox.received()["items"]
    assert owner.asked == [] and outcome.listing_id == str(item["id"]) and len(item["photos"]) == 2


async def test_a_challenge_nobody_can_see_is_raised_after_one_more_look(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "SHOWN_WITHIN", 0.5)
    fault = sandbox.set_fault("html_for_json", "photos", times=-1)
    with pytest.raises(ChallengeRaised):
        await attempts.put(sheet, owner)
    assert (fault.hits, owner.asked, sandbox.received()["items"]) == (2, [], [])


async def test_a_doubtful_answer_to_the_click_is_no_challenge_to_hand_over(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, owner: Owner
) -> None:
    sandbox.set_fault("html_for_json", "draft", times=-1)
    with pytest.raises(UncertainError):
        await attempts.put(sheet, owner)
    assert owner.asked == [] and sandbox.received()["requests"]["POST /api/v2/item_upload/drafts"] == 1


async def test_the_owner_is_asked_so_often_and_no_more(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, owner: Owner, monkeypatch: pytest.MonkeyPatch,
    counted: dict[str, float],
) -> None:  # fmt: skip
    monkeypatch.setattr(handover, "MOST", 2)
    owner.again = True
    sandbox.set_fault("challenge_json", "photos", times=-1)
    with pytest.raises(ChallengeRaised):
        await attempts.put(sheet, owner)
    assert len(owner.asked) == 2 and since(counted) == {"datadome": 3}


@pytest.mark.parametrize("error", [ChallengeRaised("late", challenge="datadome"), Conflict("x", code="journal_moved")])
async def test_what_the_owner_side_raises_ends_the_attempt_and_frees_its_place(
    error: Exception, sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet
) -> None:
    class Absent(Owner):
        async def ask(self, page: OpenPage) -> None:
            assert attempts.browsers._slots._value == free, "the place is lent meanwhile"
            raise error

    free = attempts.browsers._slots._value
    sandbox.set_fault("challenge", "form", times=-1)
    with pytest.raises(type(error)) as raised:
        await attempts.put(sheet, Absent(sandbox))
    assert raised.value is error
    assert attempts.browsers._slots._value == free


async def test_a_page_that_died_is_a_passing_fault(sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet) -> None:
    class Unlucky(Owner):
        async def ask(self, page: OpenPage) -> None:
            assert isinstance(page, LivePage)
            await page._page.close()
            assert [frame async for frame in page.frames()] == []
            with pytest.raises(VintedNetworkError):
                await page.act(InputEvent("move", 0.5, 0.5))
            await page.solved()

    sandbox.set_fault("challenge", "form", times=-1)
    with pytest.raises(VintedNetworkError, match="no longer open"):
        await attempts.put(sheet, Unlucky(sandbox))


async def test_another_account_goes_on_while_one_waits(
    sandbox: Sandbox, journal: Journal, account: AccountSession, sheet: ListingSheet
) -> None:
    browsers = Browsers(contexts=1)
    zoe = AccountSession(sandbox.url, "zoe", sandbox.create_account("zoe"))
    sandbox.set_fault("challenge", "form", times=-1, account="lea")
    published: list[Outcome] = []

    class Patient(Owner):
        async def ask(self, page: OpenPage) -> None:
            published.append(await Attempts(browsers, journal, zoe).put(sheet, None))
            await super().ask(page)

    try:
        outcome = await Attempts(browsers, journal, account).put(sheet, Patient(sandbox))
    finally:
        await browsers.aclose()
    ids = [str(item["id"]) for item in sandbox.received()["items"]]
    assert sorted(ids) == sorted([published[0].listing_id or "", outcome.listing_id or ""])


WIDGET = {"where": "form", "times": -1, "status": 200}


async def test_the_service_solves_it_and_the_owner_is_left_alone(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, owner: Owner, service: SolverApi,
    counted: dict[str, float],
) -> None:  # fmt: skip
    sandbox.set_fault("hcaptcha", **WIDGET)
    async with TwoCaptchaSolver(service.key, base_url=service.url) as solver:
        outcome = await attempts.put(sheet, owner, solver=solver)
    assert (owner.asked, since(counted)) == ([], {"hcaptcha": 1})
    (order,) = service.orders
    assert order["sitekey"] == "10000000-ffff-ffff-ffff-000000000001" and order["pageurl"].endswith("/items/new")
    assert [str(item["id"]) for item in sandbox.received()["items"]] == [outcome.listing_id]


@pytest.mark.parametrize(("on_order", "on_poll", "orders"), [("ERROR_ZERO_BALANCE", "", 1), ("", "not a token", 1)])
async def test_where_the_service_can_not_the_owner_does(
    on_order: str, on_poll: str, orders: int, sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, owner: Owner,
    service: SolverApi, counted: dict[str, float],
) -> None:  # fmt: skip
    """An error that asking again can't mend, and an answer that the page does not take."""
    service.on_order.extend([on_order] if on_order else [])
    service.on_poll.extend([on_poll] if on_poll else [])
    sandbox.set_fault("hcaptcha", **WIDGET)
    async with TwoCaptchaSolver(service.key, base_url=service.url) as solver:
        outcome = await attempts.put(sheet, owner, solver=solver)
    assert (owner.asked, since(counted), len(service.orders)) == (["hcaptcha"], {"hcaptcha": 1}, orders)
    assert [str(item["id"]) for item in sandbox.received()["items"]] == [outcome.listing_id]


async def test_the_service_is_not_asked_for_what_it_does_not_solve(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, service: SolverApi
) -> None:
    sandbox.set_fault("challenge", "form", times=-1)
    async with TwoCaptchaSolver(service.key, base_url=service.url) as solver:
        with pytest.raises(ChallengeRaised):
            await attempts.put(sheet, None, solver=solver)
    assert service.orders == []


OUTER = """<body style="margin:0"><iframe src="{inner}" style="position:absolute;left:100px;top:50px;width:400px;
height:300px;border:0" title="hcaptcha"></iframe><div class="h-captcha" data-sitekey="k">check</div></body>"""
INNER = """<body style="margin:0"><input id="a" style="position:absolute;left:20px;top:20px"><input id="b"
style="position:absolute;left:20px;top:80px"><div style="height:3000px"></div><script>window.heard = [];
for (const kind of ["mousedown", "keydown", "input", "wheel", "mousemove"])
  addEventListener(kind, (e) => heard.push([kind, e.isTrusted, e.key ?? "", e.buttons ?? 0]));</script></body>"""


async def test_mouse_keys_and_text_reach_a_frame_of_another_site(browsers: Browsers) -> None:
    app = FastAPI(openapi_url=None)
    app.get("/inner", response_class=HTMLResponse)(lambda: INNER)
    app.get("/outer", response_class=HTMLResponse)(lambda port: OUTER.format(inner=f"http://localhost:{port}/inner"))
    with serving(app) as url:
        async with browsers.context({}, locale="fr") as context:
            page = await context.new_page()
            await page.goto(f"{url}/outer?port={url.rsplit(':', 1)[1]}")
            inner = page.frames[1]
            await inner.locator("#a").wait_for()
            async with shown_live(page, Traffic(page, url), "hcaptcha") as view:
                x, y = (100 + 40) / 1280, (50 + 30) / 720
                for event in (
                    InputEvent("down", x, y),
                    InputEvent("move", x + 0.01, y),
                    InputEvent("up", x, y),
                    InputEvent("text", text="été “7”"),
                    InputEvent("key", text="Backspace"),
                    InputEvent("key", text="Tab"),
                    InputEvent("key", text="q"),
                    InputEvent("wheel", x, y, delta_y=200),
                ):
                    await view.act(event)
                assert await inner.locator("#a").input_value() == "été “7"
                assert await inner.locator("#b").input_value() == "q"
                await inner.wait_for_function("scrollY > 0")
                heard = await inner.evaluate("heard")
                assert all(trusted for _, trusted, _, _ in heard)
                assert {"mousedown", "keydown", "input", "wheel"} <= {kind for kind, *_ in heard}
                assert any(kind == "mousemove" and buttons == 1 for kind, _, _, buttons in heard), "a drag is a drag"
                await page.evaluate("document.querySelector('.h-captcha').remove()")
                await asyncio.sleep(0.6)
                await view.act(InputEvent("key", text="z"))
                assert await inner.locator("#b").input_value() == "q", "no challenge, no inputs"


LATE = """() => {
    const ask = window.fetch;
    window.fetch = (path, how) => {
        if (how?.method !== 'POST' || !path.includes('/drafts')) return ask(path, how);
        const frame = document.createElement('iframe');
        frame.src = '/__sandbox__/hcaptcha.com/captcha/v1';
        frame.style = 'position: fixed; inset: 0; width: 400px; height: 200px; background: white';
        document.body.append(frame);
        addEventListener('message', () => { frame.remove(); window.fetch = ask; });
        return new Promise(() => {});
    };
}"""


async def test_a_challenge_in_the_place_of_the_request_is_no_doubt(
    sandbox: Sandbox, attempts: Attempts, owner: Owner, journal: Journal, sheet: ListingSheet
) -> None:
    """The page's own script asks for a check instead of sending the form: surely nothing has left the browser."""
    permit = journal.before_submit

    async def before_submit(filled: Filled) -> Permit:
        if not journal.filled:
            browser = attempts.browsers._browser
            assert browser is not None
            await browser.contexts[0].pages[0].evaluate(LATE)
        return await permit(filled)

    journal.before_submit = before_submit  # type: ignore[method-assign]
    outcome = await attempts.put(sheet, owner)
    received = sandbox.received()
    assert owner.asked == ["hcaptcha"] and len(journal.filled) == 2
    assert received["requests"]["POST /api/v2/item_upload/drafts"] == 1
    assert [str(item["id"]) for item in received["items"]] == [outcome.listing_id]


LATE_WIDGET = """<h1>One moment</h1><script>setTimeout(() => { document.body.innerHTML =
'<iframe src="/hcaptcha.com/frame" width="300" height="100"></iframe>'; }, 400)</script>"""


async def test_a_denied_page_may_show_its_challenge_a_moment_later(browsers: Browsers) -> None:
    app = FastAPI(openapi_url=None)
    app.get("/late", response_class=HTMLResponse)(lambda: HTMLResponse(LATE_WIDGET, 403))
    app.get("/plain", response_class=HTMLResponse)(lambda: HTMLResponse("<h1>403</h1>", 403))
    app.get("/hcaptcha.com/frame", response_class=HTMLResponse)(lambda: "check")
    with serving(app) as url:
        async with browsers.context({}, locale="fr") as context:
            page = await context.new_page()
            with pytest.raises(ChallengeRaised, match="hcaptcha"):
                await visit(page, f"{url}/late")
            with pytest.raises(AccountRestricted):
                await visit(page, f"{url}/plain")
