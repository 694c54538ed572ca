"""The vocabulary of fields: what counts as known, as a guess, as the seller's word."""

from backend.core.listing import UNKNOWN, Evidence, Field, Listing, stated


def test_unknown_is_none_or_an_empty_list_and_no_brand_is_known() -> None:
    assert not UNKNOWN.known
    assert not Field([]).known
    assert Field("").known
    assert Field(["blue"]).known


def test_a_guess_is_known_but_not_usable() -> None:
    guess = Field("Zara", 0.9, evidence=(Evidence("fallback"),))
    assert guess.known
    assert guess.rests_on_fallback
    assert not guess.usable
    assert Field("Zara", 0.9, evidence=(Evidence("label"),)).usable
    assert not UNKNOWN.usable


def test_one_guess_among_the_evidence_is_enough() -> None:
    assert Field("Zara", 0.9, evidence=(Evidence("label"), Evidence("fallback"))).rests_on_fallback


def test_the_sellers_statement_is_certain() -> None:
    said = stated("M", detail="batch")
    assert said.stated_by_seller
    assert said.confidence == 1.0
    assert said.evidence == (Evidence("seller", detail="batch"),)


def test_fields_are_replaced_in_a_copy() -> None:
    before = Listing({"size": stated("M")}, photos=("a.jpg",))
    after = before.with_fields(size=stated("L"), brand=stated(""))
    assert (before.value("size"), after.value("size"), after.value("brand")) == ("M", "L", "")
    assert after.photos == before.photos
    assert before["brand"] is UNKNOWN
