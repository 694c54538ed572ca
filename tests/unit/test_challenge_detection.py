"""A challenge is told by its facts, and an ordinary page that talks about captchas raises no alarm."""

import pytest

from backend.core.errors import AddressBanned, ChallengeRaised, VerificationWall
from backend.marketplace.vinted_web.challenge import CHALLENGES, PageFacts, detect, raise_for

FORM = "https://www.vinted.fr/items/new"
API = "https://www.vinted.fr/api/v2/item_upload/brands"
HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"
DATADOME = (
    "<html><script>var dd={'rt':'c','cid':'AHrlqAAA','hsh':'E1','t':'%s','s':4,'host':'geo.captcha-delivery.com'}"
    "</script><script src='https://ct.captcha-delivery.com/c.js'></script></html>"
)
CAPTCHA_JSON = '{"url":"https://geo.captcha-delivery.com/captcha/?initialCid=AHrl&hash=E1&t=fe"}'
BAN_FRAME = "https://geo.captcha-delivery.com/captcha/?initialCid=AHrl&t=bv"

CHALLENGE_CASES = [
    ("datadome page", PageFacts(403, FORM, HTML, DATADOME % "fe"), "datadome"),
    ("datadome ban", PageFacts(403, FORM, HTML, DATADOME % "bv"), "address_banned"),
    ("datadome to a call", PageFacts(403, API, JSON, CAPTCHA_JSON, json_due=True), "datadome"),
    ("datadome ban to a call", PageFacts(403, API, JSON, CAPTCHA_JSON.replace("t=fe", "t=bv")), "address_banned"),
    ("datadome ban in a frame", PageFacts(200, FORM, HTML, frames=[BAN_FRAME]), "address_banned"),
    ("datadome page to a call, 200", PageFacts(200, API, HTML, DATADOME % "fe", json_due=True), "datadome"),
    ("a page where data was due", PageFacts(200, API, HTML, "<html>", json_due=True), "interstitial"),
    ("datadome frame", PageFacts(200, FORM, HTML, frames=["https://geo.captcha-delivery.com/captcha/"]), "datadome"),
    (
        "frame mounted on the site's own host",
        PageFacts(200, FORM, HTML, frames=["https://m.example/x/hcaptcha.com/v1"]),
        "hcaptcha",
    ),
    ("hcaptcha frame", PageFacts(200, FORM, HTML, frames=["https://newassets.hcaptcha.com/x"]), "hcaptcha"),
    (
        "recaptcha frame",
        PageFacts(200, FORM, HTML, frames=["https://www.google.com/recaptcha/api2/bframe"]),
        "recaptcha",
    ),
    ("recaptcha.net", PageFacts(200, FORM, HTML, frames=["https://www.recaptcha.net/recaptcha/api2/x"]), "recaptcha"),
    ("turnstile", PageFacts(200, FORM, HTML, frames=["https://challenges.cloudflare.com/turnstile"]), "turnstile"),
    ("arkose", PageFacts(200, FORM, HTML, frames=["https://client-api.arkoselabs.com/fc/"]), "arkose"),
    ("datadome box", PageFacts(200, FORM, HTML, marks=["datadome"]), "datadome"),
    ("some widget", PageFacts(200, FORM, HTML, marks=["sitekey"]), "widget"),
    ("cloudflare 1020", PageFacts(403, FORM, HTML, marks=["cloudflare_error"]), "cloudflare_blocked"),
    ("identity wall", PageFacts(200, "https://www.vinted.fr/users/verification?x=1", HTML), "verification"),
]

ORDINARY_CASES = [
    ("the form", PageFacts(200, FORM, HTML, "<form>")),
    ("a listing that mentions captcha", PageFacts(200, FORM, HTML, "Un captcha hcaptcha captcha-delivery.com")),
    ("a plain refusal", PageFacts(403, FORM, HTML, "<h1>403</h1> captcha help")),
    (
        "a plain refusal to a call",
        PageFacts(403, API, JSON, '{"code":106,"message_code":"access_denied"}', json_due=True),
    ),
    (
        "a denied link to a captcha elsewhere",
        PageFacts(403, API, JSON, '{"url":"https://help/captcha"}', json_due=True),
    ),
    ("a lookalike host", PageFacts(403, API, JSON, '{"url":"https://notcaptcha-delivery.com/"}', json_due=True)),
    ("an array", PageFacts(403, API, JSON, "[1]", json_due=True)),
    ("broken JSON", PageFacts(403, API, JSON, "{", json_due=True)),
    ("data as due", PageFacts(200, API, JSON, CAPTCHA_JSON, json_due=True)),
    ("an empty answer", PageFacts(204, API, "", json_due=True)),
    ("datadome's tag on an ordinary page", PageFacts(200, FORM, HTML, DATADOME % "fe")),
    (
        "invisible recaptcha",
        PageFacts(200, FORM, HTML, frames=["https://www.google.com/recaptcha/api2/anchor?size=invisible"]),
    ),
    ("a google frame", PageFacts(200, FORM, HTML, frames=["https://accounts.google.com/gsi/button"])),
    ("a page about hcaptcha", PageFacts(200, FORM, HTML, frames=["https://m.example/help/why-hcaptcha.com-shows"])),
    ("an ad naming hcaptcha", PageFacts(200, FORM, HTML, frames=["https://ads.example/?ref=hcaptcha.com"])),
    ("frames without an address", PageFacts(200, FORM, HTML, frames=["about:blank", "about:srcdoc", ""])),
    ("too many requests", PageFacts(429, FORM, HTML, "slow down")),
    ("a member named verification", PageFacts(200, "https://www.vinted.fr/member/1-users/verification", HTML)),
]


@pytest.mark.parametrize(("facts", "kind"), [c[1:] for c in CHALLENGE_CASES], ids=[c[0] for c in CHALLENGE_CASES])
def test_challenge_is_told(facts: PageFacts, kind: str) -> None:
    assert detect(facts) == kind
    assert kind in CHALLENGES


@pytest.mark.parametrize("facts", [c[1] for c in ORDINARY_CASES], ids=[c[0] for c in ORDINARY_CASES])
def test_no_false_alarm(facts: PageFacts) -> None:
    assert detect(facts) is None


def test_what_can_be_solved_is_a_challenge_and_the_rest_a_restriction() -> None:
    walls = {"address_banned": AddressBanned, "cloudflare_blocked": AddressBanned, "verification": VerificationWall}
    for kind in CHALLENGES:
        expected = walls.get(kind, ChallengeRaised)
        with pytest.raises(expected) as raised:
            raise_for(kind)  # type: ignore[arg-type]
        if isinstance(raised.value, ChallengeRaised):
            assert raised.value.challenge == kind
