"""After a click whose result is unknown: what do the account's own listings say?

Looks several times, since the marketplace may still be at work. Exactly one new listing that matches what was sent is
adopted; none at all, at every look, beside some that were there before, is proof that nothing was stored, and the
publication may be tried again; anything else waits for a person, with the candidates. A wardrobe that shows nothing
known proves nothing: it may not have been read. Owns the judgement (`judge`, pure) and the looks; clicks nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal

from loguru import logger

from backend.core.errors import VintedBotError
from backend.core.retry_utils import pause
from backend.marketplace.port import AccountSession, Route, WardrobeItem

LOOKS_AFTER = (3.0, 15.0, 45.0)
"""Seconds before each look. A submission the marketplace took is expected to show within a minute."""


@dataclass(frozen=True)
class Sent:
    """What the lost submission was to store, and what the account had before it."""

    title: str
    price: Decimal
    photos: int
    as_draft: bool
    before: frozenset[str]


@dataclass(frozen=True)
class Verdict:
    """`adopt` names the listing; `absent` is proof of nothing stored; `unsure` lists what a person should look at."""

    kind: Literal["adopt", "absent", "unsure"]
    listing_id: str | None = None
    candidates: tuple[WardrobeItem, ...] = ()
    reason: str = ""

    @property
    def shown(self) -> list[dict[str, Any]]:
        return [{**asdict(item), "price": item.price and str(item.price)} for item in self.candidates]


def judge(sent: Sent, wardrobe: Collection[WardrobeItem]) -> Verdict:
    """What one look at the wardrobe says."""
    new = tuple(item for item in wardrobe if item.id not in sent.before)
    matching = [item for item in new if _matches(sent, item)]
    if len(matching) == 1:
        return Verdict("adopt", matching[0].id, new)
    if not new:
        known = any(item.id in sent.before for item in wardrobe)
        return Verdict("absent") if known else Verdict("unsure", reason="the wardrobe shows no listing from before it")
    many = "several new listings match" if matching else "there are new listings, but none that matches"
    return Verdict("unsure", candidates=new, reason=many)


def _matches(sent: Sent, item: WardrobeItem) -> bool:
    same_words = " ".join(item.title.split()).casefold() == " ".join(sent.title.split()).casefold()
    return (
        same_words
        and item.is_draft == sent.as_draft
        and item.price in (sent.price, None)
        and item.photos in (sent.photos, None)
    )


async def reconcile(
    route: Route, account: AccountSession, sent: Sent, *, looks_after: Sequence[float] = LOOKS_AFTER
) -> Verdict:
    """Looks until the listing shows, or until the last look. Absence counts only if every look saw it: what was seen
    once, and what could not be, is kept for a person."""
    verdicts: list[Verdict] = []
    for wait in looks_after:
        await pause(wait)
        verdicts.append(await _look(route, account, sent))
        if verdicts[-1].kind == "adopt":
            return verdicts[-1]
    doubts = [verdict for verdict in verdicts if verdict.kind != "absent"]
    if verdicts and not doubts:
        return Verdict("absent")
    return max(doubts, key=lambda doubt: bool(doubt.candidates), default=Verdict("unsure", reason="nobody looked"))


async def _look(route: Route, account: AccountSession, sent: Sent) -> Verdict:
    try:
        return judge(sent, await route.list_wardrobe(account))
    except VintedBotError as error:
        logger.warning("reconcile_look_failed: {}", error)
        return Verdict("unsure", reason=f"the listings could not be read: {error}")
