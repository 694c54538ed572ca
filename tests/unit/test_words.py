"""Composed titles and descriptions: French that agrees, nothing invented, always within the form's limits."""

import json
import re
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import catalog, wording, words
from backend.core.listing import UNKNOWN, Evidence, Field, Listing, stated
from backend.core.texts import LANGUAGES, sentences


def item(*photos: str, **values: Any) -> Listing:
    return Listing({name: stated(value) for name, value in values.items()}, photos)


def title(language: str = "fr", **values: Any) -> str | None:
    value: str | None = words.compose(item(**values), language)["title"].value
    return value


@pytest.mark.parametrize(
    ("fr", "en", "values"),
    [
        (
            "T-shirt Sézane blanc taille M",
            "Sézane white T shirt, size M",
            {"category": "t-shirt", "brand": "Sézane", "colours": ["white"], "size": "M", "audience": "women"},
        ),
        (
            "Chaussures Nike noires pointure 42",
            "Nike black shoes, size 42",
            {"category": "shoes", "brand": "Nike", "colours": ["black"], "size": "42"},
        ),
        ("Chemise bleue", "Blue shirt", {"category": "shirt", "brand": "", "colours": ["blue"]}),
        ("Jean bleu", "Blue jeans", {"category": "jeans", "colours": ["blue"]}),
        ("Robe bleu marine", "Navy dress", {"category": "dress", "colours": ["navy"]}),
        ("Baskets marron", "Brown trainers", {"category": "trainers", "colours": ["brown"]}),
        ("Jupe orange et verte", "Orange and green skirt", {"category": "skirt", "colours": ["orange", "green"]}),
        ("Bottes bleu clair", "Light blue boots", {"category": "boots", "colours": ["light-blue"]}),
        (
            "Robe fille Zara rose taille 8 ans",
            "Zara rose dress for girls, size 8 years",
            {"category": "dress", "audience": "girls", "brand": "Zara", "colours": ["rose"], "size": "8Y"},
        ),
        ("Chemise", "Shirt", {"category": "shirt"}),
        ("T-shirt adidas", "adidas T shirt", {"category": "t-shirt", "brand": "adidas"}),
        ("Bottes pointure 38,5", "Boots, size 38.5", {"category": "boots", "size": "38.5"}),
        ("Chapeau taille unique", "Hat, one size", {"category": "hat", "size": "One size"}),
        ("Body taille 1 mois", "Bodysuit, size 1 month", {"category": "body", "size": "1M"}),
    ],
)
def test_titles_read_as_sellers_write_them(fr: str, en: str, values: dict[str, Any]) -> None:
    assert title("fr", **values) == fr
    assert title("en", **values) == en


def test_descriptions_tell_what_is_known_and_nothing_else() -> None:
    shirt = item(
        "a.jpg",
        "b.jpg",
        category="shirt",
        audience="women",
        brand="Sézane",
        size="M",
        colours=["white", "blue"],
        condition="very-good",
        materials=["cotton", "linen"],
    )
    assert words.compose(shirt, "fr")["description"].value.splitlines() == [
        "Chemise Sézane pour femme.",
        "Taille : M",
        "Couleurs : blanc, bleu",
        "État : très bon état",
        "Matières : coton, lin",
        "Les 2 photos montrent l'article vendu.",
    ]
    assert words.compose(shirt, "en")["description"].value.splitlines() == [
        "Sézane shirt for women.",
        "Size: M",
        "Colours: white, blue",
        "Condition: very good",
        "Materials: cotton, linen",
        "The 2 photos show the item for sale.",
    ]
    assert words.compose(item("a.jpg", category="shirt"), "en")["description"].value.splitlines() == [
        "Shirt.",
        "The photo shows the item for sale.",
    ]
    assert words.compose(item(category="shirt"), "fr")["description"].value == "Chemise."


@pytest.mark.parametrize(
    ("detail", "line"),
    [
        ("60% COTTON\n40% POLYESTER", "Matières : coton 60 %, polyester 40 %"),
        ("60% cotton 40% polyester\n60% coton 40% polyester", "Matières : coton 60 %, polyester 40 %"),
        ("60% cotton 40% polyester\n40% cotton 60% polyester", "Matières : coton, polyester"),
        ("60% cotton, 40% polyester", "Matières : coton 60 %, polyester 40 %"),
        ("polyester: 40 %, coton 60 %", "Matières : coton 60 %, polyester 40 %"),
        ("60% cotton, 30% polyester", "Matières : coton, polyester"),
        ("60% cotton, 40% polyester, 5% kryptonite", "Matières : coton, polyester"),
        ("60% cotton, 40% kryptonite", "Matières : coton, polyester"),
        ("60% cotton, 40% wool", "Matières : coton, polyester"),
        ("cotton and polyester", "Matières : coton, polyester"),
    ],
)
def test_shares_are_told_only_when_they_add_up(detail: str, line: str) -> None:
    materials = Field(
        ["cotton", "polyester"], 0.9, evidence=tuple(Evidence("label", "a.jpg", line) for line in detail.split("\n"))
    )
    described = words.compose(item(category="shirt").with_fields(materials=materials), "fr")["description"]
    assert line in described.value.splitlines()


