"""Categories, sizes, colours and the like found on a site in each language, by its own names and never by a guess."""

from collections import Counter
from functools import cache
from typing import Any

import pytest

from backend.core import catalog, site_names, wording
from backend.core.catalog import SizeOption
from backend.core.listing import Listing, stated
from backend.core.ontology import (
    Answered,
    Category,
    Ontology,
    Option,
    find_category,
    match_leaf,
    match_size,
    match_term,
    read,
    unmapped,
)
from backend.sandbox import names

UPLOAD = "/api/v2/item_upload"
NAMED_OTHERWISE = {"de": 9191, "es": 2632, "it": 9126, "nl": 9104, "pt": 9191, "pl": 9111}
"""The category that each stand-in calls by a name nobody expects."""


@cache
def stand_in(language: str) -> Ontology:
    """What the stand-in of this language answers, as the form of it is listened to."""
    codes: dict[str, catalog.Vocabulary] = {
        "condition": "conditions",
        "material": "materials",
        "package_size": "parcels",
    }
    attributes: list[dict[str, Any]] = [
        {"code": code, "configuration": {"options": offered(vocabulary, language)}}
        for code, vocabulary in codes.items()
    ]
    question = {"attributes": [{"code": "category", "value": [4]}]}
    return read(
        [
            Answered(f"{UPLOAD}/catalogs", None, {"catalogs": names.tree(language)}),
            Answered(f"{UPLOAD}/colors", None, {"colors": offered("colours", language)}),
            Answered(f"{UPLOAD}/attributes", question, {"attributes": attributes}),
        ]
    )


def offered(vocabulary: catalog.Vocabulary, language: str) -> list[dict[str, Any]]:
    return [{"id": term.id, "title": title} for term, title in names.terms(vocabulary, language)]


def leaf(audience: str, kind: str) -> catalog.Leaf:
    found = catalog.find_leaf(audience, kind)
    assert found is not None
    return found


def categories(*paths: str) -> Ontology:
    """A site's tree from "Damen > Schuhe > Sneaker"; ids are theirs, not ours."""
    return Ontology(
        tuple(Category((1, 2, 700 + number), tuple(path.split(" > "))) for number, path in enumerate(paths))
    )


@pytest.mark.parametrize("language", names.FOREIGN)
def test_every_category_is_found_but_the_one_named_unexpectedly(language: str) -> None:
    site = stand_in(language)
    for ours in catalog.leaves().values():
        match = match_leaf(ours, site, language)
        if ours.id == NAMED_OTHERWISE[language]:
            assert match.option is None
            assert match.suggestions, "the nearest are told"
        else:
            assert match.option, f"{ours.path('en')} is not found"
            assert match.option.id == ours.id


@pytest.mark.parametrize("language", names.FOREIGN)
def test_every_option_that_is_offered_is_found_and_none_in_another_s_place(language: str) -> None:
    site = stand_in(language)
    for field, vocabulary in (("colours", "colours"), ("condition", "conditions"), ("materials", "materials"),
                              ("parcel", "parcels")):  # fmt: skip
        there = {option.id for option in site.options[field]}
        for term in catalog.vocabulary(vocabulary).values():  # type: ignore[arg-type]
            found = match_term(term, site.options[field], language).option
            if term.id in there:
                assert found, f"{term.slug} is not found"
                assert found.id == term.id
            elif found:
                assert site_names.plain(found.title) in map(site_names.plain, site_names.of(term, language))


@pytest.mark.parametrize("language", names.FOREIGN)
def test_every_size_is_found_whatever_years_are_called(language: str) -> None:
    for options in catalog.size_groups().values():
        there = [Option(option.id, names.size(option, language)) for option in options]
        for option in options:
            found = match_size(option, there).option
            assert found, f"{option.label} is not found"
            assert found.id == option.id


