"""What a visitor of the sandbox meets around the form: the banner, the sign-in, challenges, answers that never come."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from backend.sandbox.server import Sandbox


@pytest.fixture
def page(sync_browser: Browser, sandbox: Sandbox) -> Iterator[Page]:
    context = sync_browser.new_context(storage_state=sandbox.create_account("lea"))
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def accept(page: Page) -> None:
    page.click("#onetrust-accept-btn-handler")


def test_the_banner_covers_clicks_until_it_is_answered(page: Page, sandbox: Sandbox) -> None:
    page.goto(f"{sandbox.url}/items/new")
    with pytest.raises(Error, match="intercepts pointer events"):
        page.get_by_test_id("title--input").click(timeout=1500)
    accept(page)
    page.get_by_test_id("title--input").click()
    page.reload()
    expect(page.locator("#onetrust-banner-sdk")).to_have_count(0)
    assert page.locator("[data-testid=user-menu-button] img").get_attribute("alt") == "lea"


def test_the_owner_signs_in(sync_browser: Browser, sandbox: Sandbox) -> None:
    sandbox.state.add_account("ana", "secret")
    context = sync_browser.new_context()
    page = context.new_page()
    page.goto(f"{sandbox.url}/items/new")
    assert "/member/login" in page.url
    accept(page)
    for password, there in (("wrong", "/member/login"), ("secret", "/items/new")):
        page.fill("#username", "ana")
        page.fill("#password", password)
        page.locator("button[type=submit]").click()
        page.wait_for_url(f"**{there}")
    names = {cookie["name"] for cookie in context.cookies()}
    assert {"access_token_web", "refresh_token_web", "anon_id"} <= names
    context.close()


def test_a_session_that_ran_out_is_refreshed_or_ends_at_the_sign_in(page: Page, sandbox: Sandbox) -> None:
    sandbox.expire_sessions("lea", refresh_too=False)
    page.goto(f"{sandbox.url}/items/new")
    expect(page.get_by_test_id("title--input")).to_be_visible()
    assert sandbox.received()["requests"]["GET /session-refresh"] == 1
    page.wait_for_load_state("networkidle")  # a call of the form under way would lead to the sign-in by itself
    sandbox.expire_sessions("lea")
    page.goto(f"{sandbox.url}/items/new")
    assert "/member/login" in page.url


@pytest.mark.parametrize("kind", ["challenge", "hcaptcha"])
def test_a_person_solves_a_challenge_and_the_page_goes_on(kind: str, page: Page, sandbox: Sandbox) -> None:
    sandbox.set_fault(kind, times=-1)
    answer = page.goto(f"{sandbox.url}/items/new")
    assert answer is not None and answer.status == 403
    (frame,) = (f for f in page.frames if f != page.main_frame)
    assert frame.url.startswith(sandbox.url) and any(n in frame.url for n in ("captcha-delivery.com", "hcaptcha.com"))
    frame.locator("#checkbox").evaluate("el => el.click()")
    assert frame.locator("#checkbox").get_attribute("aria-checked") == "false", "only a person's click counts"
    frame.locator("#checkbox").click()
    expect(page.get_by_test_id("title--input")).to_be_visible()


def test_a_correct_token_solves_the_widget_and_a_wrong_one_does_not(page: Page, sandbox: Sandbox) -> None:
    sandbox.set_fault("hcaptcha", times=-1)
    page.goto(f"{sandbox.url}/items/new")
    assert page.locator("[data-sitekey]").get_attribute("data-sitekey")
    put = "value => { document.querySelector('textarea[name=h-captcha-response]').value = value }"
    page.evaluate(put, "nonsense")
    expect(page.locator("#challenge-error")).to_be_visible()
    page.evaluate(put, "P1_from-a-solver")
    expect(page.get_by_test_id("title--input")).to_be_visible()


def test_an_address_ban_cannot_be_solved(page: Page, sandbox: Sandbox) -> None:
    sandbox.set_fault("address_ban", times=-1)
    page.goto(f"{sandbox.url}/items/new")
    assert "'t': 'bv'" in page.content()
    expect(page.frame_locator("iframe").locator("#checkbox")).to_have_count(0)


def test_a_challenge_to_the_form_is_laid_over_it_and_solved_there(page: Page, sandbox: Sandbox) -> None:
    sandbox.set_fault("challenge_json", "draft", times=-1)
    page.goto(f"{sandbox.url}/items/new")
    accept(page)
    page.get_by_test_id("title--input").fill("Pull")
    page.get_by_test_id("upload-form-save-draft-button").click()
    page.frame_locator("iframe[src*='captcha-delivery.com']").locator("#checkbox").click()
    expect(page.locator("iframe")).to_have_count(0)
    page.get_by_test_id("upload-form-save-draft-button").click()
    page.wait_for_url("**/member/*")
    assert [item["title"] for item in sandbox.received()["items"]] == ["Pull"]


@pytest.mark.parametrize(("kind", "stored"), [("dropped_after", 1), ("dropped_before", 0)])
def test_a_dropped_answer_is_dropped_once_and_not_sent_again(
    kind: str, stored: int, page: Page, sandbox: Sandbox
) -> None:
    fault = sandbox.set_fault(kind, "draft")
    failed: list[str | None] = []
    page.on("requestfailed", lambda request: failed.append(request.failure))
    page.goto(f"{sandbox.url}/items/new")
    accept(page)
    page.get_by_test_id("title--input").fill("Pull")
    page.get_by_test_id("upload-form-save-draft-button").click()
    expect(page.get_by_test_id("upload-form-error")).to_be_visible()
    assert failed in (["net::ERR_EMPTY_RESPONSE"], ["net::ERR_CONNECTION_RESET"])
    assert fault.hits == 1 and sandbox.received()["requests"]["POST /api/v2/item_upload/drafts"] == 1
    assert len(sandbox.received()["items"]) == stored


def test_the_wrong_account_is_the_one_the_header_shows(page: Page, sandbox: Sandbox) -> None:
    sandbox.set_fault("wrong_account", times=-1, username="mallory")
    page.goto(f"{sandbox.url}/items/new")
    assert page.locator("[data-testid=user-menu-button] img").get_attribute("alt") == "mallory"


def test_no_request_leaves_the_machine(page: Page, sandbox: Sandbox) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for kind in ("challenge", "hcaptcha", "cloudflare_1020"):
        sandbox.set_fault(kind, "form")
        page.goto(f"{sandbox.url}/items/new")
        page.wait_for_load_state("networkidle")
    page.goto(f"{sandbox.url}/items/new")
    expect(page.get_by_test_id("catalog-select-dropdown-input")).to_be_visible()
    assert all(url.startswith((sandbox.url, "data:", "blob:")) for url in asked)
