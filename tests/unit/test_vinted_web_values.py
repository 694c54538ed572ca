"""Values as the form writes them, answers as proof or refusal, cookies as handed over, bundles without secrets."""

import json
from decimal import Decimal

import pytest

from backend.core.errors import (
    AccountRestricted,
    BadRequest,
    ChallengeRaised,
    ListingRejected,
    SessionExpired,
    SetupError,
    VintedRateLimitError,
)
from backend.marketplace.vinted_web.browser import find_browser, launch_arguments
from backend.marketplace.vinted_web.challenge import PageFacts
from backend.marketplace.vinted_web.login import parse_cookies, sign_in
from backend.marketplace.vinted_web.submission import accepted_id, raise_refusal
from backend.marketplace.vinted_web.traffic import Answer
from backend.marketplace.vinted_web.values import differences, parse_price, price_text, same


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("15,00 €", "15"), ("£15.50", "15.50"), ("1 234,50", "1234.50"), ("1.234,5 €", "1234.5"),
        ("1,234.56", "1234.56"),
        ("1.234", "1234"), ("15", "15"), ("0,00", "0"), ("12,", "12"), ("", None), ("€", None),
    ],
)  # fmt: skip
def test_price_is_read(text: str, amount: str | None) -> None:
    assert parse_price(text) == (None if amount is None else Decimal(amount))


def test_price_is_written_as_the_language_does_and_reads_back() -> None:
    assert price_text(Decimal("15"), "fr") == "15,00"
    assert price_text(Decimal("1234.5"), "en") == "1234.50"
    assert price_text(Decimal("15"), "de") == price_text(Decimal("15"), "pl") == "15,00"
    assert same("price", "15,00", "15.00") and not same("price", "15,00", "1500") and not same("price", "15,00", "")


@pytest.mark.parametrize(
    ("shown", "equal"),
    [
        ("15,00 €", True),
        ("€ 15,00", True),
        ("15,00\xa0EUR", True),
        ("15,00 zł", False),
        ("£15.00", False),
        ("15,00 Kč", False),
    ],
)
def test_a_price_in_another_currency_is_another_price(shown: str, equal: bool) -> None:
    assert same("price", "15,00", shown) is equal


def test_fields_are_compared_by_what_they_mean() -> None:
    assert same("colours", "Noir, Bleu", "Bleu, Noir") and not same("colours", "Noir, Bleu", "Noir")
    assert same("category", "T-shirts", "Femmes > Hauts › T-shirts") and not same("category", "T-shirts", "Polos")
    assert same("description", "a\nb", "a\r\nb ") and not same("title", "Robe", "robe")
    assert [d.field for d in differences({"title": "a", "size": "M"}, {"title": "a"})] == ["size"]


def answer(status: int, body: object, headers: dict[str, str] | None = None) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    content_type = "text/html" if text.startswith("<") else "application/json"
    facts = PageFacts(status, "https://m.example/api/v2/item_upload/items", content_type, text, json_due=True)
    return Answer(status, headers or {}, text, facts)