@pytest.mark.parametrize(
    ("language", "audience", "kind", "path"),
    [
        ("de", "women", "blazer", "Damen > Kleidung > Blazer & Anzüge > Blazer"),
        ("de", "men", "blazer", "Herren > Kleidung > Anzüge & Blazer > Blazer"),
        ("de", "men", "jumper", "Herren > Kleidung > Pullover & Sweater > Pullover"),
        ("de", "women", "trainers", "DAMEN > schuhe > Sneaker"),
        ("pl", "women", "blazer", "Kobiety > Ubrania > Żakiety i garnitury > Żakiety"),
        ("pl", "men", "polo", "Mężczyźni > Ubrania > Koszule, T-shirty i podkoszulki > Koszulki polo"),
        ("pl", "men", "trainers", "Mezczyzni > Obuwie > Sneakersy, trampki i tenisówki"),
        ("it", "women", "skirt", "Donna > Vestiti > Gonne > Altre gonne"),
        ("it", "women", "trainers", "Donna > Scarpe > Scarpe da ginnastica"),
        ("pt", "women", "jumper", "Mulher > Vestuário > Camisolas e sweaters > Camisolas"),
        ("pt", "girls", "dress", "Criança > Vestuário para rapariga > Vestidos > Outros vestidos"),
        ("es", "women", "blouse", "Mujer > Ropa > Camisetas y tops > Blusas"),
        ("nl", "men", "jacket", "Heren > Kleding > Jassen > Jacks"),
        ("nl", "women", "trainers", "Dames > Schoenen > Sport > Sneakers"),
    ],
)
def test_a_category_is_found_by_the_names_that_are_reported_of_sites(
    language: str, audience: str, kind: str, path: str
) -> None:
    other = "Herren > Kleidung > Sakkos" if audience == "women" else "Damen > Kleidung > Westen"
    found = find_category(leaf(audience, kind), categories(other, path), language)
    assert found, path
    assert " > ".join(found.path) == path


def test_a_girl_s_category_is_not_the_boys_that_alone_bears_its_name() -> None:
    site = categories("Enfants > Garçons > Pulls et sweats > Pulls", "Enfants > Filles > Robes > Robes midi")
    match = match_leaf(leaf("girls", "jumper"), site, "fr")
    assert match.option is None
    assert not any("Garçons" in name for name in match.suggestions)
    assert match_leaf(leaf("boys", "jumper"), site, "fr").option


def test_two_categories_that_could_be_it_are_none_and_both_are_told() -> None:
    site = categories("Damen > Schuhe > Sneaker", "Damen > Schuhe > Turnschuhe", "Herren > Schuhe > Sneaker")
    match = match_leaf(leaf("women", "trainers"), site, "de")
    assert match.option is None
    assert set(match.suggestions) >= {"Damen > Schuhe > Sneaker", "Damen > Schuhe > Turnschuhe"}


@pytest.mark.parametrize("titles", [("Rose vif", "Rose"), ("Fuchsia", "Rose"), ("Rose", "Rose pâle")])
def test_two_pinks_are_told_apart_by_their_numbers(titles: tuple[str, str]) -> None:
    options = [Option(5, titles[0]), Option(24, titles[1])]
    assert match_term(catalog.colours()["pink"], options, "fr").option == options[0]


@pytest.mark.parametrize(
    ("vocabulary", "slug", "there", "found"),
    [
        ("materials", "wool", [(44, "Baumwolle")], None),  # 44 is our own number of wool, no site's
        ("materials", "cotton", [(44, "Baumwolle")], 44),
        ("colours", "blue", [(9, "Rot"), (7, "Blau")], 7),  # a site that numbers them otherwise
        ("colours", "blue", [(9, "Rot")], None),
        ("colours", "blue", [(9, "Königsblau")], 9),  # a name we don't know, and no other's
        ("colours", "navy", [(26, "Marine"), (27, "Dunkelblau")], 27),
        ("conditions", "good", [(3, "Sehr gut"), (2, "Gut")], 2),
        ("conditions", "good", [(3, "Ordentlich")], 3),
        ("parcels", "small", [(1, "Groß")], None),
    ],
)
def test_an_id_counts_where_it_is_public_and_the_name_there_is_not_another_s(
    vocabulary: catalog.Vocabulary, slug: str, there: list[tuple[int, str]], found: int | None
) -> None:
    options = [Option(number, title) for number, title in there]
    match = match_term(catalog.vocabulary(vocabulary)[slug], options, "de")
    assert (match.option and match.option.id) == found


