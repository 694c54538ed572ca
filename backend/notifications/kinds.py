"""What an owner is told about: the closed set of kinds, what each is about, and its words.

Owns the kinds; the sentences are in `core/texts`. Owns no table and no sending.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from backend.core.texts import sentences

Kind = Literal[
    "challenge", "session", "wrong_account", "restricted", "uncertain", "failed", "differences", "done_batch", "test"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
OF_AN_ACCOUNT: frozenset[Kind] = frozenset({"session", "wrong_account", "restricted"})
"""Told once while the account is in that state, however many publications meet it."""
_BY_CODE: Mapping[str, Kind] = {
    "challenge": "challenge",
    "session_missing": "session",
    "session_expired": "session",
    "wrong_account": "wrong_account",
    "account_restricted": "restricted",
    "verification_wall": "restricted",
    "address_banned": "restricted",
    "uncertain": "uncertain",
}


@dataclass(frozen=True)
class Message:
    """A notification in words."""

    title: str
    body: str


def kind_of(error_code: str) -> Kind:
    """The kind for the error a publication ended or waits with."""
    return _BY_CODE.get(error_code, "failed")


def message(kind: str, detail: Mapping[str, Any], language: str) -> Message:
    """In French or English. `detail` may hold title, account, site, reason, count; what is missing reads as "–"."""
    said = sentences(language)["notifications"].get(kind, {"title": kind, "body": "{reason}"})
    filled = defaultdict(lambda: "–", {name: value for name, value in detail.items() if value not in (None, "")})
    return Message(said["title"].format_map(filled), said["body"].format_map(filled))
