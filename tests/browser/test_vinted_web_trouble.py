"""What can stand in the way: before the click an error one can act on, after it never a second click."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Page

from backend.core.errors import (
    AccountRestricted,
    AddressBanned,
    ChallengeRaised,
    ListingRejected,
    NotClicked,
    SessionExpired,
    SessionMissing,
    UncertainError,
    VerificationWall,
    VintedBotError,
    VintedNetworkError,
    VintedRateLimitError,
    VintedTimeoutError,
    WrongAccount,
)
from backend.core.modes import Mode
from backend.marketplace.port import AccountSession, ListingSheet, Permit
from backend.marketplace.vinted_web import attempt, route, session
from backend.marketplace.vinted_web.session import open_form
from backend.sandbox.server import Sandbox

if TYPE_CHECKING:
    from conftest import Attempts, Journal

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def sheet(sheet: ListingSheet) -> ListingSheet:
    """A short one: how every field is filled is not the question here."""
    return replace(sheet, photos=sheet.photos[:1], colours=sheet.colours[:1], materials=())


BEFORE: list[tuple[str, str | None, dict[str, Any], type[VintedBotError], str]] = [
    ("redirect", None, {"to": "/member/login"}, SessionExpired, "vintedbot login"),
    ("session_expired", None, {}, SessionExpired, "vintedbot login"),
    ("wrong_account", "form", {}, WrongAccount, "someone_else"),
    ("redirect", None, {"to": "/"}, VintedNetworkError, "instead of showing the form"),
    ("verification_wall", None, {}, VerificationWall, "verify"),
    ("address_ban", "form", {}, AddressBanned, "network address"),
    ("cloudflare_1020", "form", {}, AddressBanned, "network address"),
    ("forbidden", "form", {}, AccountRestricted, "403"),
    ("challenge", None, {}, ChallengeRaised, "datadome"),
    ("hcaptcha", None, {}, ChallengeRaised, "hcaptcha|widget"),
    ("hcaptcha", None, {"status": 200}, ChallengeRaised, "hcaptcha|widget"),
    ("rate_limited", "form", {"retry_after": 77}, VintedRateLimitError, "slow down"),
    ("server_error", "form", {"status": 503}, VintedNetworkError, "503"),
    ("dropped_before", "form", {}, VintedNetworkError, "can't be reached"),
    ("rate_limited", "photos", {"retry_after": 77}, VintedRateLimitError, "slow down"),
    ("server_error", "photos", {}, VintedNetworkError, "500"),
    ("dropped_before", "photos", {}, VintedNetworkError, "dropped"),
    ("challenge_json", "photos", {}, ChallengeRaised, "datadome"),
    ("html_for_json", "photos", {}, ChallengeRaised, "datadome"),
    ("validation_error", "photos", {}, ListingRejected, "front.jpg"),
    ("challenge_json", "attributes", {}, ChallengeRaised, "datadome"),
    ("rate_limited", "attributes", {}, VintedRateLimitError, "slow down"),
]


@pytest.mark.parametrize(("kind", "where", "params", "error", "says"), BEFORE, ids=[f"{b[0]}-{b[1]}" for b in BEFORE])
async def test_before_the_click_the_cause_is_named_and_nothing_is_submitted(
    kind: str, where: str | None, params: dict[str, Any], error: type[VintedBotError], says: str,
    sandbox: Sandbox, attempts: Attempts, journal: Journal, sheet: ListingSheet,
) -> None:  # fmt: skip
    sandbox.set_fault(kind, where, times=-1, **params)
    with pytest.raises(error, match=says) as raised:
        await attempts.put(sheet, "publish")
    assert type(raised.value) is error
    assert journal.filled == [] and sandbox.received()["items"] == []
    if isinstance(raised.value, VintedRateLimitError):
        assert raised.value.retry_after == params.get("retry_after", 30)


AFTER: list[tuple[Mode, str, dict[str, Any], type[VintedBotError], str, int]] = [
    ("draft", "dropped_after", {}, UncertainError, "dropped", 1),
    ("publish", "dropped_after", {}, UncertainError, "dropped", 1),
    ("publish", "dropped_before", {}, UncertainError, "dropped", 0),
    ("publish", "server_error", {"status": 502}, UncertainError, "502", 0),
    ("draft", "latency", {"seconds": 10.0}, UncertainError, "no answer", 0),
    ("draft", "html_for_json", {}, UncertainError, "names no listing", 0),
    ("draft", "validation_error", {"field": "price", "value": "bas"}, ListingRejected, "price: bas", 0),
    ("publish", "rate_limited", {"retry_after": 77}, VintedRateLimitError, "429", 0),
    ("draft", "forbidden", {}, AccountRestricted, "403", 0),
    ("publish", "challenge_json", {}, ChallengeRaised, "datadome", 0),
]


@pytest.mark.parametrize(
    ("mode", "kind", "params", "error", "says", "there"), AFTER, ids=[f"{a[0]}-{a[1]}" for a in AFTER]
)
async def test_after_the_click_there_is_no_second_one(
    kind: str, params: dict[str, Any], error: type[VintedBotError], says: str, there: int, mode: Mode,
    sandbox: Sandbox, attempts: Attempts, journal: Journal, sheet: ListingSheet,
) -> None:  # fmt: skip
    sandbox.set_fault(kind, mode, times=-1, **params)
    with pytest.raises(error, match=says) as raised:
        await attempts.put(sheet, mode)
    assert type(raised.value) is error
    assert len(journal.filled) == 1
    path = {"draft": "POST /api/v2/item_upload/drafts", "publish": "POST /api/v2/item_upload/items"}[mode]
    assert sandbox.received()["requests"][path] == 1, "exactly one submission left the browser"
    assert len(sandbox.received()["items"]) == there


class LateAtTheDoor(Permit):
    """Good when the button is pressed, expired when the request is about to leave."""

    looks = 0

    @property
    def expired(self) -> bool:
        type(self).looks += 1
        return self.looks > 1


@pytest.mark.parametrize("permit", [Permit(0.0), LateAtTheDoor(0.0)], ids=["before the click", "at the door"])
async def test_a_click_that_comes_too_late_is_not_made(
    permit: Permit, sandbox: Sandbox, attempts: Attempts, journal: Journal, sheet: ListingSheet
) -> None:
    journal.permit = permit
    with pytest.raises(NotClicked, match="nothing was sent"):
        await attempts.put(sheet, "draft")
    received = sandbox.received()
    assert len(journal.filled) == 1 and received["items"] == []
    assert "POST /api/v2/item_upload/drafts" not in received["requests"]


async def test_what_the_page_sends_again_by_itself_does_not_leave(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet
) -> None:
    """The site's own form renews a session that ran out and sends once more: a refusal would become a listing."""
    sandbox.set_fault("session_expired", "draft", refresh_too=False)
    with pytest.raises(SessionExpired):
        await attempts.put(sheet, "draft")
    received = sandbox.received()
    assert received["requests"]["POST /api/v2/item_upload/drafts"] == 1 and received["items"] == []


