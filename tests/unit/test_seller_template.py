"""A seller's template: what it may use, what a bad one is told, and that it can't run away."""

import pytest

from backend.core.errors import BadRequest
from backend.core.listing import Listing, stated
from backend.core.seller_template import LENGTH_MAX, placeholders, render
from backend.core.words import Style, compose

ITEM = Listing(
    {
        name: stated(value)
        for name, value in {
            "category": "dress",
            "audience": "women",
            "brand": "Zara",
            "colours": ["blue", "white"],
            "condition": "good",
            "materials": ["cotton"],
        }.items()
    },
    ("p1", "p2"),
)


def test_placeholders_are_filled_and_unknown_ones_empty() -> None:
    style = Style(
        title_template="{{ brand | upper }} : {{ kind | lower_first }} {{ colour }}"
        "{% if size %} T{{ size }}{% endif %}",
        description_template="{{ kind }} {{ brand }}\n\n{{ colours }} / {{ materials }}\n"
        "{{ condition }}, {{ photos }} photos\n"
        "{{ 'Taille ' ~ size if size else 'Taille : voir photos' }}",
    )
    words = compose(ITEM, "fr", style)
    assert words["title"].value == "ZARA : robe bleue et blanche"
    assert words["description"].value == "Robe Zara\nbleu, blanc / coton\nBon état, 2 photos\nTaille : voir photos"
    assert words["title"].evidence[0].detail == "category, brand, colours"


def test_words_are_data_not_templates() -> None:
    evil = Listing({"category": stated("dress"), "brand": stated("{{ 7 * 7 }}{% for x in y %}")})
    title = compose(evil, "fr", Style(title_template="{{ brand }} {{ kind }}"))["title"].value
    assert title == "{{ 7 * 7 }}{% for x in y %} Robe"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ kind }}\n{{ marque }}", "Line 2: there is no {{ marque }}. There are: kind, brand"),
        ("{{ kind }", "Line 1:"),
        ("ok\n{% if size %}", "Line 2:"),
        ("{{ kind | reverse }}", "Line 1: there is no filter 'reverse'"),
        ("{% for n in brand %}x{% endfor %}", "Line 1: for is not offered"),
        ("{{ brand * 1000000000 }}", "Line 1: mul is not offered"),
        ("\n{{ brand ** 9 }}", "Line 2: pow is not offered"),
        ("{{ kind.__class__.__mro__ }}", "Line 1: getattr is not offered"),
        ("{{ kind['x'] }}", "Line 1: getitem is not offered"),
        ("{{ range(9) }}", "Line 1: call is not offered"),
        ("{% set x = 1 %}", "Line 1: assign is not offered"),
        ("{% include 'title.fr.j2' %}", "Line 1: include is not offered"),
        ("{% macro m() %}{% endmacro %}", "Line 1: macro is not offered"),
        ("{{ [kind, brand] | title }}", "Line 1: list is not offered"),
        ("x" * (LENGTH_MAX + 1), "longer than"),
        ("{{ " + "(" * 1900 + "kind" + ")" * 1900 + " }}", "too deep"),
    ],
)
def test_a_bad_template_is_told_its_line_and_what_is_wrong(source: str, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Style(title_template=source)
    assert says in str(refused.value)
    assert refused.value.code == "bad_template"


@pytest.mark.timeout(30)
def test_the_longest_template_ends_and_fits_the_form() -> None:
    source = "{{ brand }}" * (LENGTH_MAX // 11)
    style = Style(title_template=source, description_template=source)
    listing = Listing({"category": stated("dress"), "brand": stated("Zara " * 12)})
    words = compose(listing, "fr", style)
    assert len(words["title"].value) <= 100
    assert len(words["description"].value) <= 2000


def test_what_a_template_uses() -> None:
    assert placeholders("{{ kind }}{% if size and brand %}{{ size }}{% endif %}") == ("kind", "size", "brand")
    assert render("{{ size | default('?', true) }}", {}) == "?"


def test_hashtags_are_only_the_sellers_and_never_lost_to_length() -> None:
    tags = Style(hashtags=("robe", "été2026"))
    assert compose(ITEM, "fr", tags)["description"].value.endswith("\n#robe #été2026")
    assert "#" not in compose(ITEM, "fr")["description"].value
    long = Style(description_template="mot " * 900, hashtags=("fin",))
    described = compose(ITEM, "fr", long)["description"].value
    assert described.endswith("\n#fin")
    assert len(described) <= 2000


@pytest.mark.parametrize("tag", ["#robe", "deux mots", "x", "a" * 31, "a-b"])
def test_a_hashtag_is_one_word(tag: str) -> None:
    with pytest.raises(BadRequest, match="hashtags"):
        Style(hashtags=(tag,))


@pytest.mark.parametrize(
    ("tone", "language", "begins"),
    [
        ("plain", "fr", "Robe Zara pour femme.\n"),
        ("friendly", "fr", "Bonjour ! Je vends une robe Zara pour femme, coloris bleu et blanc.\n"),
        ("minimal", "fr", "Robe Zara, bleu et blanc, état : bon état, coton."),
        ("plain", "en", "Zara dress for women.\n"),
        ("friendly", "en", "Hello! I'm selling a Zara dress for women in blue and white.\n"),
        ("minimal", "en", "Zara dress, blue and white, condition: good, cotton."),
    ],
)
def test_tones(tone, language: str, begins: str) -> None:
    assert compose(ITEM, language, Style(tone))["description"].value.startswith(begins)


@pytest.mark.parametrize("tone", ["plain", "friendly", "minimal"])
@pytest.mark.parametrize(("language", "says"), [("fr", "usure"), ("en", "wear")])
def test_signs_of_wear_are_named_where_the_condition_means_them(tone, language: str, says: str) -> None:
    worn = ITEM.with_fields(condition=stated("satisfactory"))
    assert says in compose(worn, language, Style(tone))["description"].value
    assert says not in compose(ITEM, language, Style(tone))["description"].value
