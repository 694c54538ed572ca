"""The rules of `publish_ready`: each reason by the smallest change to a ready listing that brings it about."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import catalog
from backend.core.listing import FIELD_NAMES, TOLD_NAMES, UNKNOWN, Evidence, Field, Listing, stated
from backend.core.readiness import Problem, ReadinessCode, check, message
from backend.core.texts import sentences

READY = Listing(
    {
        "category": stated("shirt"),
        "audience": stated("women"),
        "brand": stated("Sézane"),
        "size": stated("M"),
        "colours": stated(["white", "blue"]),
        "materials": stated(["cotton", "linen", "silk"]),
        "condition": stated("very-good"),
        "price": stated("12.50"),
        "parcel": stated("small"),
        "title": stated("Chemise Sézane blanche"),
        "description": stated("Chemise Sézane."),
    },
    photos=("a.jpg",),
)


def codes(listing: Listing, **options: Any) -> list[str]:
    return [problem.code.value for problem in check(listing, **options)]


def test_a_complete_listing_is_ready() -> None:
    assert check(READY) == ()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("title", None, "title_missing"),
        ("title", "   ", "title_missing"),
        ("title", " Pull ", "title_too_short"),
        ("title", "x" * 101, "title_too_long"),
        ("description", None, "description_missing"),
        ("description", "Pull\n", "description_too_short"),
        ("description", "x" * 2001, "description_too_long"),
        ("category", None, "category_missing"),
        ("category", "saucepan", "category_not_leaf"),
        ("audience", None, "category_not_leaf"),
        ("audience", "everyone", "category_not_leaf"),
        ("size", None, "size_missing"),
        ("size", "W30", "size_not_offered"),
        ("size", "m", "size_not_offered"),
        ("condition", None, "condition_missing"),
        ("condition", "as new", "condition_unknown"),
        ("price", None, "price_missing"),
        ("price", "12.345", "price_not_an_amount"),
        ("price", "about 12", "price_not_an_amount"),
        ("price", "NaN", "price_not_an_amount"),
        ("price", "Infinity", "price_not_an_amount"),
        ("price", "0.99", "price_too_low"),
        ("price", "-5", "price_too_low"),
        ("price", "30000.01", "price_too_high"),
        ("brand", None, "brand_missing"),
        ("brand", " ", "brand_missing"),
        ("parcel", None, "parcel_missing"),
        ("parcel", "huge", "parcel_unknown"),
        ("colours", ["white", "blue", "red"], "colours_too_many"),
        ("colours", ["white", "white"], "colours_repeated"),
        ("colours", ["Blanc"], "colours_unknown"),
        ("materials", ["cotton", "linen", "silk", "wool"], "materials_too_many"),
        ("materials", ["cotton", "cotton"], "materials_repeated"),
        ("materials", ["kryptonite"], "materials_unknown"),
    ],
)
def test_one_fault_gives_one_reason(field: str, value: Any, code: str) -> None:
    assert codes(READY.with_fields(**{field: stated(value)})) == [code]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Pulls"),
        ("title", "x" * 100),
        ("title", " " + "x" * 100 + " "),
        ("description", "x" * 2000),
        ("brand", ""),
        ("colours", []),
        ("colours", None),
        ("materials", None),
        ("price", "1"),
        ("price", "30000.00"),
        ("price", 12.5),
    ],
)
def test_the_limits_themselves_are_allowed(field: str, value: Any) -> None:
    assert check(READY.with_fields(**{field: stated(value)})) == ()


@pytest.mark.parametrize(("count", "expected"), [(0, ["photos_missing"]), (1, []), (20, []), (21, ["photos_too_many"])])
def test_photos_are_counted(count: int, expected: list[str]) -> None:
    assert codes(replace(READY, photos=tuple(map(str, range(count))))) == expected


def test_no_size_is_asked_where_the_category_has_none() -> None:
    assert check(READY.with_fields(category=stated("hat"), size=UNKNOWN)) == ()


def test_an_empty_listing_lacks_everything_that_is_required() -> None:
    assert codes(Listing()) == [
        "photos_missing",
        "category_missing",
        "brand_missing",
        "condition_missing",
        "price_missing",
        "parcel_missing",
        "title_missing",
        "description_missing",
    ]


def test_a_reading_counts_from_070_and_the_sellers_word_always() -> None:
    read = Evidence("label", photo="a.jpg")
    assert codes(READY.with_fields(size=Field("M", 0.69, evidence=(read,)))) == ["unsure"]
    assert codes(READY.with_fields(size=Field("M", 0.7, evidence=(read,)))) == []
    assert codes(READY.with_fields(size=Field("M", 0.1, evidence=(read, Evidence("seller"))))) == []


@given(st.sets(st.sampled_from(FIELD_NAMES), min_size=1), st.floats(0, 1), st.booleans())
def test_nothing_that_rests_on_a_fallback_is_ever_ready(names: set[str], confidence: float, seller: bool) -> None:
    evidence = (Evidence("fallback"), *([Evidence("seller")] if seller else []))
    guesses = {name: Field(READY.value(name), confidence, evidence=evidence) for name in names}
    found = [p for p in check(READY.with_fields(**guesses)) if p.code is ReadinessCode.RESTS_ON_FALLBACK]
    assert {p.field for p in found} == names


LISTS = ("colours", "materials")
SLUGS = st.lists(st.sampled_from(["white", "cotton", "plaid"]), max_size=4)
WORDS = st.sampled_from(["", " ", "M", "W30", "shirt", "hat", "men", "good", "small", "12", "1e9"])


@given(st.fixed_dictionaries({}, optional={n: st.none() | (SLUGS if n in LISTS else WORDS) for n in FIELD_NAMES}))
def test_what_passes_has_everything_a_sheet_needs(values: dict[str, Any]) -> None:
    listing = READY.with_fields(**{name: stated(value) for name, value in values.items()})
    if check(listing):
        return
    leaf = catalog.find_leaf(listing.value("audience"), listing.value("category"))
    assert leaf is not None
    assert leaf.size_group is None or catalog.find_size(leaf, listing.value("size")) is not None
    assert listing.value("price") is not None
    assert listing.value("brand") is not None
    assert listing.value("condition") in catalog.conditions()
    assert listing.value("parcel") in catalog.parcels()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_code_tells_what_to_do(language: str) -> None:
    texts = sentences(language)
    assert set(texts["readiness"]) == {code.value for code in ReadinessCode}
    assert set(texts["fields"]) == {*FIELD_NAMES, *TOLD_NAMES, "photos"}
    numbers = {"count": 3, "minimum": 5, "maximum": 100, "name": "Kilt", "nearest": "Jupes"}
    for code in ReadinessCode:
        sentence = message(Problem(code, "title", numbers), language)
        assert sentence.endswith(".")
        assert "{" not in sentence


def test_messages_carry_their_numbers_and_fields() -> None:
    (short,) = check(READY.with_fields(title=stated("Pull")))
    assert message(short, "fr") == "Allongez le titre\u00a0: 4 caractères, il en faut au moins 5."
    (unsure,) = check(READY.with_fields(colours=Field(["navy"], 0.4)))
    assert message(unsure, "en") == "Check the field “colours”: the reading is not sure of it."
    assert message(unsure, "de") == message(unsure, "en")
