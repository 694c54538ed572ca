"""The sandbox's faults: a closed set, each where and as often as asked, and each documented."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.core.errors import BadRequest
from backend.sandbox.faults import CHOICES, KINDS, STEPS
from backend.sandbox.server import Sandbox

DRAFTS = "/api/v2/item_upload/drafts"
DOC = Path(__file__).parents[2] / "docs" / "sandbox.md"


@pytest.fixture
def lea(sandbox: Sandbox) -> Iterator[httpx.Client]:
    cookies = {c["name"]: c["value"] for c in sandbox.create_account("lea")["cookies"]}
    session = sandbox.state.sessions[cookies["access_token_web"]]
    headers = {"x-csrf-token": session.csrf, "x-anon-id": cookies["anon_id"], "x-upload-form": "true"}
    with httpx.Client(base_url=sandbox.url, cookies=cookies, headers=headers, timeout=10) as client:
        yield client


def save(client: httpx.Client) -> httpx.Response:
    return client.post(DRAFTS, json={"item": {"title": "Pull"}})


def test_every_fault_step_and_parameter_is_documented() -> None:
    text = DOC.read_text(encoding="utf-8")
    for name in [*KINDS, *STEPS, *(p for kind in KINDS.values() for p in kind.params)]:
        assert f"`{name}" in text, f"{name} is not in docs/sandbox.md"
    for words in CHOICES.values():
        assert all(f"`{word}`" in text for word in words), words


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "earthquake"},
        {"kind": "latency", "where": "the moon"},
        {"kind": "latency", "params": {"minutes": 1}},
        {"kind": "latency", "params": {"seconds": "long"}},
        {"kind": "redirect", "params": {"to": "https://elsewhere.example"}},
        {"kind": "forbidden", "times": -2},
        {"kind": "forbidden", "often": 3},
    ],
)
def test_what_is_not_in_the_set_is_refused_and_changes_nothing(
    wanted: dict[str, Any], sandbox: Sandbox, lea: httpx.Client
) -> None:
    lea.put("/__sandbox__/faults", json=[{"kind": "forbidden"}]).raise_for_status()
    assert lea.put("/__sandbox__/faults", json=[wanted]).status_code == 422
    assert [fault["kind"] for fault in lea.get("/__sandbox__/faults").json()] == ["forbidden"]


def test_an_unknown_fault_is_refused_in_python_too(sandbox: Sandbox) -> None:
    with pytest.raises(BadRequest, match="earthquake"):
        sandbox.set_fault("earthquake")


def test_a_fault_skips_then_hits_as_often_as_asked(sandbox: Sandbox, lea: httpx.Client) -> None:
    fault = sandbox.set_fault("rate_limited", "draft", skip=1, times=2, retry_after=7)
    answers = [save(lea) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 429, 429, 200]
    assert answers[1].headers["retry-after"] == "7"
    assert fault.hits == 2 and sandbox.received()["counts"]["drafts"] == 2


def test_minus_one_is_forever_and_an_empty_list_ends_it(sandbox: Sandbox, lea: httpx.Client) -> None:
    lea.put("/__sandbox__/faults", json=[{"kind": "server_error", "where": "submit", "times": -1}])
    assert {save(lea).status_code for _ in range(5)} == {500}
    lea.put("/__sandbox__/faults", json=[])
    assert save(lea).status_code == 200


def test_a_fault_may_be_for_one_account(sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault("forbidden", "any", times=-1, account="max")
    assert save(lea).status_code == 200
    sandbox.set_fault("forbidden", "any", times=-1, account="lea")
    assert save(lea).json()["message_code"] == "access_denied"


def test_latency_delays_and_lets_pass(sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault("latency", "draft", seconds=0.4)
    began = time.monotonic()
    assert save(lea).status_code == 200
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(("kind", "stored"), [("dropped_after", 1), ("dropped_before", 0)])
def test_a_dropped_answer(kind: str, stored: int, sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault(kind, "draft")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        save(lea)
    assert len(sandbox.received()["items"]) == stored
    assert save(lea).status_code == 200, "the server is well afterwards"


@pytest.mark.parametrize(
    ("kind", "status", "marks"),
    [
        ("challenge", 403, ["var dd={", "'t': 'fe'", "ct.captcha-delivery.com"]),
        ("address_ban", 403, ["var dd={", "'t': 'bv'"]),
        ("html_for_json", 200, ["var dd={"]),
        ("hcaptcha", 403, ["data-sitekey=", "h-captcha-response", "hcaptcha.com"]),
        ("cloudflare_1020", 403, ["cf-error-details", "1020"]),
    ],
)
def test_challenge_pages(kind: str, status: int, marks: list[str], sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault(kind, "draft")
    answer = save(lea)
    assert answer.status_code == status and answer.headers["content-type"].startswith("text/html")
    assert all(mark in answer.text for mark in marks)


def test_the_json_challenge_names_a_local_address(sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault("challenge_json", "draft")
    url = save(lea).json()["url"]
    assert url.startswith(f"{sandbox.url}/") and "geo.captcha-delivery.com/captcha/?initialCid=" in url
    assert "checkbox" in lea.get(url).text


def test_a_solved_challenge_lets_its_visitor_through(sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault("challenge", "form", times=-1)
    verify = "/__sandbox__/challenge/verify"
    assert lea.get("/items/new").status_code == 403
    assert lea.post(verify, json={"token": "guess"}).json() == {"solved": False}
    assert lea.get("/items/new").status_code == 403
    token = lea.post("/__sandbox__/challenge/token").json()["token"]
    assert lea.post(verify, json={"token": token}).json() == {"solved": True}
    assert lea.get("/items/new").status_code == 200
    sandbox.set_fault("address_ban", "form")
    assert lea.get("/items/new").status_code == 403, "a ban is not a challenge"


@pytest.mark.parametrize(
    ("kind", "params", "target"),
    [
        ("verification_wall", {}, "/users/verification"),
        ("redirect", {"to": "/"}, "/"),
        ("session_expired", {}, "/member/login?ref_url=/items/new"),
        ("session_expired", {"refresh_too": False}, "/session-refresh?ref_url=/items/new"),
    ],
)
def test_where_the_form_may_send_its_visitor(
    kind: str, params: dict[str, Any], target: str, sandbox: Sandbox, lea: httpx.Client
) -> None:
    sandbox.set_fault(kind, "form", **params)
    answer = lea.get("/items/new")
    assert (answer.status_code, answer.headers["location"]) == (302, target)


def test_a_session_that_expires_at_the_click_stores_nothing(sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault("session_expired", "draft")
    assert save(lea).json()["code"] == 100
    assert sandbox.received()["counts"]["drafts"] == 0


def test_a_field_refused_on_purpose(sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault("validation_error", "draft", field="description", value="Pas de liens.")
    expected = {"code": 99, "message_code": "validation_error"}
    assert save(lea).json() == {**expected, "errors": [{"field": "description", "value": "Pas de liens."}]}


def test_the_wrong_account_gets_the_listing(sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault("wrong_account", times=-1, username="mallory")
    assert lea.get("/api/v2/users/current").json()["user"]["login"] == "mallory"
    save(lea)
    assert [item["account"] for item in sandbox.received()["items"]] == ["mallory"]


def test_quirks_reach_the_form_once(sandbox: Sandbox, lea: httpx.Client) -> None:
    sandbox.set_fault("form_wipe", field="size", after="price")

    def quirks() -> Any:
        page = lea.get("/items/new").text
        config = page.split('id="form-config">')[1].split("</script>")[0]
        return json.loads(config)["quirks"]

    assert quirks() == [{"kind": "form_wipe", "field": "size", "after": "price"}]
    assert quirks() == []