@pytest.mark.parametrize(
    ("label", "title", "fits"),
    [
        ("8 ans / 128 cm", "8 Jahre / 128 cm", True), ("8 ans / 128 cm", "128 cm / 8 lat", True),
        ("8 ans / 128 cm", "128 cm", True), ("8 ans / 128 cm", "8-9 Jahre / 128-134 cm", False),
        ("12 mois / 80 cm", "12 lat / 152 cm", False), ("12 ans / 152 cm", "12 lat / 152 cm", True),
    ],
)  # fmt: skip
def test_an_age_is_known_by_its_numbers(label: str, title: str, fits: bool) -> None:
    size = next(o for o in catalog.size_groups()["kids-clothing"] if o.label == label)
    found = match_size(size, [Option(1, title), Option(2, "56 cm")]).option
    assert (found is not None) is fits


def test_a_letter_is_the_only_one_that_begins_so_or_none() -> None:
    medium = SizeOption("M", 4, "M / 38 / 10")
    assert match_size(medium, [Option(1, "M / 42"), Option(2, "ML / 40")]).option == Option(1, "M / 42")
    assert match_size(medium, [Option(1, "M / 42"), Option(2, "M / 40")]).option is None


def test_a_site_is_looked_at_in_the_language_it_is_in() -> None:
    """A member may read vinted.be, which counts as French, in Dutch."""
    listing = Listing(
        {
            "category": stated("trainers"),
            "audience": stated("men"),
            "condition": stated("good"),
            "colours": stated(["red"]),
        }
    )
    assert stand_in("nl").spoken("fr") == "nl"
    assert unmapped(listing, stand_in("nl"), "fr") == ()
    assert stand_in("de").spoken("de") == "de"
    assert categories("Autre > Chose").spoken("fr") == "fr"


def test_what_is_missing_is_told_in_the_site_s_language() -> None:
    listing = Listing({"category": stated("hat"), "audience": stated("women"), "colours": stated(["apricot"])})
    found = [(one.field, one.name) for one in unmapped(listing, stand_in("de"), "de")]
    assert found == [("category", "Damen > Accessoires > Hüte & Mützen"), ("colours", "apricot")]


@pytest.mark.parametrize("language", names.FOREIGN)
def test_no_name_is_accepted_for_two_categories_of_one_branch(language: str) -> None:
    branches: dict[tuple[int, ...], dict[int, tuple[str, ...]]] = {}
    for ours in catalog.leaves().values():
        for depth, accepted in enumerate(site_names.levels(ours, language)):
            assert accepted[0] != ours.path("en")[depth] or accepted[0] in (
                "Jeans",
                "Shorts",
                "T-shirts",
                "Blazers",
                "Blouses",
            ), f"{accepted[0]} is not named in {language}"
            branches.setdefault(ours.ids[:depth], {})[ours.ids[depth]] = accepted
    for children in branches.values():
        counted = Counter(name for accepted in children.values() for name in {*map(site_names.plain, accepted)})
        assert max(counted.values()) == 1, counted.most_common(1)


@pytest.mark.parametrize("language", names.FOREIGN)
def test_only_what_the_catalog_has_is_named(language: str) -> None:
    table = site_names._read(language)
    english = {name for ours in catalog.leaves().values() for name in ours.path("en")}
    assert set(table["categories"]) == english
    for vocabulary in ("colours", "conditions", "materials", "parcels"):
        assert set(table[vocabulary]) <= set(catalog.vocabulary(vocabulary))
        for slug, more in table[vocabulary].items():
            accepted = site_names.of(catalog.vocabulary(vocabulary)[slug], language)
            known = 0 if vocabulary == "parcels" else 1
            assert len({*map(site_names.plain, accepted)}) == known + len(more), f"{slug} is named twice alike"
    assert set(table["parcels"]) == set(catalog.parcels())
    for vocabulary in ("conditions", "materials"):
        listed = [
            n
            for term in catalog.vocabulary(vocabulary).values()
            for n in {*map(site_names.plain, site_names.of(term, language))}
        ]
        assert max(Counter(listed).values()) == 1, "a name alone must choose one"
    assert language in wording.LANGUAGES
