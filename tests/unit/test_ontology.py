"""What a site's form offers: answers read whatever is missing in them, our options found by name, the nearest told."""

from typing import Any

import pytest

from backend.cli.site_catalog import summary
from backend.core import catalog, readiness
from backend.core.listing import Listing, stated
from backend.core.ontology import (
    Answered,
    Ontology,
    Option,
    as_offered,
    match_leaf,
    match_size,
    match_term,
    plain,
    read,
    unmapped,
)

UPLOAD = "/api/v2/item_upload"


def tree(*nodes: Any) -> dict[str, Any]:
    """("Femmes", ("Robes", "Jupes")) → nodes with ids by place."""
    counter = iter(range(1, 1000))

    def node(spec: Any) -> dict[str, Any]:
        title, below = (spec, ()) if isinstance(spec, str) else spec
        return {"id": next(counter), "title": title, "catalogs": [node(one) for one in below]}

    return {"catalogs": [node(one) for one in nodes], "code": 0}


def asked(leaf: int) -> dict[str, Any]:
    return {"attributes": [{"code": "category", "value": [leaf]}]}


SITE = read(
    [
        Answered(
            f"{UPLOAD}/catalogs",
            None,
            tree(
                ("Femmes", [("Vêtements", ["Robes d'été", ("Hauts", ["T-shirts", "Tops"]), "Blousons"])]),
                ("Hommes", ["Jeans"]),
            ),
        ),
        Answered(f"{UPLOAD}/colors", None, {"colors": [{"id": 1, "title": "Noir"}, {"id": 9, "title": "Bleu roi"}]}),
        Answered(
            f"{UPLOAD}/attributes",
            asked(5),
            {
                "attributes": [
                    {
                        "code": "size",
                        "configuration": {"options": [{"id": 3, "title": "S / 36 / 8"}, {"id": 4, "title": "M"}]},
                    },
                    {"code": "condition", "configuration": {"options": [{"id": 6, "title": "Neuf avec étiquette"}]}},
                    {
                        "code": "material",
                        "configuration": {"options": [{"title": "Fibres", "options": [{"id": 44, "title": "Coton"}]}]},
                    },
                ]
            },
        ),
    ]
)


def leaf(audience: str, kind: str) -> catalog.Leaf:
    found = catalog.find_leaf(audience, kind)
    assert found is not None
    return found


def test_the_form_s_answers_are_read() -> None:
    assert [category.path[-1] for category in SITE.leaves] == ["Robes d'été", "T-shirts", "Tops", "Blousons", "Jeans"]
    assert SITE.leaves[1].ids == (1, 2, 4, 5)
    assert SITE.sizes == {5: (Option(3, "S / 36 / 8"), Option(4, "M"))}
    assert SITE.options["materials"] == (Option(44, "Coton"),)


@pytest.mark.parametrize(
    "body",
    [None, [], "x", {}, {"catalogs": None}, {"catalogs": [None, 3, {"id": "1", "title": "x"}]}, {"attributes": [{}, 7]},
     {"colors": [{"id": 1}]}, {"attributes": [{"code": "size", "configuration": None}]}],
)  # fmt: skip
@pytest.mark.parametrize("path", ["catalogs", "colors", "attributes"])
def test_answers_of_another_form_are_passed_over(path: str, body: Any) -> None:
    for question in (None, [], asked(1), {"attributes": [{"code": "category", "value": 5}]}, {"attributes": [{}]}):
        found = read([Answered(f"{UPLOAD}/{path}", question, body)])
        assert (found.leaves, found.options.get("colours", ())) == ((), ())


@pytest.mark.parametrize(
    ("audience", "kind", "path"),
    [
        ("women", "t-shirt", "Femmes > Vêtements > Hauts > T-shirts"),
        ("women", "top", None),
        ("men", "jeans", "Hommes > Jeans"),
        ("women", "dress", None),
        ("women", "jeans", None),
    ],
)
def test_our_leaf_is_found_under_its_own_top(audience: str, kind: str, path: str | None) -> None:
    match = match_leaf(leaf(audience, kind), SITE, "fr")
    assert (match.option.title if match.option else None) == path


