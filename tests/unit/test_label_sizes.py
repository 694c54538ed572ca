"""Sizes as labels print them: what each says, what it leaves open, and what is no size."""

import pytest

from backend.core import catalog
from backend.vision.embedded.sizes import SizeReading, find_size
from backend.vision.embedded.text_line import TextLine

KNOWN = {option.value for group in catalog.size_groups().values() for option in group}


def read(said: str, kind: str | None = "top", audience: str | None = None) -> SizeReading | None:
    """The reading of a label whose lines stand between bars."""
    lines = [
        TextLine(text.strip(), 1.0, (0.1, 0.1 * i, 0.9, 0.1 * i + 0.05), 0.05) for i, text in enumerate(said.split("|"))
    ]
    return find_size(lines, kind=kind, on_label=True, audience=audience)


@pytest.mark.parametrize(
    ("said", "kind", "expected"),
    [
        # the word for size says whose numbers these are
        ("TAGLIA 42", "dress", "M"), ("TG. 42", "dress", "M"), ("TALLA 40", "dress", "L"), ("T42", "dress", "XL"),
        ("I42", "dress", "M"), ("D 44", "dress", "XXXL"), ("ROZM. M", "dress", "M"),
        # men's numbers
        ("MEN | IT 50", "blazer", "L"), ("UOMO | TAGLIA 46", "jumper", "S"), ("HERREN | GR. 46", "outwear", "S"),
        ("EU 50 UK 40 US 40", "blazer", "L"), ("39-40 M", "shirt", "M"), ("HOMME | 41", "shirt", "L"),
        # letters with their numbers
        ("M 38/40 UK 12-14", "top", "M"), ("M (38/40)", "top", "M"),
        ("L (42/44)", "top", "L"), ("M 40/42", "top", "M"),
        ("S 36/38", "top", "S"), ("M 38", "dress", "M"), ("38 M", "dress", "M"),
        # letters in several languages, and in words
        ("L/G", "top", "L"), ("S/P", "top", "S"),
        ("XL/TG", "top", "XL"), ("M/M/M", "top", "M"), ("X-SMALL", "top", "XS"),
        ("XX-LARGE", "top", "XXL"), ("EXTRA SMALL", "top", "XS"), ("MED", "top", "M"), ("GRANDE", "top", "L"),
        ("Medium/Moyen", "top", "M"), ("XXS", "top", "XXS"), ("4XL", "top", "4XL"), ("XXXXL", "top", "4XL"),
        # rows, some of which are of another thing
        ("EUR 38 USA 28 UK 10 MEX 28", "dress", "M"),
        ("EUR 42 USA 32 MEX 32", "pants", "W32"), ("8 UK", "dress", "S"),
        ("10UK/38EU", "dress", "M"), ("CN L EU M", "top", "M"),
        # inches
        ("31W 32L", "jeans", "W31"), ("WAIST 32 LEG 34", "jeans", "W32"), ("W:32 L:34", "jeans", "W32"),
        ("29/31", "pants", "W29"), ("28", "jeans", "W28"), ("W3O L32", "jeans", "W30"), ("32W X 34L", "pants", "W32"),
        # children
        ("6-7 Y", "top", "7Y"), ("8T", "top", "8Y"),
        ("128", "top", "8Y"), ("SIZE 128", "top", "8Y"), ("158 CM", "top", "13Y"),
        ("EUR 116 US 5-6Y", "top", "6Y"), ("18-24 M", "top", "2Y"),
        ("0-3 M 62", "top", "3M"), ("4Y / 104", "top", "4Y"),
        ("12-18 MOIS 80 CM", "body", "18M"), ("12-18 MOIS", "body", "18M"), ("18M 81CM", "body", "18M"),
        ("110-116", "top", "6Y"), ("BOYS | 98", "top", "3Y"),
        # shoes
        ("38 EUR", "shoes", "38"), ("POINTURE 39", "shoes", "39"),
        ("37½", "shoes", "37.5"), ("EU 42.5", "trainers", "42.5"),
        # one size, and a number beside other words
        ("TU", "top", "One size"), ("T.U.", "hat", "One size"), ("TAILLE UNIQUE", "dress", "One size"),
        ("ONE SIZE", "top", "One size"),
        ("TAGLIA UNICA", "top", "One size"), ("ZARA | 38 | MADE IN SPAIN", "dress", "M"),
        # the garment's own letter beside the body's measures
        ("L | CHEST 104 CM", "top", "L"), ("M | 92-98 cm", "top", "M"),
    ],
)  # fmt: skip
def test_the_size_a_label_states(said: str, kind: str, expected: str) -> None:
    reading = read(said, kind)
    assert reading is not None
    assert (reading.value, reading.confidence >= 0.7) == (expected, True)
    assert expected in KNOWN


