"""Is this page or answer a challenge, and which? A pure decision on facts, with no alarm for a mere mention.

Owns the closed set of challenge kinds and the errors they become. Does not own looking at the page (`session.py`)
nor solving: a challenge goes to the account's owner.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NoReturn, get_args
from urllib.parse import parse_qs, urlsplit

from backend.core.errors import AddressBanned, ChallengeRaised, VerificationWall

Challenge = Literal[
    "datadome",
    "address_banned",
    "hcaptcha",
    "recaptcha",
    "turnstile",
    "arkose",
    "widget",
    "cloudflare_blocked",
    "interstitial",
    "verification",
]
"""`widget`: a captcha widget of unknown make; `interstitial`: a page where data was due; `verification`: the
marketplace's own identity wall. `WALLS` have nothing to solve."""

CHALLENGES: tuple[str, ...] = get_args(Challenge)
WALLS: frozenset[Challenge] = frozenset({"address_banned", "cloudflare_blocked", "verification"})
_FRAMES: tuple[tuple[str, str, Challenge], ...] = (
    ("captcha-delivery.com", "", "datadome"),
    ("hcaptcha.com", "", "hcaptcha"),
    ("google.com", "/recaptcha/", "recaptcha"),
    ("recaptcha.net", "/recaptcha/", "recaptcha"),
    ("challenges.cloudflare.com", "", "turnstile"),
    ("arkoselabs.com", "", "arkose"),
)
_DATADOME_SCRIPT = re.compile(r"\bdd\s*=\s*\{(?=[^}]*'?\"?cid'?\"?\s*:)(?P<facts>[^}]*)\}")
_DATADOME_BAN = re.compile(r"['\"]?\bt['\"]?\s*:\s*['\"]bv['\"]")
_OWNER = "Open the marketplace in a browser as this account, do what it asks, then sign in again here."


@dataclass(frozen=True)
class PageFacts:
    """What was seen: of the answer, and of the page when there is one.

    `frames` are the URLs of the frames a person can see, `marks` the keys of `selectors.CHALLENGE_MARKS` that are
    visible; `json_due` says that the request was one the site answers with JSON."""

    status: int
    url: str
    content_type: str = ""
    body: str = ""
    frames: Collection[str] = ()
    marks: Collection[str] = ()
    json_due: bool = False


def detect(facts: PageFacts) -> Challenge | None:
    """The challenge these facts show, or None for an ordinary page."""
    if urlsplit(facts.url).path.startswith("/users/verification"):
        return "verification"
    if "cloudflare_error" in facts.marks:
        return "cloudflare_blocked"
    return _in_answer(facts) or _in_frames(facts.frames) or _in_marks(facts.marks)


def _in_answer(facts: PageFacts) -> Challenge | None:
    html_for_json = facts.json_due and facts.status == 200 and facts.content_type.startswith("text/html")
    if facts.status == 403 or html_for_json:
        if facts.content_type.startswith("application/json") and (frame := _datadome_frame(facts.body)):
            return _in_frames([frame])
        if script := _DATADOME_SCRIPT.search(facts.body):
            return "address_banned" if _DATADOME_BAN.search(script["facts"]) else "datadome"
    return "interstitial" if html_for_json else None


def _datadome_frame(body: str) -> str | None:
    """The address of the frame to show, in an answer to a call of the page's: `{"url": …}`."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    url = str(answer.get("url", "")) if isinstance(answer, dict) else ""
    return url if _host_is(url, "captcha-delivery.com") else None


def _in_frames(frames: Collection[str]) -> Challenge | None:
    for frame in frames:
        parts = urlsplit(frame)
        asked = parse_qs(parts.query)
        if asked.get("size") == ["invisible"]:
            continue
        for host, path, kind in _FRAMES:
            if _host_is(frame, host) and path in parts.path:
                return "address_banned" if kind == "datadome" and asked.get("t") == ["bv"] else kind
    return None


def _in_marks(marks: Collection[str]) -> Challenge | None:
    if "datadome" in marks:
        return "datadome"
    return "widget" if "sitekey" in marks else None


def _host_is(url: str, domain: str) -> bool:
    """Whether this is an address of the domain, or one that carries its host as a whole step of the path: so do
    first-party mounts of such services, our sandbox's among them."""
    parts = urlsplit(url)
    return any(host == domain or host.endswith("." + domain) for host in (parts.hostname or "", *parts.path.split("/")))


def raise_for(challenge: Challenge) -> NoReturn:
    """Raises `VerificationWall` or `AddressBanned` where there is nothing to solve, else `ChallengeRaised`."""
    if challenge == "verification":
        raise VerificationWall(f"The marketplace asks this account to verify itself. {_OWNER}", challenge=challenge)
    if challenge in ("address_banned", "cloudflare_blocked"):
        raise AddressBanned(
            "The marketplace refuses this machine's network address, and there is nothing to solve. "
            "Leave it alone for some hours before trying again.",
            challenge=challenge,
        )
    raise ChallengeRaised(f"The marketplace shows a challenge ({challenge}). {_OWNER}", challenge=challenge)
