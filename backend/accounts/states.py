"""The states of an account, and for each the sentence and the way out. Owns that table's codes; its words are in
`core/texts`."""

from dataclasses import dataclass
from typing import Literal, get_args

from backend.core.texts import sentences

AccountState = Literal[
    "no_session",
    "ready",
    "session_expired",
    "wrong_account",
    "challenge",
    "account_restricted",
    "verification_wall",
    "address_banned",
]
STATES: tuple[AccountState, ...] = get_args(AccountState)


@dataclass(frozen=True)
class Explained:
    """What a state means and what its owner can do about it; `fix` is "" where there is nothing to do."""

    sentence: str
    fix: str


def explain(state: str, language: str) -> Explained:
    """In French or English. A state that isn't known here (an older or newer version's) reads as its code."""
    said = sentences(language)["accounts"].get(state, {"is": state.replace("_", " "), "fix": ""})
    return Explained(said["is"], said["fix"])
