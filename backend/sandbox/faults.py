"""What can go wrong in the sandbox marketplace on purpose: a closed set, each with where and how often.

Owns the set, its parameters and the choice of which faults a request meets. Does not own what a fault does to
an answer (`gate.py`) or looks like (`fault_answers.py`). `docs/sandbox.md` shows the set as a table.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from backend.core.errors import BadRequest

Effect = Literal["answer", "pass", "quirk"]
FOREVER = -1

STEPS: Mapping[str, str] = {
    "any": r".*",
    "home": r"GET /",
    "login": r"(GET|POST) /member/login",
    "form": r"GET /items/new",
    "edit": r"GET /items/\d+/edit",
    "item": r"GET /items/\d+(-[^/]*)?",
    "member": r"GET /member/\d+",
    "refresh": r"POST /web/api/auth/refresh",
    "reads": r"GET /api/v2/item_upload/.*",
    "attributes": r"POST /api/v2/item_upload/attributes",
    "photos": r"POST /api/v2/photos",
    "publish": r"POST /api/v2/item_upload/items",
    "draft": r"POST /api/v2/item_upload/drafts",
    "completion": r"POST /api/v2/item_upload/drafts/\d+/completion",
    "update": r"PUT /api/v2/item_upload/(items|drafts)/\d+",
    "submit": r"(POST|PUT) /api/v2/item_upload/(items|drafts)(/.*)?",
    "wardrobe": r"GET /api/v2/wardrobe/\d+/items",
    "current_user": r"GET /api/v2/users/current",
}
"""Where a fault applies, by name: a pattern over `METHOD path`."""


@dataclass(frozen=True)
class Kind:
    """`answer`: the fault is the answer. `pass`: the request goes on, changed. `quirk`: the form behaves so."""

    effect: Effect
    where: str
    params: Mapping[str, Any]


KINDS: Mapping[str, Kind] = {
    "latency": Kind("pass", "any", {"seconds": 1.0}),
    "rate_limited": Kind("answer", "submit", {"retry_after": 30}),
    "forbidden": Kind("answer", "submit", {}),
    "server_error": Kind("answer", "submit", {"status": 500}),
    "dropped_after": Kind("pass", "submit", {}),
    "dropped_before": Kind("answer", "submit", {}),
    "session_expired": Kind("pass", "form", {"refresh_too": True}),
    "wrong_account": Kind("pass", "any", {"username": "someone_else"}),
    "redirect": Kind("answer", "form", {"to": "/"}),
    "verification_wall": Kind("answer", "form", {}),
    "challenge": Kind("answer", "form", {"type": "fe"}),
    "address_ban": Kind("answer", "any", {}),
    "challenge_json": Kind("answer", "submit", {}),
    "html_for_json": Kind("answer", "submit", {}),
    "hcaptcha": Kind("answer", "form", {"sitekey": "10000000-ffff-ffff-ffff-000000000001", "status": 403}),
    "cloudflare_1020": Kind("answer", "any", {}),
    "empty_wardrobe": Kind("answer", "wardrobe", {}),
    "validation_error": Kind("answer", "submit", {"field": "title", "value": ""}),
    "price_stored_zero": Kind("pass", "submit", {}),
    "form_wipe": Kind("quirk", "form", {"field": "condition", "after": "color"}),
    "ignored_click": Kind("quirk", "form", {"field": "category", "part": "trigger"}),
}
CLEARABLE = ("challenge", "challenge_json", "html_for_json", "hcaptcha")
"""A visitor who solved a challenge meets these no more."""
REDIRECTS = ("/", "/member/login", "/session-refresh", "/users/verification")
FIELDS = (
    "title",
    "description",
    "category",
    "brand",
    "size",
    "condition",
    "color",
    "material",
    "price",
    "package_size",
)
CHOICES: Mapping[tuple[str, str], Sequence[str]] = {
    ("redirect", "to"): REDIRECTS,
    ("challenge", "type"): ("fe", "bv"),
    ("validation_error", "field"): (*FIELDS, "photos"),
    ("form_wipe", "field"): FIELDS,
    ("form_wipe", "after"): FIELDS,
    ("ignored_click", "field"): FIELDS[2:8],
    ("ignored_click", "part"): ("trigger", "option"),
}
"""The parameters that are one of a few words."""


@dataclass
class Fault:
    """One fault in force: it lets `skip` matching requests pass, then hits `times` (-1: all of them).

    `account` narrows it to one account's requests. `hits` counts."""

    kind: str
    where: str
    times: int = 1
    skip: int = 0
    account: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    @property
    def effect(self) -> Effect:
        return KINDS[self.kind].effect

    def matches(self, request_line: str, account: str | None, cleared: bool) -> bool:
        if self.times == 0 or (self.account is not None and self.account != account):
            return False
        if cleared and self.kind in CLEARABLE:
            return False
        return re.fullmatch(STEPS[self.where], request_line) is not None

    def hit(self) -> bool:
        """Whether this match is one that counts; spends it."""
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= self.times > 0
        self.hits += 1
        return True


def make_fault(
    kind: str, where: str | None = None, times: int = 1, skip: int = 0, account: str | None = None, **params: Any
) -> Fault:
    """A fault of the set with its defaults. Raises `BadRequest` for a name, step or parameter outside it."""
    if kind not in KINDS:
        raise BadRequest(f"There is no fault {kind!r}; the faults are {', '.join(KINDS)}.")
    known = KINDS[kind]
    step = known.where if where is None else where
    if step not in STEPS:
        raise BadRequest(f"There is no step {step!r}; the steps are {', '.join(STEPS)}.")
    if times < FOREVER or skip < 0:
        raise BadRequest("`times` is -1 (forever) or a count, `skip` a count.")
    for name, value in params.items():
        if name not in known.params:
            raise BadRequest(f"The fault {kind} has no parameter {name!r}; it has {', '.join(known.params) or 'none'}.")
        default = known.params[name]
        if not isinstance(value, (int, float) if isinstance(default, float) else type(default)):
            raise BadRequest(f"The parameter {name} of {kind} is a {type(default).__name__}.")
        if value not in CHOICES.get((kind, name), (value,)):
            raise BadRequest(f"The parameter {name} of {kind} is one of {', '.join(CHOICES[kind, name])}.")
    return Fault(kind, step, times, skip, account, {**known.params, **params})


class FaultPlan:
    """The faults in force, in the order they were set. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def replace(self, faults: Sequence[Fault]) -> None:
        with self._lock:
            self._faults = list(faults)

    def in_force(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def take(self, request_line: str, account: str | None, *, cleared: bool) -> list[Fault]:
        """The faults this request meets, up to and with the first that answers for the site; they are spent."""
        taken: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                if fault.matches(request_line, account, cleared) and fault.hit():
                    taken.append(fault)
                    if fault.effect == "answer":
                        break
        return taken