def test_labels_print_without_accents() -> None:
    assert words.material_shares("98% COTON 2% ELASTHANNE") == {"cotton": 98, "elastane": 2}


def test_no_category_no_words() -> None:
    for listing in (item(brand="Zara", size="M"), item(category="saucepan")):
        assert words.compose(listing, "fr") == {"title": UNKNOWN, "description": UNKNOWN}


def test_a_title_of_four_letters_is_no_title() -> None:
    found = words.compose(item(category="jumper"), "fr")
    assert found["title"] == UNKNOWN
    assert found["description"].value == "Pull."


def test_guesses_are_left_out() -> None:
    guessed = item(category="shirt").with_fields(brand=Field("Chanel", 1.0, evidence=(Evidence("fallback"),)))
    assert "Chanel" not in json.dumps([f.value for f in words.compose(guessed, "fr").values()])


def test_words_are_as_sure_as_the_least_sure_field_they_use() -> None:
    listing = item(brand="Zara").with_fields(category=Field("shirt", 0.9), condition=Field("good", 0.6))
    found = words.compose(listing, "fr")
    assert found["title"].confidence == 0.9
    assert found["description"].confidence == 0.6
    assert found["title"].evidence == (Evidence("template", detail="category, brand"),)


def test_the_listings_own_language_is_the_default() -> None:
    listing = Listing({"category": stated("shirt")}, language="en")
    assert words.compose(listing)["title"].value == "Shirt"


def test_a_brand_is_data_not_a_template() -> None:
    assert title("fr", category="shirt", brand="{{ 7 * 7 }} #mode") == "Chemise {{ 7 * 7 }} mode"


def test_long_titles_end_with_a_whole_word() -> None:
    long = title("fr", category="shirt", brand="Maison " * 30, size="M")
    assert long is not None
    assert len(long) <= 100
    assert long.endswith("Maison")
    assert title("fr", category="jumper", brand="x" * 200) is None


def test_french_knows_the_gender_of_every_kind_and_a_form_of_every_colour() -> None:
    grammar = wording.of("fr")["grammar"]
    assert set(grammar["kinds"]) == set(catalog.kinds())
    assert set(grammar["colours"]) == set(catalog.colours())
    forms = [f for f in grammar["colours"].values() if isinstance(f, dict)]
    assert all(set(f) >= set(grammar["kinds"].values()) for f in forms)


def test_both_languages_say_the_same_things() -> None:
    def keys(value: Any) -> Any:
        return {k: keys(v) for k, v in value.items()} if isinstance(value, dict) else None

    fr, en = (keys(sentences(language)) for language in LANGUAGES)
    assert fr == en


@given(
    values=st.fixed_dictionaries(
        {},
        optional={
            "category": st.sampled_from([*catalog.kinds(), "saucepan"]),
            "audience": st.sampled_from(catalog.AUDIENCES),
            "brand": st.text(max_size=150),
            "size": st.sampled_from(["M", "W30", "42", "8Y", "3M", ""]),
            "colours": st.lists(st.sampled_from([*catalog.colours(), "plaid"]), max_size=2),
            "materials": st.lists(st.sampled_from([*catalog.materials(), "mithril"]), max_size=3),
            "condition": st.sampled_from([*catalog.conditions(), "worn"]),
        },
    ),
    photos=st.integers(0, 20),
    language=st.sampled_from([*wording.LANGUAGES, "fi"]),
)
def test_words_always_fit_the_form(values: dict[str, Any], photos: int, language: str) -> None:
    found = words.compose(item(*map(str, range(photos)), **values), language)
    title, description = found["title"].value, found["description"].value
    assert title is None or (5 <= len(title.strip()) <= 100 and "\n" not in title)
    assert description is None or 5 <= len(description.strip()) <= 2000
    assert "#" not in f"{title}{description}"
    assert "None" not in f"{title}" if title else True


@pytest.mark.parametrize("file", ["core/texts/fr.json", "web/locale/fr.json"])
def test_french_is_set_as_french_is(file: str) -> None:
    """No line begins with a colon: no plain blank before : ; ! ? » or after «, and no straight apostrophe in a word."""
    text = files("backend").joinpath(file).read_text(encoding="utf-8")
    texts = re.findall(r'"(?:[^"\\]|\\.)*"(?!\s*:)', text)
    assert len(texts) > 80
    assert [each for each in texts if re.search(r" [:;!?»](?!\w)|« |(?<=\w)'(?=\w)", each)] == []
