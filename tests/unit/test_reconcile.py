"""What the account's own listings say about a click whose answer was lost."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from backend.core.errors import VintedNetworkError
from backend.core.retry_utils import waiting_by
from backend.marketplace.port import AccountSession, WardrobeItem
from backend.workflows.reconcile import LOOKS_AFTER, Sent, judge, reconcile

SENT = Sent("Robe Mango", Decimal("15.00"), 4, as_draft=True, before=frozenset({"1", "2"}))
OLD = [WardrobeItem("1", "Robe Mango", Decimal(15), True, 4), WardrobeItem("2", "Jupe", Decimal(9), False, 2)]


def item(listing_id: str = "3", **other: Any) -> WardrobeItem:
    fields = {"title": "Robe Mango", "price": Decimal(15), "is_draft": True, "photos": 4} | other
    return WardrobeItem(listing_id, **fields)


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        ([], "absent"),
        ([item()], "adopt"),
        ([item(title="  robe   MANGO ")], "adopt"),
        ([item(price=None, photos=None)], "adopt"),
        ([item(price=Decimal(0))], "unsure"),
        ([item(photos=3)], "unsure"),
        ([item(is_draft=False)], "unsure"),
        ([item(title="Jupe")], "unsure"),
        ([item("3"), item("4")], "unsure"),
        ([item("3"), item("4", title="Jupe")], "adopt"),
    ],
)
def test_one_look(new: list[WardrobeItem], kind: str) -> None:
    verdict = judge(SENT, new + OLD)
    assert verdict.kind == kind
    assert (verdict.listing_id == "3") == (kind == "adopt")


@pytest.mark.parametrize("before", [SENT.before, frozenset()])
def test_a_wardrobe_that_shows_nothing_known_is_no_proof(before: frozenset[str]) -> None:
    """It is as empty as one that could not be read: the listing might be there."""
    verdict = judge(replace(SENT, before=before), [])
    assert (verdict.kind, bool(verdict.reason)) == ("unsure", True)


def test_one_listing_from_before_is_enough_to_know_that_it_was_read() -> None:
    assert judge(SENT, OLD[1:]).kind == "absent"


class Wardrobe:
    """A route of which only the wardrobe is asked; each answer is a list or an error."""

    name = "scripted"

    def __init__(self, answers: Sequence[list[WardrobeItem] | Exception]) -> None:
        self.answers = list(answers)

    async def list_wardrobe(self, account: AccountSession) -> list[WardrobeItem]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


DOWN = VintedNetworkError("unreachable")


@pytest.mark.parametrize(
    ("answers", "kind", "looks"),
    [
        ([[item()]], "adopt", 1),
        ([OLD, [item()]], "adopt", 2),
        ([DOWN, OLD, [item()]], "adopt", 3),
        ([OLD, OLD, OLD], "absent", 3),
        ([DOWN, OLD, OLD], "unsure", 3),
        ([OLD, OLD, DOWN], "unsure", 3),
        ([DOWN, DOWN, DOWN], "unsure", 3),
        ([[], [], []], "unsure", 3),
        ([OLD, [], OLD], "unsure", 3),
        ([[item(photos=1)], [item(photos=4)]], "adopt", 2),
        ([[item(photos=1), *OLD], OLD, OLD], "unsure", 3),
        ([DOWN, [item(photos=1), *OLD], OLD], "unsure", 3),
    ],
)
async def test_several_looks(answers: list[Any], kind: str, looks: int) -> None:
    waits: list[float] = []
    account = AccountSession("http://127.0.0.1:9", "marie", {})
    with waiting_by(waits.append):
        verdict = await reconcile(Wardrobe(answers), account, SENT)  # type: ignore[arg-type]
    assert verdict.kind == kind
    assert waits == list(LOOKS_AFTER[:looks])
    shown = [one for answer in answers if isinstance(answer, list) for one in answer if one not in OLD]
    if kind == "unsure":
        assert list(verdict.candidates) == shown, "what was seen once is shown to the person"


async def test_who_never_looked_has_seen_nothing() -> None:
    account = AccountSession("http://127.0.0.1:9", "marie", {})
    assert (await reconcile(Wardrobe([]), account, SENT, looks_after=())).kind == "unsure"  # type: ignore[arg-type]