VALIDATION = {"code": 99, "message_code": "validation_error", "errors": [{"field": "price", "value": "too low"}]}


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (answer(400, VALIDATION), ListingRejected, "price: too low"),
        (answer(200, VALIDATION), ListingRejected, "price: too low"),
        (answer(422, {}), ListingRejected, "422"),
        (answer(404, {"message_code": "not_found"}), ListingRejected, "404"),
        (answer(429, {}, {"retry-after": "90"}), VintedRateLimitError, "429"),
        (answer(401, {"code": 100}), SessionExpired, "session"),
        (answer(403, {"message_code": "access_denied"}), AccountRestricted, "403"),
        (answer(403, {"url": "https://geo.captcha-delivery.com/captcha/"}), ChallengeRaised, "datadome"),
    ],
)
def test_an_explicit_refusal_is_definite(given: Answer, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as raised:
        raise_refusal(given)
    if isinstance(raised.value, VintedRateLimitError):
        assert raised.value.retry_after == 90


@pytest.mark.parametrize(
    "given", [answer(500, {}), answer(502, "<html>"), answer(0, ""), answer(408, {}), answer(409, {})]
)
def test_what_proves_nothing_is_no_refusal_and_no_proof(given: Answer) -> None:
    raise_refusal(given)
    assert accepted_id(given) is None


def test_an_id_in_an_acceptance_is_proof() -> None:
    assert accepted_id(answer(200, {"item": {"id": 77}, "code": 0})) == "77"
    assert accepted_id(answer(201, {"draft": {"id": "78"}})) == "78"
    assert accepted_id(answer(200, {"item": {}})) is None
    assert accepted_id(answer(200, "")) is None


NETSCAPE = (
    "# Netscape HTTP Cookie File\n"
    "#HttpOnly_.vinted.fr\tTRUE\t/\tTRUE\t1893456000\taccess_token_web\tabc\n"
    "www.vinted.fr\tFALSE\t/\tFALSE\t0\tanon_id\tx=y\n"
    ".example.com\tTRUE\t/\tTRUE\t0\tother\tz\n"
)
EXPORT = json.dumps(
    [
        {"name": "access_token_web", "value": "abc", "domain": ".vinted.fr", "expirationDate": 1893456000.5,
         "httpOnly": True, "secure": True, "sameSite": "no_restriction", "path": "/"},
        {"name": "other", "value": "z", "domain": "example.com"},
    ]
)  # fmt: skip


def test_cookies_from_a_header() -> None:
    state = parse_cookies("Cookie: access_token_web=abc; anon_id=x=y", "https://www.vinted.fr")
    assert [(c["name"], c["value"], c["domain"]) for c in state["cookies"]] == [
        ("access_token_web", "abc", "www.vinted.fr"),
        ("anon_id", "x=y", "www.vinted.fr"),
    ]
    assert all(c["secure"] and c["expires"] == -1 for c in state["cookies"])
    assert not parse_cookies("a=b", "http://127.0.0.1:8080")["cookies"][0]["secure"]


def test_cookies_from_a_netscape_file() -> None:
    first, second = parse_cookies(NETSCAPE, "https://www.vinted.fr")["cookies"]
    assert (first["name"], first["httpOnly"], first["secure"], first["expires"]) == (
        "access_token_web",
        True,
        True,
        1893456000,
    )
    assert (second["name"], second["value"], second["expires"]) == ("anon_id", "x=y", -1)


def test_cookies_from_an_export_and_from_a_storage_state() -> None:
    (cookie,) = parse_cookies(EXPORT, "https://www.vinted.fr")["cookies"]
    assert (cookie["sameSite"], cookie["httpOnly"], cookie["expires"]) == ("None", True, 1893456000.5)
    state = parse_cookies(EXPORT, "https://www.vinted.fr")
    assert parse_cookies(json.dumps(state), "https://www.vinted.fr") == state


@pytest.mark.parametrize(
    "text", ["", "hello", "[]", "[{", '{"cookies": []}', '[{"name": "a", "value": "b", "domain": "fr"}]', NETSCAPE]
)
def test_text_without_a_cookie_of_the_site_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_cookies(text, "https://www.vinted.de")


async def test_signing_in_without_a_screen_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(SetupError, match="--cookies"):
        await sign_in("https://www.vinted.fr")


def executable(folder, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_browser_is_found_in_order(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "registry"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"playwright install chromium-headless-shell.*apt-get install"):
        find_browser()
    executable(tmp_path, "google-chrome")
    assert find_browser().name == "google-chrome"
    executable(tmp_path, "chromium-headless-shell")
    assert find_browser().name == "chromium-headless-shell"
    assert find_browser(headed=True).name == "google-chrome"
    own = executable(tmp_path, "mine")
    assert str(find_browser(own).executable) == own
    with pytest.raises(SetupError, match="nowhere"):
        find_browser("nowhere")


def test_playwrights_own_browser_comes_first_and_finds_itself(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    import playwright

    package = __import__("pathlib").Path(playwright.__file__).parent / "driver" / "package" / "browsers.json"
    revisions = {b["name"]: b["revision"] for b in json.loads(package.read_text())["browsers"]}
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    for name, channel in (("chromium", "chromium"), ("chromium-headless-shell", None)):
        folder = tmp_path / f"{name.replace('-', '_')}-{revisions[name]}"
        folder.mkdir()
        (folder / "INSTALLATION_COMPLETE").touch()
        choice = find_browser()
        assert (choice.executable, choice.channel) == (None, channel)


def test_the_sandbox_of_chromium_is_given_up_by_root_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "--no-sandbox" not in launch_arguments()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert "--no-sandbox" in launch_arguments()
