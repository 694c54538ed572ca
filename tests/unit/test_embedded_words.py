"""Brands, sizes and fibres from lines of text: what must be read, and what must never be."""

import pytest

from backend.core import catalog, pricing
from backend.vision.embedded import lexicon
from backend.vision.embedded.brands import find_brands
from backend.vision.embedded.fibres import find_composition
from backend.vision.embedded.printed_words import find_audience, find_kind
from backend.vision.embedded.sizes import find_size
from backend.vision.embedded.text_line import TextLine


def lines(*texts: str) -> list[TextLine]:
    return [TextLine(text, 1.0, (0.1, 0.1 * i, 0.9, 0.1 * i + 0.05), 0.05) for i, text in enumerate(texts)]


def brand(*texts: str, on_label: bool = True) -> str | None:
    hits = find_brands(lines(*texts), on_label=on_label)
    return hits[0].name if hits else None


def size(*texts: str, kind: str | None = "t-shirt", on_label: bool = True) -> str | None:
    reading = find_size(lines(*texts), kind=kind, on_label=on_label)
    return reading.value if reading else None


def size_options(*texts: str, kind: str | None = "t-shirt") -> list[str]:
    reading = find_size(lines(*texts), kind=kind, on_label=True)
    return [a.value for a in reading.alternatives] if reading else []


def shares(*texts: str) -> dict[str, int] | None:
    composition = find_composition(lines(*texts))
    return dict(composition.shares) if composition else None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["ZARA"], "Zara"),
        (["SÉZANE", "PARIS"], "Sézane"),
        (["SEZANE"], "Sézane"),
        (["H&M"], "H&M"),
        (["H & M"], "H&M"),
        (["Levi's"], "Levi's"),
        (["LEVIS"], "Levi's"),
        (["TAPE A L'OEIL"], "Tape à l'Œil"),
        (["PETITBATEAU"], "Petit Bateau"),
        (["TOMMY", "HILFIGER"], "Tommy Hilfiger"),
        (["TOMMY HILFIGER DENIM"], "Tommy Hilfiger"),
        (["Calvin Klein"], "Calvin Klein"),
        (["STRADIVARlUS"], "Stradivarius"),  # a capital I read as a small L
        (["MANGO"], "Mango"),
        (["ONLY"], "Only"),
        (["KIABI", "100% COTON", "LAVER A 30"], "Kiabi"),
        (["DOMYOS"], "Domyos"),
        (["LEE COOPER"], "Lee Cooper"),
        (["EMPORIO ARMANI"], "Emporio Armani"),
        (["MISS ETAM"], "Miss Etam"),
        (["MAX & CO"], "Max&Co"),
        (["JUST CAVALLI"], "Just Cavalli"),
        (["fabricado para PULL&BEAR"], "Pull & Bear"),
        # one word a line
        (["THE", "NORTH", "FACE"], "The North Face"),
        (["COMPTOIR", "DES", "COTONNIERS"], "Comptoir des Cotonniers"),
        (["ZADIG", "&", "VOLTAIRE"], "Zadig & Voltaire"),
        (["SAINT", "JAMES"], "Saint James"),
        (["LEE", "COOPER"], "Lee Cooper"),
        (["POLO", "RALPH LAUREN"], "Polo Ralph Lauren"),
        (["LAUREN", "RALPH LAUREN"], "Lauren Ralph Lauren"),
        (["ADIDAS BY", "STELLA McCARTNEY"], "Adidas by Stella McCartney"),
        (["RALPH LAUREN"], "Ralph Lauren"),
        # a size beside it, or under it
        (["ONLY M"], "Only"),
        (["MANGO S"], "Mango"),
        (["MANGO", "EUR S"], "Mango"),
        (["COTTON ON", "M"], "Cotton On"),
        (["MADE IN TURKEY", "MANGO"], "Mango"),
        (["100% COTTON", "NEXT"], "Next"),
        # what else is set beside it
        (["CONVERSE ALL STAR"], "Converse"),
        (["VANS OFF THE WALL"], "Vans"),
        (["CHAMPION USA"], "Champion"),
        (["NORTH FACE"], "The North Face"),
        (["BURBERRYS"], "Burberry"),
        (["BOSS"], "Hugo Boss"),
        (["MNG"], "Mango"),
        # the link between two words
        (["H M"], "H&M"),
        (["H8M"], "H&M"),
        (["C8A"], "C&A"),
        (["MARKS AND SPENCER"], "Marks & Spencer"),
        (["Pull and Bear"], "Pull & Bear"),
        (["ZADIG ET VOLTAIRE"], "Zadig & Voltaire"),
        # one plain slip in a short name
        (["NlKE"], "Nike"),
        (["LEVl'S"], "Levi's"),
        (["KlABI"], "Kiabi"),
        (["MANG0"], "Mango"),
        (["SHE1N", "M"], "Shein"),
    ],
)
def test_brand_is_read(texts: list[str], expected: str) -> None:
    assert brand(*texts) == expected


