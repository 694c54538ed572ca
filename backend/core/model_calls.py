"""Calls to a model that costs money: on whose behalf they are made, what they may cost, and the port that keeps count.

Owns the vocabulary a reader needs to be accounted for without knowing a table. Does not own prices
(`backend/vision/tariff.py`) nor where calls and answers are kept (`backend/spending`).

Money is in micro-dollars, a millionth of a US dollar: at a price of $2.50 a million tokens one token costs 2.5 of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, Protocol

MICROS = 1_000_000
"""Micro-dollars in a dollar."""

CallStatus = Literal["reserved", "success", "unusable", "rejected", "refused", "unanswered", "cached"]
"""`reserved`: under way, or its process died; `unusable`: answered, but not with a reading; `rejected`: the request
was not accepted; `refused`: the service failed or had no room; `unanswered`: no answer in time; `cached`: answered
from what was kept, without a call."""


@dataclass(frozen=True)
class Behalf:
    """For whom, for which batch and for which draft a call is made."""

    user_id: str | None = None
    batch_id: str | None = None
    draft_id: str | None = None


_NOBODY = Behalf()
_behalf: ContextVar[Behalf] = ContextVar("behalf", default=_NOBODY)


@contextmanager
def on_behalf_of(user_id: str, *, batch_id: str | None = None, draft_id: str | None = None) -> Iterator[None]:
    """Calls made inside, also by tasks started inside, are theirs."""
    token = _behalf.set(Behalf(user_id, batch_id, draft_id))
    try:
        yield
    finally:
        _behalf.reset(token)


def behalf() -> Behalf:
    return _behalf.get()


@dataclass(frozen=True)
class Tokens:
    input: int = 0
    output: int = 0


@dataclass(frozen=True)
class PlannedCall:
    """A call about to be made: `most` are its tokens and `micros` its price at most; None when no price is known."""

    model: str
    prompt: str
    most: Tokens
    micros: int | None


@dataclass(frozen=True)
class MadeCall:
    """What became of it. `tokens` None: not told, so what was reserved stands. `micros` None: no price is known."""

    status: CallStatus
    tokens: Tokens | None = None
    micros: int | None = None


NOT_BILLED = Tokens(0, 0)


class Ledger(Protocol):
    """Keeps count of calls, and their answers. Safe to call from several tasks and processes at once."""

    async def reserve(self, call: PlannedCall) -> str:
        """Sets the call's price aside and returns its id. Raises BudgetReached where that would cross a budget."""
        ...

    async def settle(self, call_id: str, made: MadeCall) -> None: ...

    async def recall(self, key: str, *, model: str, prompt: str) -> str | None:
        """The answer kept under this key, counted as a cached call."""
        ...

    async def remember(self, key: str, answer: str) -> None: ...


class Unmetered:
    """Keeps nothing: for a reader used by itself."""

    async def reserve(self, call: PlannedCall) -> str:
        return ""

    async def settle(self, call_id: str, made: MadeCall) -> None:
        return None

    async def recall(self, key: str, *, model: str, prompt: str) -> str | None:
        return None

    async def remember(self, key: str, answer: str) -> None:
        return None


class Counted(Unmetered):
    """Keeps nothing but the sum, for a measurement: `micros` is what all settled calls cost, where prices are known."""

    def __init__(self) -> None:
        self.micros = 0
        self._reserved: dict[str, int] = {}

    async def reserve(self, call: PlannedCall) -> str:
        call_id = str(len(self._reserved))
        self._reserved[call_id] = call.micros or 0
        return call_id

    async def settle(self, call_id: str, made: MadeCall) -> None:
        self.micros += self._reserved[call_id] if made.micros is None else made.micros