def test_what_is_not_offered_names_the_nearest_under_the_same_top() -> None:
    match = match_leaf(leaf("women", "dress"), SITE, "fr")
    assert match.option is None
    assert "Femmes > Vêtements > Robes d'été" in match.suggestions
    assert not any(name.startswith("Hommes") for name in match.suggestions)


def test_our_leaf_takes_the_site_s_ids_and_names() -> None:
    offered = as_offered(leaf("women", "t-shirt"), SITE, "fr")
    assert offered is not None
    assert (offered.ids, offered.path("fr")) == ((1, 2, 4, 5), ("Femmes", "Vêtements", "Hauts", "T-shirts"))
    assert offered.size_group == leaf("women", "t-shirt").size_group
    assert as_offered(leaf("women", "dress"), SITE, "fr") is None


@pytest.mark.parametrize(
    ("slug", "language", "title"),
    [("black", "fr", "Noir"), ("blue", "fr", None), ("blue", "de", "Bleu roi"), ("red", "de", None)],
)
def test_a_colour_is_found_by_name_or_abroad_by_its_public_id(slug: str, language: str, title: str | None) -> None:
    match = match_term(catalog.colours()[slug], SITE.options["colours"], language)
    assert (match.option.title if match.option else None) == title
    assert match.option or language == "de" or match.suggestions == ("Bleu roi",)


@pytest.mark.parametrize(("value", "found"), [("S", 3), ("M", 4), ("XL", None)])
def test_a_size_is_found_by_its_label_or_its_first_part(value: str, found: int | None) -> None:
    size = catalog.find_size(leaf("women", "t-shirt"), value)
    assert size is not None
    match = match_size(size, SITE.sizes[5])
    assert (match.option.id if match.option else None) == found


def test_a_listing_s_values_that_are_not_offered_are_reasons_not_to_publish() -> None:
    values: dict[str, Any] = {"category": "t-shirt", "audience": "women", "size": "XL", "condition": "good"}
    values |= {"colours": ["black", "blue"], "materials": ["cotton"], "parcel": "small"}
    listing = Listing({name: stated(value) for name, value in values.items()}, ("p1",))
    missing = unmapped(listing, SITE, "fr")
    assert [(one.field, one.name) for one in missing] == [
        ("size", "XL / 42 / 14"),
        ("condition", "Bon état"),
        ("colours", "Bleu"),
    ]
    problems = [p for p in readiness.check(listing, unmapped=missing) if p.code is readiness.ReadinessCode.UNMAPPED]
    assert readiness.message(problems[2], "fr") == (
        "Choisissez autre chose pour «\u00a0couleurs\u00a0»\u00a0: "
        "«\u00a0Bleu\u00a0» n’est pas proposé sur ce site. Le plus proche\u00a0: Bleu roi."
    )
    dress = listing.with_fields(category=stated("dress"))
    assert unmapped(dress, SITE, "fr")[0].field == "category"


def test_where_nothing_was_looked_at_nothing_is_missing() -> None:
    listing = Listing({"category": stated("dress"), "audience": stated("women"), "colours": stated(["red"])})
    assert unmapped(listing, Ontology(), "fr") == ()


def test_the_summary_names_what_has_no_counterpart() -> None:
    told = summary(SITE, "fr")
    assert (told["categories"], told["sized_categories"], told["options"]["materials"]) == (5, 1, 1)
    assert {"field": "colours", "name": "Bleu", "nearest": ["Bleu roi"]} in told["unmapped"]


def test_names_are_compared_without_case_accents_or_signs() -> None:
    assert plain("T-shirts & Débardeurs") == plain("t shirts debardeurs")