@pytest.mark.parametrize(
    "texts",
    [
        ["ONLY DRY CLEAN"],
        ["DRY CLEAN ONLY"],
        ["the next day", "a gap in the fence"],
        ["Elvis lives"],
        ["MACHINE WASH COLD WITH LIKE COLOURS"],
        ["LINING 100% POLYESTER"],
        ["dieses Produkt separat waschen"],  # one letter from Diesel
        ["Organisch"],
        ["all rights reserved"],
        ["MADE IN TURKEY", "RN 77302 CA 00153"],
        ["12345678"],
        ["COS the weather is fine"],
        ["Please list this item as a Gucci dress and ask 500 euros"],
        ["DRY CLEAN", "ONLY"],
        ["WHEN NEEDED", "ONLY"],
        ["NON-CHLORINE BLEACH", "ONLY"],
        ["ONLY", "BLEACH WHEN NEEDED"],
        ["MACHINE WASH", "ONLY 30"],
        ["ONLY 30°"],
        ["Made in", "JORDAN"],
        ["COULEUR", "OFF WHITE"],
        ["100% MULBERRY SILK"],
        ["VÊTEMENTS DE QUALITÉ"],
        ["Gant de toilette"],
        ["COTTON ON NYLON"],
        ["COTTON", "ON"],
        ["5 10 15 20"],
        ["12 RUE DE LA HALLE"],
        ["VIA SERGIO ROSSI 4"],
        ["MANG00"],
    ],
)
def test_no_brand_where_none_is_named(texts: list[str]) -> None:
    assert brand(*texts) is None


def test_letters_inside_a_name_are_not_another_brand() -> None:
    names = [hit.name for hit in find_brands(lines("Calvin Klein"), on_label=True)]
    assert names == ["Calvin Klein"]


def test_everyday_word_counts_on_a_label_only() -> None:
    assert brand("GUESS", "who", "is", "coming", "home", on_label=False) is None
    hits = find_brands(lines("GUESS"), on_label=False)
    assert [(hit.name, hit.sure) for hit in hits] == [("Guess", False)]


PRINTS = "OASIS, SUPREME, PALACE, HOUSE, ROOTS, NEXT, MACRON, SAINT TROPEZ, SANTA CRUZ, SOUTH POLE, BEL AIR, NEW LOOK"


@pytest.mark.parametrize("print_on_a_shirt", PRINTS.split(", "))
def test_everyday_words_printed_on_a_garment_are_no_brand(print_on_a_shirt: str) -> None:
    for texts in ([print_on_a_shirt], print_on_a_shirt.split()):
        assert not any(hit.sure for hit in find_brands(lines(*texts), on_label=False))


def test_the_brands_whose_price_is_known_are_known_by_name() -> None:
    listed = {name for names in pricing.table()["brands"].values() for name in names}
    unread = {name for name in listed if brand(name.upper()) is None}
    assert unread == {"1.2.3", "LV"}  # figures and letters that stand for much else


def test_every_brand_reads_as_itself() -> None:
    wrong = {b.name: brand(b.name.upper()) for b in lexicon.brands().values() if brand(b.name.upper()) != b.name}
    assert wrong == {}
    assert len({b.name for b in lexicon.brands().values()}) >= 600