@pytest.mark.parametrize(
    ("kind", "params"), [("server_error", {}), ("redirect", {"to": "/member/login"}), ("challenge", {})]
)
async def test_a_read_back_that_fails_does_not_undo_the_proof(
    kind: str, params: dict[str, Any], sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet
) -> None:
    sandbox.set_fault(kind, "edit", times=-1, **params)
    outcome = await attempts.put(sheet, "draft")
    (item,) = sandbox.received()["items"]
    assert outcome.listing_id == str(item["id"])
    assert [d.field for d in outcome.differences] == ["read_back"]


async def test_no_session_is_told_without_opening_a_page(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, kept: list[Any]
) -> None:
    with pytest.raises(SessionMissing, match="vintedbot login"):
        await attempts.put(sheet, "draft", replace(attempts.account, storage_state={}))
    assert sandbox.received()["requests"] == {} and kept == []


async def test_another_account_than_asked_for_does_nothing(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet
) -> None:
    with pytest.raises(WrongAccount, match=r"'lea'.*'zoe'"):
        await attempts.put(sheet, "publish", replace(attempts.account, username="zoe"))
    assert sandbox.received()["counts"]["photos"] == 0


async def test_a_session_that_refreshes_goes_on_and_its_new_cookies_are_kept(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, kept: list[Any]
) -> None:
    sandbox.expire_sessions("lea", refresh_too=False)
    await attempts.put(sheet, "draft")
    again = replace(attempts.account, storage_state=kept[0])
    assert again.storage_state["cookies"] != attempts.account.storage_state["cookies"]
    assert await attempts.route.check_session(again) == "lea"


async def test_the_second_listing_spares_a_visit_and_still_renews_a_session(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, kept: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    visits: list[str] = []

    async def counted(page: Page, account: AccountSession, *where: str, **how: bool) -> str:
        visits.append(account.base_url)
        return await open_form(page, account, *where, **how)

    monkeypatch.setattr(attempt, "open_form", counted)
    await attempts.put(sheet, "draft")
    assert len(visits) == 2, "to learn where the wardrobe is, and to fill"
    await attempts.put(sheet, "draft")
    assert len(visits) == 3
    sandbox.expire_sessions("lea", refresh_too=False)
    await attempts.put(sheet, "draft", replace(attempts.account, storage_state=kept[-1]))
    assert len(sandbox.received()["items"]) == 3


async def test_rotated_cookies_outlive_a_failure(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, kept: list[Any]
) -> None:
    sandbox.expire_sessions("lea", refresh_too=False)
    sandbox.set_fault("server_error", "photos", times=-1)
    with pytest.raises(VintedNetworkError):
        await attempts.put(sheet, "draft")
    (state,) = kept
    assert await attempts.route.check_session(replace(attempts.account, storage_state=state)) == "lea"


async def test_a_session_that_can_not_be_kept_does_not_undo_the_proof(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet
) -> None:
    async def keep(_: Any) -> None:
        raise OSError("no space left")

    outcome = await attempts.put(sheet, "draft", replace(attempts.account, keep=keep))
    assert outcome.listing_id == str(sandbox.received()["items"][0]["id"])


async def test_a_form_that_never_answers_times_out(sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet) -> None:
    sandbox.set_fault("latency", "form", seconds=6.0)
    with pytest.raises(VintedTimeoutError, match="/items/new"):
        await attempts.put(sheet, "draft")


async def test_a_page_that_dies_before_it_is_used_is_a_passing_fault(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_late(page: Page) -> None:
        await page.context.close()
        await session.mind_cookie_banner(page)

    monkeypatch.setattr(route, "mind_cookie_banner", too_late)
    with pytest.raises(VintedNetworkError, match="opened no page"):
        await attempts.put(sheet, "draft")
    assert sandbox.received()["items"] == []


async def test_no_context_stays_open(sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet) -> None:
    sandbox.set_fault("server_error", "form")
    with pytest.raises(VintedNetworkError):
        await attempts.put(sheet, "draft")
    await attempts.put(sheet, "draft")
    browser = attempts.route._browsers._browser
    assert browser is not None and browser.contexts == []
