"""The catalog holds together: ids, sizes, parcels, both languages; leaves are found as the form would need them."""

from collections import Counter

import pytest

from backend.core import catalog


def test_leaves_lead_from_a_root_to_a_known_kind_size_group_and_parcel() -> None:
    assert len(catalog.leaves()) > 50
    for (audience, kind), leaf in catalog.leaves().items():
        assert audience in catalog.AUDIENCES
        assert kind in catalog.kinds()
        assert leaf.size_group is None or leaf.size_group in catalog.size_groups()
        assert leaf.parcel in catalog.parcels()
        assert leaf.ids[-1] == leaf.id
        assert len(leaf.ids) == len(leaf.path("fr")) == len(leaf.path("en")) >= 3


def test_every_audience_reaches_a_leaf_for_the_kinds_a_photo_can_show() -> None:
    for kind in ("t-shirt", "hoodie", "pants", "jeans", "coat", "trainers", "hat"):
        for audience in catalog.AUDIENCES:
            assert catalog.find_leaf(audience, kind), f"{audience} {kind}"


def test_publicly_reported_ids_are_kept() -> None:
    trainers = catalog.find_leaf("women", "trainers")
    assert trainers is not None
    assert trainers.ids == (1904, 16, 2632)
    assert catalog.conditions()["new-with-tags"].id == 6
    assert {c.slug: c.id for c in catalog.colours().values()}["navy"] == 27
    assert [p.id for p in catalog.parcels().values()] == [1, 2, 3]


@pytest.mark.parametrize("terms", [catalog.colours, catalog.conditions, catalog.materials, catalog.parcels])
def test_terms_have_an_id_of_their_own_and_both_names(terms: object) -> None:
    found = terms()  # type: ignore[operator]
    assert max(Counter(term.id for term in found.values()).values()) == 1
    assert all(term.name("fr") and term.name("en") for term in found.values())
    for language in ("fr", "en"):
        names = [term.name(language) for term in found.values()]
        assert len(set(names)) == len(names), "the form is driven by labels: each must name one option"


def test_ids_of_the_tree_are_unique() -> None:
    by_id: dict[int, tuple[str, ...]] = {}
    for leaf in catalog.leaves().values():
        for depth, node in enumerate(leaf.ids):
            path = leaf.path("en")[: depth + 1]
            assert by_id.setdefault(node, path) == path


def test_sizes_of_a_group_have_one_value_and_one_label_each() -> None:
    for group, options in catalog.size_groups().items():
        assert len({o.value for o in options}) == len({o.label for o in options}) == len(options), group


def test_a_kind_the_audience_lacks_takes_its_parents_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {key: leaf for key, leaf in catalog.leaves().items() if key != ("men", "jeans")}
    monkeypatch.setattr(catalog, "leaves", lambda: without)
    leaf = catalog.find_leaf("men", "jeans")
    assert leaf is not None
    assert leaf.kind == "pants"
    assert catalog.find_leaf("men", "maxi-dress") is None


def test_nothing_is_found_for_what_is_not_known() -> None:
    assert catalog.find_leaf(None, "shirt") is None
    assert catalog.find_leaf("women", None) is None
    assert catalog.find_leaf("women", "saucepan") is None
    shirt, hat = catalog.find_leaf("women", "shirt"), catalog.find_leaf("women", "hat")
    assert shirt is not None
    assert hat is not None
    assert catalog.find_size(shirt, "M") is not None
    assert catalog.find_size(shirt, "W30") is None
    assert catalog.find_size(shirt, None) is None
    assert catalog.find_size(hat, "M") is None


def test_parents_are_kinds_themselves() -> None:
    assert all(kind.parent is None or kind.parent in catalog.kinds() for kind in catalog.kinds().values())


def test_domains_name_their_currency() -> None:
    assert catalog.domains()["vinted.fr"].currency == "EUR"
    assert catalog.domains()["vinted.co.uk"].currency == "GBP"
    assert len(catalog.domains()) == 27