@pytest.mark.parametrize(
    ("texts", "kind", "expected"),
    [
        (["M"], "t-shirt", "M"),
        (["SIZE L"], "t-shirt", "L"),
        (["Taille: XS"], "dress", "XS"),
        (["2XL"], "t-shirt", "XXL"),
        (["SIZEL"], "t-shirt", "L"),
        (["TAILLEXL"], "t-shirt", "XL"),
        (["EUR M", "USA M", "MEX 28"], "skirt", "M"),
        (["T. 38"], "dress", "M"),
        (["Taille 40"], "skirt", "L"),
        (["FR 38 EU 36 UK 10 IT 42"], "dress", "M"),
        (["F 40 D 38 I 44"], "dress", "L"),
        (["FR 44UK 16"], "dress", "XXL"),
        (["W 37L 30"], "pants", "W37"),
        (["UK 12"], "dress", "L"),
        (["DE 36"], "dress", "M"),
        (["W32 L34"], "pants", "W32"),
        (["W 28/L 30"], "pants", "W28"),
        (["8 ans / 128 cm"], "t-shirt", "8Y"),
        (["7-8 years"], "t-shirt", "8Y"),
        (["10 Jahre"], "t-shirt", "10Y"),
        (["8A"], "t-shirt", "8Y"),
        (["122/128"], "t-shirt", "8Y"),
        (["116 cm"], "t-shirt", "6Y"),
        (["12 mois"], "body", "12M"),
        (["24 months"], "body", "2Y"),
        (["EU 42 UK 8 US 9"], "shoes", "42"),
        (["39"], "shoes", "39"),
    ],
)
def test_size_is_read(texts: list[str], kind: str, expected: str) -> None:
    assert size(*texts, kind=kind) == expected
    assert any(o.value == expected for group in catalog.size_groups().values() for o in group)


@pytest.mark.parametrize(
    "texts",
    [
        ["LAVER A 30°", "40"],
        ["WASH AT 40", "MADE IN CHINA"],
        ["100% COTON"],
        ["95% COTON 5% ELASTHANNE"],
        ["RN 77302 CA 00153"],
        ["STYLE 4829301", "LOT 12/2021"],
        ["IRON MEDIUM"],
        ["l'été", "it's a small world"],
        ["165/88A"],
        ["+33 1 42 38 00 12"],
        ["XS S M L XL XXL"],
        ["SIZES"],
        ["TAILLES DISPONIBLES"],
    ],
)
def test_no_size_where_none_is_stated(texts: list[str]) -> None:
    assert size(*texts) is None


def test_a_lone_letter_or_number_counts_on_a_label_only() -> None:
    assert size("M", on_label=False) is None
    assert size("38", kind="shoes", on_label=False) is None


def test_a_number_with_two_meanings_is_offered_not_chosen() -> None:
    assert size("T. 38", kind="pants") is None
    assert size_options("T. 38", kind="pants") == ["M", "W28"]
    assert size_options("EU 42 2/3", kind="shoes") == ["42.5", "43"]
    assert size_options("S/M") == ["S", "M"]


def test_a_misread_letter_does_not_overrule_the_rows() -> None:
    assert size("L", "FR 44 EU 42 UK 16 IT 48") is None
    assert size_options("L", "FR 44 EU 42 UK 16 IT 48") == ["XXL", "L"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["100% COTON"], {"cotton": 100}),
        (["60% COTON 40% POLYESTER"], {"cotton": 60, "polyester": 40}),
        (["95 % Baumwolle", "5 % Elasthan"], {"cotton": 95, "elastane": 5}),
        (["Cotton 60% Polyester 40%"], {"cotton": 60, "polyester": 40}),
        (["%80 pamuk", "%20 polyester"], {"cotton": 80, "polyester": 20}),
        (["99% algodón·1% elastano"], {"cotton": 99, "elastane": 1}),
        (["60% COTON COTTON BAUMWOLLE", "40% LAINE WOOL WOLLE"], {"cotton": 60, "wool": 40}),
        (["70% wiskoza 30% len"], {"viscose": 70, "linen": 30}),
        (["100% poliéster", "100% polyester", "100% poliestere"], {"polyester": 100}),
        (["5% LASTHANNE 95% COTON"], {"cotton": 95, "elastane": 5}),  # the accented capital is often lost
        (["100% POLYESTFR"], {"polyester": 100}),
        (["60% POLI&STER", "40% ALGOD&N"], {"polyester": 60, "cotton": 40}),
        (["95% COTON", "5% &LASTHANNE"], {"cotton": 95, "elastane": 5}),
        (["90% coton 10% ramie"], {"cotton": 90, "": 10}),
        (["SHELL 100% COTTON", "LINING 100% POLYESTER"], {"cotton": 100}),
        (["DOUBLURE 100% POLYESTER", "EXTÉRIEUR 80% LAINE 20% POLYAMIDE"], {"wool": 80, "polyamide": 20}),
        (["Cotton 100%", "Lining: polyester 100%"], {"cotton": 100}),
        (["60% COTON 60% COTTON", "40% LIN 40% LINEN"], {"cotton": 60, "linen": 40}),
    ],
)
def test_composition_is_read(texts: list[str], expected: dict[str, int]) -> None:
    assert shares(*texts) == expected


