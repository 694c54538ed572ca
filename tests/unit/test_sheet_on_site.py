"""A sheet in the site's own words: its path, ids and labels where its form was listened to, ours elsewhere."""

from decimal import Decimal

from backend.core import catalog
from backend.core.ontology import Category, Ontology, Option
from backend.marketplace.port import ListingSheet
from backend.workflows.sheet import as_the_site_has_it


def sheet() -> ListingSheet:
    leaf = catalog.find_leaf("women", "dress")
    assert leaf is not None
    return ListingSheet(
        title="Robe",
        description="Robe rouge.",
        leaf=leaf,
        brand="Zara",
        size=catalog.find_size(leaf, "M"),
        condition=catalog.conditions()["good"],
        colours=(catalog.colours()["red"], catalog.colours()["blue"]),
        materials=(catalog.materials()["cotton"],),
        price=Decimal(12),
        parcel=catalog.parcels()["small"],
        photos=(),
    )


def test_the_site_s_names_and_ids_are_taken() -> None:
    site = Ontology(
        (Category((904, 77, 78), ("Femmes", "Mode", "Robes")),),
        {"colours": (Option(507, "Rouge"),), "condition": (Option(3, "Bon état"),)},
        {78: (Option(41, "M / 38-40"), Option(42, "L"))},
    )
    found = as_the_site_has_it(sheet(), site, "fr")
    assert (found.leaf.ids, found.leaf.path("fr")) == ((904, 77, 78), ("Femmes", "Mode", "Robes"))
    assert found.size is not None
    assert (found.size.value, found.size.id, found.size.label) == ("M", 41, "M / 38-40")
    assert [(c.slug, c.id, c.name("fr")) for c in found.colours] == [
        ("red", 507, "Rouge"),
        ("blue", catalog.colours()["blue"].id, "Bleu"),
    ]
    assert found.materials == sheet().materials
    assert found.parcel == sheet().parcel


def test_a_site_that_was_not_listened_to_changes_nothing() -> None:
    assert as_the_site_has_it(sheet(), Ontology(), "fr") == sheet()
