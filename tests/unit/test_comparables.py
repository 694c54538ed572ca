"""Which of the seller's own items are comparable, and how much they say."""

from decimal import Decimal
from typing import Any

import pytest

from backend.core.comparables import OwnItem, compare
from backend.core.listing import Evidence, Field, Listing, stated

COAT = {"category": "coat", "audience": "women", "brand": "Zara", "condition": "very-good"}


def listing(**values: Any) -> Listing:
    return Listing({name: stated(value) for name, value in {**COAT, **values}.items() if value is not None})


def own(price: str, **values: Any) -> OwnItem:
    given = {"kind": "coat", "audience": "women", "brand": "Zara", "condition": "very-good", **values}
    return OwnItem(price=Decimal(price), **given)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "jeans"},
        {"audience": "girls"},
        {"brand": "Dior"},
        {"brand": ""},
        {"brand": None},
    ],
)
def test_another_kind_tier_or_age_is_no_comparison(other: dict[str, Any]) -> None:
    assert compare(listing(), [own("40", **other)]) is None


def test_one_item_weighs_a_quarter_three_a_half() -> None:
    one = compare(listing(), [own("40")])
    three = compare(listing(), [own("40"), own("30"), own("80")])
    assert one is not None
    assert three is not None
    assert (one.count, one.median, one.weight) == (1, Decimal("40.00"), Decimal("0.25"))
    assert (three.count, three.median, three.weight) == (3, Decimal("40.00"), Decimal("0.5"))


def test_prices_are_brought_to_this_items_condition() -> None:
    found = compare(listing(condition="good"), [own("40", condition="very-good")])
    assert found is not None
    assert found.median == Decimal("32.00")


def test_two_of_the_same_brand_go_before_others_of_its_tier() -> None:
    items = [own("90", brand="Mango"), own("40", brand="ZARA"), own("44")]
    found = compare(listing(), items)
    assert found is not None
    assert (found.count, found.median) == (2, Decimal("42.00"))
    tier = compare(listing(), items[:2])
    assert tier is not None
    assert tier.count == 2


def test_the_latest_dozen_counts() -> None:
    found = compare(listing(), [own("40")] * 12 + [own("1000")] * 30)
    assert found is not None
    assert (found.count, found.median) == (12, Decimal("40.00"))


def test_a_guessed_category_is_compared_with_nothing() -> None:
    guessed = Listing({"category": Field("coat", 0.9, evidence=(Evidence("fallback"),))})
    assert compare(guessed, [own("40")]) is None


def test_what_was_sold_comes_first_and_counts_twice() -> None:
    found = compare(listing(), [own("90"), own("60"), own("30", sold=True)])
    assert found is not None
    assert (found.count, found.sold) == (3, 1)
    assert (found.median, found.weight) == (Decimal("45.00"), Decimal(4) / 7), "of 90, 60 and twice 30"
    many = compare(listing(), [own("90")] * 12 + [own("30", sold=True)])
    assert many is not None
    assert (many.count, many.sold) == (12, 1), "it is among the dozen, however long ago"