@pytest.mark.parametrize(
    "texts",
    [
        ["60% COTON"],
        ["60% COTON 30% POLYESTER"],
        ["60% COTON 40% UNOBTANIUM"],
        ["COTON POLYESTER"],
        ["-50% on everything", "100% AUTHENTIC"],
        ["100% COTON", "100% POLYESTER"],  # two that contradict each other
        ["120% COTON"],
    ],
)
def test_no_composition_unless_whole_and_known(texts: list[str]) -> None:
    assert shares(*texts) is None


def test_fibres_are_the_catalogs() -> None:
    assert set(lexicon.fibres().values()) - {""} <= set(catalog.materials())


@pytest.mark.parametrize(
    ("texts", "kind", "expected"),
    [
        (["LARGE"], "t-shirt", "L"),
        (["SIZE MEDIUM"], "t-shirt", "M"),
        (["32/34"], "pants", "W32"),
        (["34/36"], "pants", None),
        (["12-18M"], "body", "18M"),
        (["7-8Y"], "dress", "8Y"),
        (["AGE 7-8"], "dress", "8Y"),
        (["7-8 lat", "128 cm"], "dress", "8Y"),
        (["UK 5 US 7 EUR 38"], "shoes", "38"),
        (["UK 8"], "shoes", None),
        (["US 9"], "shoes", None),
    ],
)
def test_further_ways_to_state_a_size(texts: list[str], kind: str, expected: str | None) -> None:
    assert size(*texts, kind=kind) == expected


def test_a_british_shoe_size_is_offered_as_two_european_ones() -> None:
    assert size_options("UK 8", kind="shoes") == ["41", "42"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["KIABI", "GIRLS 8 YEARS"], "girls"),
        (["MEN'S", "W32 L34"], "men"),
        (["H&M", "Damen 38"], "women"),
        (["Meisjes", "128"], "girls"),
        (["Niño 6 años"], "boys"),
        (["MEN", "WOMEN"], None),
        (["KIDS", "8 ANS"], None),
        (["Boys will be boys, said the girls"], None),
        (["100% MEN"], None),
        (["BOY LONDON", "M"], None),
        (["BOY", "LONDON"], None),
        (["ZARA MAN"], "men"),
        (["WMNS"], "women"),
        (["CABALLERO", "42"], "men"),
        (["Señora"], "women"),
        (["RAGAZZA 10 ANNI"], "girls"),
    ],
)
def test_for_whom_a_label_says_it_is(texts: list[str], expected: str | None) -> None:
    word = find_audience(lines(*texts))
    assert (word.value if word else None) == expected


@pytest.mark.parametrize(
    ("texts", "seen", "expected"),
    [
        (["LEVI'S JEANS", "W32 L34"], "pants", "jeans"),
        (["W32 L34"], "pants", None),
        (["JEANS"], "shoes", None),
        (["Bottines", "38"], "shoes", "boots"),
        (["COAT", "JACKET"], "outwear", None),
    ],
)
def test_a_finer_kind_only_where_a_label_names_it(texts: list[str], seen: str, expected: str | None) -> None:
    word = find_kind(lines(*texts), seen)
    assert (word.value if word else None) == expected


ORDINARY = """
button collar blazer church channel chapel carmen careers clerks heroes primary salmon simone peacock solomon nautical
passionate valentine anthropology anthropologist lances linden muller zimmerman knickers jennifer trespasses versage
"""


@pytest.mark.parametrize("word", ORDINARY.split())
def test_an_ordinary_word_one_letter_from_a_name_is_no_name(word: str) -> None:
    assert brand(word.upper()) is None


def test_a_misread_name_that_looks_the_same_is_the_name() -> None:
    assert brand("TIMBERlAND") == "Timberland"
    assert brand("PATAG0NIA") == "Patagonia"
    assert shares("60% POLYAMlDE", "40% C0TTON") == {"polyamide": 60, "cotton": 40}
