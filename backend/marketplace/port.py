"""The port to a marketplace: what a route is given, and what it may answer.

Owns the vocabulary between the publishing workflow and the routes (`vinted_web`, later `vinted_pro` and
`package`). Owns no state: the journal lives in `backend/publications`.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol

from backend.core.catalog import Leaf, SizeOption, Term
from backend.core.modes import Mode

ListingState = Literal["live", "draft", "sold", "hidden"]
"""How a listing stands on the marketplace: for sale, not published yet, sold, or there but shown to nobody else."""

KeepSession = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class ListingSheet:
    """A listing ready to be put on a marketplace: nothing unknown, nothing to decide any more.

    `photos` are JPEG files in order; `brand` is "" for "no brand"; `price` is in the marketplace's currency."""

    title: str
    description: str
    leaf: Leaf
    brand: str
    size: SizeOption | None
    condition: Term
    colours: tuple[Term, ...]
    materials: tuple[Term, ...]
    price: Decimal
    parcel: Term
    photos: tuple[Path, ...]


@dataclass(frozen=True)
class AccountSession:
    """An account on one marketplace: where it lives, who must be signed in, and its kept browser state.

    `base_url` is `https://www.vinted.fr`, or the sandbox's address; `storage_state` is Playwright's format
    (`cookies`, `origins`) and never leaves memory in the clear. `keep`, if given, is awaited with the session as a
    visit left it, a failed visit too: the marketplace rotates cookies, and a lost one ends the session."""

    base_url: str
    username: str | None
    storage_state: Mapping[str, Any]
    language: str = "fr"
    keep: KeepSession | None = None


@dataclass(frozen=True)
class Difference:
    """A field that reads back otherwise than sent."""

    field: str
    sent: str
    found: str


@dataclass(frozen=True)
class WardrobeItem:
    """One of the account's own listings or drafts, as its wardrobe shows it; None for what it doesn't show."""

    id: str
    title: str
    price: Decimal | None
    is_draft: bool
    photos: int | None = None
    state: ListingState = "live"
    url: str | None = None


@dataclass(frozen=True)
class Wardrobe:
    """All of an account's listings and drafts, newest first; not `whole` where there were more than are looked at."""

    items: tuple[WardrobeItem, ...]
    whole: bool


@dataclass(frozen=True)
class Filled:
    """The form is filled and was read back; nothing has been submitted. `listings_before` are the ids of the
    account's newest listings and drafts as seen before, by which a new one is told. `screenshot` is a JPEG."""

    screenshot: bytes
    read_back: Mapping[str, str] = field(default_factory=dict)
    listings_before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the attempt came to. `listing_id` is positive proof and None for a dry run; `screenshot` is a JPEG of a dry
    run's form or of what was stored otherwise than sent, empty when there is nothing to show that `Filled` did not."""

    listing_id: str | None
    listing_url: str | None
    screenshot: bytes
    differences: tuple[Difference, ...] = ()


def boot_clock() -> float:
    """Seconds since this machine started, sleep included: a laptop closed in between can't turn old into new."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True)
class Permit:
    """The right to click once, good until `until` on `boot_clock`. A process that comes too late, because it was
    stopped or its machine slept, must not click any more: others have judged by then that it did not."""

    until: float

    @property
    def expired(self) -> bool:
        return boot_clock() >= self.until


BeforeSubmit = Callable[[Filled], Awaitable[Permit]]
"""Awaited after the read-back and before the click: the workflow commits `submitting` here, the point of no return."""

Progress = Callable[[str], Awaitable[None]]
"""Told the name of each step as it begins: `opening`, `photos`, `category`, …, `read_back`, `submitting`."""


LookedAt = Callable[[int], Awaitable[None]]
"""Told how many listings of a wardrobe were seen so far."""


KEYS = frozenset(
    [
        *("Enter", "Tab", "Escape", "Backspace", "Delete", "Home", "End", "PageUp", "PageDown", " "),
        *("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"),
    ]
)
"""The keys with a name that an `InputEvent` may press; the others are single characters of ASCII."""


@dataclass(frozen=True)
class InputEvent:
    """What a person does in a live view. `x` and `y` are shares (0 to 1) of the page's visible width and height;
    `kind` says which of the others count: move, down, up, wheel (`delta_y` in pixels), key (`text` is a DOM key name,
    "Enter"), text (`text` is inserted as typed)."""

    kind: Literal["move", "down", "up", "wheel", "key", "text"]
    x: float = 0.0
    y: float = 0.0
    delta_y: float = 0.0
    text: str = ""


class OpenPage(Protocol):
    """A page kept open for its account's owner, who sees it and acts on it from elsewhere."""

    challenge: str
    """Which of `marketplace/vinted_web/challenge.py`'s kinds stands on it."""

    def frames(self) -> AsyncIterator[bytes]:
        """JPEG pictures of the page, one at once and one at each change, until the page closes."""
        ...

    async def act(self, event: InputEvent) -> None:
        """Does it on the page, as a trusted input. Raises `VintedNetworkError` when the page is gone."""
        ...

    async def solved(self) -> bool:
        """Whether the challenge is gone. Raises `VintedNetworkError` when the page is gone."""
        ...


AskOwner = Callable[[OpenPage], Awaitable[None]]
"""Awaited when a challenge stands on the page, which stays open meanwhile and occupies none of the browser's places.
Returns once the challenge is gone; raises `ChallengeRaised` when nobody came in time, `Conflict` when the publication
was cancelled or taken up elsewhere."""


class Route(Protocol):
    """One way to put a listing on a marketplace."""

    name: str

    async def put(
        self,
        account: AccountSession,
        sheet: ListingSheet,
        mode: Mode,
        *,
        before_submit: BeforeSubmit,
        progress: Progress,
        ask_owner: AskOwner | None = None,
        evidence: Path | None = None,
    ) -> Outcome:
        """Fills, reads back, and (unless `mode` is "dry_run") submits once.

        With `ask_owner` a challenge is handed to the account's owner on the open page, and the attempt goes on from
        where it stood. `evidence` is a folder of this publication's own, where what went wrong is kept.

        Raises, before `before_submit` was awaited: any `RetryableVintedError`, `NeedsPersonError` or
        `PermanentError`. After it: `UncertainError` when there is no proof either way, `NotClicked` when the permit had
        expired, and any other error only when the marketplace's own answer says that it stored nothing
        (`ListingRejected` for its validation, `VintedRateLimitError`, `ChallengeRaised`, `AccountRestricted`,
        `SessionExpired` for 429, 403, 401)."""
        ...

    async def read_back(
        self, account: AccountSession, sheet: ListingSheet, shown: Mapping[str, str], listing_id: str
    ) -> tuple[Difference, ...]:
        """What the stored listing or draft holds otherwise than the form showed before the click (`Filled.read_back`).

        A listing that can't be read is one difference, named `read_back`. `sheet` says which fields there are."""
        ...

    async def list_wardrobe(self, account: AccountSession) -> list[WardrobeItem]:
        """The account's newest listings and drafts, newest first. Raises what `put` raises before the click."""
        ...

    async def whole_wardrobe(self, account: AccountSession, progress: LookedAt) -> Wardrobe:
        """All of the account's listings and drafts, page after page. Raises what `put` raises before the click."""
        ...

    def listing_url(self, account: AccountSession, listing_id: str, mode: Mode) -> str:
        """Where a person finds it: the listing's page, or the form of a draft."""
        ...
