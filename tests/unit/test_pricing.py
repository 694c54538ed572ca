"""The price table: brands matched by whole words, factors that go the right way, explanations that add up."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import catalog, pricing
from backend.core.errors import BadRequest
from backend.core.listing import Evidence, Field, Listing, stated
from backend.core.pricing import Circumstances, Comparison, PriceRule, PriceSuggestion, as_field, brand_tier, suggest
from backend.core.readiness import amount


def item(**values: Any) -> Listing:
    return Listing({name: stated(value) for name, value in values.items()})


def price(rule: PriceRule | None = None, **values: Any) -> PriceSuggestion:
    found = suggest(item(**values), rule or PriceRule())
    assert found is not None
    return found


def test_the_table_covers_the_catalog_and_says_what_it_is() -> None:
    table = pricing.table()
    assert set(table["kinds"]) == set(catalog.kinds())
    assert set(table["conditions"]) == set(catalog.conditions())
    assert set(table["audiences"]) == set(catalog.AUDIENCES)
    assert "not market data" in table["note"]


def test_no_brand_stands_in_two_tiers() -> None:
    brands = [pricing._words(brand) for listed in pricing.table()["brands"].values() for brand in listed]
    assert all(brands)
    tiers = {pricing._words(b): t for t, listed in pricing.table()["brands"].items() for b in listed}
    assert all(tiers[pricing._words(b)] == t for t, listed in pricing.table()["brands"].items() for b in listed)


@pytest.mark.parametrize(
    ("brand", "tier"),
    [
        ("LV", "luxury"),
        ("Calvin Klein", "mid"),
        ("Silvian Heach", "unlisted"),
        ("Louis Vuitton", "luxury"),
        ("SEZANE", "premium"),
        ("levi’s", "mid"),
        ("APC", "premium"),
        ("Pull&Bear", "high_street"),
        ("Zara Kids", "high_street"),
        ("H&M x Balmain", "high_street"),
        ("Polo Ralph Lauren", "premium"),
        ("Armani Exchange", "mid"),
        ("Giorgio Armani", "luxury"),
        ("Samsøe Samsøe", "premium"),
        ("Gapstar", "unlisted"),
        ("", "unlisted"),
    ],
)
def test_brands_match_by_whole_words(brand: str, tier: str) -> None:
    assert brand_tier(brand) == tier


def test_no_category_no_price() -> None:
    assert suggest(item(brand="Zara")) is None
    assert suggest(item(category="saucepan")) is None
    assert suggest(Listing({"category": Field("shirt", 0.9, evidence=(Evidence("fallback"),))})) is None


def test_the_sum() -> None:
    found = price(category="t-shirt", brand="Sézane", condition="good", audience="girls")
    assert (found.low, found.suggested, found.high) == (Decimal(6), Decimal(9), Decimal(12))
    assert found.explanation("fr") == (
        "T-shirt\u00a0: base 7 × 2,8 (Sézane, marque haut de gamme) × 0,8 (état\u00a0: bon état) × 0,55 "
        "(taille enfant) = 8,62, soit 6 à 12\u00a0; conseil 9. Barème indicatif de VintedBot, pas un relevé du marché."
    )
    assert found.explanation("en") == (
        "T shirt: base 7 × 2.8 (Sézane, a premium brand) × 0.8 (condition: good) × 0.55 (children's size) = 8.62, "
        "so 6 to 12; suggested 9. VintedBot's own rough scale, not market data."
    )


def test_what_lowers_a_price() -> None:
    reference = price(category="coat", brand="Zara", condition="very-good", audience="women").suggested
    assert price(category="coat", brand="Zara", condition="satisfactory", audience="women").suggested < reference
    assert price(category="coat", brand="Primark", condition="very-good", audience="women").suggested < reference
    assert price(category="coat", brand="Zara", condition="very-good", audience="boys").suggested < reference
    assert price(category="coat", brand="", condition="very-good", audience="women").suggested < reference
    assert price(category="coat", brand="Dior", condition="very-good", audience="women").suggested > reference


def test_unknowns_are_named_as_such() -> None:
    assert "(brand unknown) × 0.8 (condition unknown)" in price(category="coat").explanation("en")
    assert "(no brand)" in price(category="coat", brand="").explanation("en")
    guessed = Listing({"category": stated("coat"), "brand": Field("Dior", 1.0, evidence=(Evidence("fallback"),))})
    found = suggest(guessed)
    assert found is not None
    assert "(brand unknown)" in found.explanation("en")


def test_the_sellers_rule() -> None:
    facts = {"category": "t-shirt", "brand": "Sézane", "condition": "good", "audience": "girls"}
    assert price(PriceRule(aim="low"), **facts).suggested == price(**facts).low
    assert price(PriceRule(aim="high"), **facts).suggested == price(**facts).high
    assert price(PriceRule(rounding="half"), **facts).suggested == Decimal("8.50")
    assert price(PriceRule(rounding="cent"), **facts).suggested == Decimal("8.62")
    floored = price(PriceRule(aim="low", floor=Decimal("9.5")), **facts)
    assert floored.suggested == Decimal("9.5")
    assert "bas de la fourchette, avec un minimum de 9,50" in floored.explanation("fr")


@pytest.mark.parametrize("floor", ["0", "0.99", "30001", "2.345", "NaN"])
def test_a_floor_that_is_no_price_is_refused(floor: str) -> None:
    with pytest.raises(BadRequest):
        PriceRule(floor=Decimal(floor))


def test_the_field_is_as_sure_as_what_it_follows_from() -> None:
    listing = Listing({"category": Field("shirt", 0.75), "brand": stated("Zara")})
    found = suggest(listing)
    assert found is not None
    field = as_field(found, "en")
    assert field.confidence == 0.75
    assert field.value == "8"
    assert [a.value for a in field.alternatives] == ["6", "11"]
    assert [e.source for e in field.evidence] == ["price_table"]
    assert field.evidence[0].detail == found.explanation("en")
    assert price(category="shirt", brand="Zara").confidence == pricing.CONFIDENCE


def suggested(circumstances: Circumstances, rule: PriceRule | None = None, **values: Any) -> PriceSuggestion:
    found = suggest(item(**values), rule or PriceRule(), circumstances)
    assert found is not None
    return found


COAT = {"category": "coat", "brand": "Zara", "condition": "very-good", "audience": "women"}


@pytest.mark.parametrize(
    ("kind", "month", "reason"),
    [
        ("coat", 11, "de saison"),
        ("coat", 6, "hors saison"),
        ("coat", 9, None),
        ("sandals", 7, "de saison"),
        ("sandals", 1, "hors saison"),
        ("jeans", 7, None),
        ("coat", None, None),
    ],
)
def test_the_season_counts_for_what_has_one(kind: str, month: int | None, reason: str | None) -> None:
    told = suggested(Circumstances(month=month), category=kind, brand="Zara", condition="very-good").explanation("fr")
    assert [word for word in ("de saison", "hors saison") if f"({word})" in told] == ([reason] if reason else [])


def test_a_coat_costs_less_in_june() -> None:
    june, january = (suggested(Circumstances(month=month), **COAT).suggested for month in (6, 1))
    assert june < suggested(Circumstances(), **COAT).suggested < january


def test_the_sellers_own_items_count_by_their_number() -> None:
    own = Comparison(3, Decimal("50"), Decimal("0.5"))
    found = suggested(Circumstances(own=own), **COAT)
    assert found.suggested == Decimal(42)
    assert found.explanation("en") == (
        "Coat: base 34 × 1 (Zara, a high-street brand) × 1 (condition: very good) = 34; your 3 comparable items, 50 at "
        "the median, count for 50%: 42, so 32 to 57; suggested 42. VintedBot's own rough scale, not market data."
    )
    one = suggested(Circumstances(own=Comparison(1, Decimal("50"), Decimal("0.25"))), **COAT)
    assert "\u00a0; votre article comparable à 50 compte pour 25 %\u00a0: 38, soit" in one.explanation("fr")


def test_never_below_what_it_cost_and_the_margin() -> None:
    cheap = {"category": "t-shirt", "brand": "Kiabi", "condition": "good"}
    assert suggested(Circumstances(), **cheap).suggested == Decimal(3)
    found = suggested(Circumstances(cost=Decimal(5)), PriceRule(margin=Decimal(50)), **cheap)
    assert found.low == found.suggested == Decimal(8)
    assert "et pas moins de 8 (prix d’achat 5, marge 50 %)" in found.explanation("fr")
    assert suggested(Circumstances(cost=Decimal(5)), PriceRule(rounding="ninety"), **cheap).suggested == Decimal("5.90")


@pytest.mark.parametrize(("rounding", "allowed"), [("whole", {"00"}), ("half", {"00", "50"}), ("ninety", {"90"})])
@pytest.mark.parametrize("kind", ["t-shirt", "coat", "jeans", "polo"])
def test_prices_end_as_the_seller_wishes(rounding: Any, allowed: set[str], kind: str) -> None:
    found = price(PriceRule(rounding=rounding), category=kind, brand="Sézane", condition="good", audience="girls")
    assert {f"{p:.2f}"[-2:] for p in (found.low, found.suggested, found.high)} <= allowed


@pytest.mark.parametrize("margin", ["-1", "1001", "NaN", "2.345"])
def test_a_margin_that_is_none_is_refused(margin: str) -> None:
    with pytest.raises(BadRequest) as refused:
        PriceRule(margin=Decimal(margin))
    assert refused.value.code == "price_margin"


@given(
    kind=st.sampled_from(sorted(catalog.kinds())),
    brand=st.none() | st.text(max_size=40) | st.sampled_from(["Dior", "Kiabi", "Nike"]),
    condition=st.none() | st.sampled_from(sorted(catalog.conditions())),
    audience=st.none() | st.sampled_from(catalog.AUDIENCES),
    circumstances=st.builds(
        Circumstances,
        cost=st.none() | st.decimals(0, 5000, places=2),
        month=st.none() | st.integers(1, 12),
        own=st.none()
        | st.builds(
            Comparison, count=st.integers(1, 12), median=st.decimals(1, 30_000, places=2), weight=st.decimals(0, 1)
        ),
    ),
    rule=st.builds(
        PriceRule,
        aim=st.sampled_from(["low", "middle", "high"]),
        rounding=st.sampled_from(["whole", "half", "ninety", "cent"]),
        margin=st.decimals(0, 1000, places=1),
        floor=st.decimals(1, 30_000, places=2),
    ),
)
def test_every_price_is_one_the_marketplace_takes(
    kind: str,
    brand: str | None,
    condition: str | None,
    audience: str | None,
    rule: PriceRule,
    circumstances: Circumstances,
) -> None:
    found = suggested(circumstances, rule, category=kind, brand=brand, condition=condition, audience=audience)
    assert Decimal(1) <= found.low <= found.suggested <= found.high <= Decimal(30_000)
    assert found.suggested >= rule.floor
    assert amount(as_field(found).value) == found.suggested
    assert all(found.explanation(language) for language in ("fr", "en"))