@pytest.mark.parametrize(
    ("said", "kind", "offered"),
    [
        ("GR. 38", "dress", ["M", "L"]),
        ("MAAT 40", "dress", ["L", "XL"]),
        ("IT 50", "blazer", ["XXXL", "L"]),
        ("46", "outwear", ["XXXL", "S"]),
        ("EU 46", "blazer", ["XXXL", "S"]),
        ("TAILLE 42", "shirt", ["XL", "L"]),
        ("FR 38/40", "dress", ["M", "L"]),
        ("T 38/40", "dress", ["M", "L"]),
        ("UK 10-12", "dress", ["M", "L"]),
        ("EUR 36-37", "shoes", ["36", "37"]),
        ("SIZE M - L", "top", ["M", "L"]),
        ("SIZE S/M", "top", ["S", "M"]),
        ("EUR 38 US 8 CA 8", "dress", ["L", "M"]),
        ("FR 41 1/3", "shoes", ["41", "41.5"]),
        ("EU 30.5", "shoes", ["30", "31"]),
        ("SIZE 10", "dress", ["M", "XL"]),
        ("T. 38", "pants", ["M", "W28"]),
    ],
)
def test_two_meanings_are_offered_and_none_chosen(said: str, kind: str, offered: list[str]) -> None:
    reading = read(said, kind)
    assert reading is not None
    assert (reading.value, [a.value for a in reading.alternatives]) == (None, offered)


@pytest.mark.parametrize(
    "said",
    [
        "SIZE: XS S M L XL",
        "BUST 86 CM WAIST 68 CM",
        "WAIST 68 CM",
        "CHEST | 104 CM",
        "NOT SUITABLE FOR CHILDREN UNDER 36 MONTHS",
        "NE CONVIENT PAS AUX ENFANTS DE MOINS | DE 36 MOIS",
        "GUARANTEE 2 YEARS",
        "GARANTIE 2 ANS",
        "3M THINSULATE INSULATION",
        "DE L ETE",
        "100% COTON | 40 | FABRIQUE AU MAROC",
        "LAVER A | 38 | SECHER",
        "EUR 75B FR 90B USA 34B",
        "94",
        "WOMEN | 104 CM",
        "52 R",
        "32/32",
    ],
)
def test_what_is_no_size(said: str) -> None:
    reading = read(said)
    assert reading is None or (reading.value, reading.alternatives) == (None, ())


def test_the_audience_settles_what_a_number_means() -> None:
    found = {audience: read("IT 48", "jumper", audience) for audience in ("women", "men", "boys", None)}
    assert {audience: reading and reading.value for audience, reading in found.items()} == {
        "women": "XXL", "men": "M", "boys": None, None: None,
    }  # fmt: skip


def test_what_reads_as_french_and_german_alike_is_little_sure_and_offers_the_other() -> None:
    for said in ("EU 38", "SIZE 38", "38"):
        reading = read(said, "dress")
        assert reading is not None
        assert (reading.value, [a.value for a in reading.alternatives]) == ("M", ["L"])
        assert reading.confidence < 0.75
