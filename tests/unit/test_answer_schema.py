"""A model's answer: what of it becomes a field, and what is dropped with a warning."""

import json
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from backend.core import catalog
from backend.core.reading import ItemReading, Role
from backend.vision.schema import Answer, answer_schema, normalise_size, parse_answer, to_reading

PHOTOS = ["p1", "p2"]


def reading(**fields: Any) -> ItemReading:
    """What becomes of an answer that names these fields, seen on the first photo unless said otherwise."""
    full: dict[str, Any] = {name: {"value": None, "confidence": 0, "photo": None} for name in Answer.model_fields}
    for name, value in fields.items():
        full[name] = value if isinstance(value, dict) else {"value": value, "confidence": 0.9, "photo": 1}
    return to_reading(Answer.model_validate_json(json.dumps(full)), PHOTOS, source="test")


def test_abstention_is_no_field_and_no_warning() -> None:
    assert reading() == ItemReading(("p1", "p2"))
    assert reading(colours=[]) == ItemReading(("p1", "p2"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("category", "kimono"), ("audience", "unisex"), ("condition", "perfect"), ("colours", ["blurple"]),
     ("materials", ["unobtainium"]), ("size", "large-ish"), ("title", "Top"), ("title", "x" * 101),
     ("description", "x" * 2001), ("brand", "Sans marque"), ("brand", " ")],
)  # fmt: skip
def test_words_outside_our_vocabulary_are_dropped_with_a_warning(name: str, value: Any) -> None:
    dropped = reading(**{name: value})
    assert (dropped.fields, dropped.warnings) == ({}, (f"{name}_unknown",))


@pytest.mark.parametrize("name", ["brand", "size", "materials"])
@pytest.mark.parametrize("photo", [None, 0, 3, -1])
def test_what_must_be_printed_needs_the_photo_that_shows_it(name: str, photo: int | None) -> None:
    value = {"brand": "Zara", "size": "M", "materials": ["cotton"]}[name]
    unseen = reading(**{name: {"value": value, "confidence": 0.9, "photo": photo}})
    assert (unseen.fields, unseen.warnings) == ({}, (f"{name}_unseen",))


def test_known_words_are_kept_beside_unknown_ones() -> None:
    partly = reading(colours=["Light Blue", "blurple"])
    assert partly.fields["colours"].value == ["light-blue"]
    assert partly.warnings == ("colours_partly_unknown",)


def test_no_more_colours_and_materials_than_a_listing_takes() -> None:
    many = reading(colours=["red", "blue", "green"], materials=["cotton", "wool", "silk", "linen"])
    assert many.fields["colours"].value == ["red", "blue"]
    assert many.fields["materials"].value == ["cotton", "wool", "silk"]


@pytest.mark.parametrize(("said", "kept"), [(1.7, 1.0), (-1, 0.0)])
def test_confidence_stays_within_its_bounds(said: float, kept: float) -> None:
    assert reading(category={"value": "dress", "confidence": said, "photo": 1}).fields["category"].confidence == kept


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        (["front", " Label "], {"p1": "front", "p2": "label"}),
        (["front"], {}),
        (["front", "label", "flaw"], {}),
        (["front", "sleeve"], {}),
        (["front", 2], {}),
        ("front", {}),
        (None, {}),
    ],
)
def test_what_photos_show_counts_only_where_each_is_told_in_a_word_of_ours(said: Any, roles: dict[str, str]) -> None:
    told, malformed = parse_answer(
        json.dumps({"brand": {"value": None, "confidence": 0, "photo": None}, "photos": said})
    )
    assert to_reading(told, PHOTOS, source="test").roles == roles
    assert "photos_malformed" not in malformed


def test_evidence_names_the_photo_or_none() -> None:
    fields = reading(
        category={"value": "dress", "confidence": 0.9, "photo": 2},
        condition={"value": "good", "confidence": 0.9, "photo": 99},
    ).fields
    assert [fields[n].evidence[0].photo for n in ("category", "condition")] == ["p2", None]
    assert {e.source for f in fields.values() for e in f.evidence} == {"model"}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"category": "dress"}', "null"])
def test_another_shape_is_no_answer(text: str) -> None:
    with pytest.raises(ValidationError):
        Answer.model_validate_json(text)


@pytest.mark.parametrize(
    ("said", "audience", "kind", "size"),
    [
        ("m", "women", "dress", "M"),
        ("2XL", "men", "t-shirt", "XXL"),
        ("XXL", "men", "t-shirt", "XXL"),
        ("FR 38", "women", "dress", "M"),
        ("38", "women", "dress", "M"),
        ("38", "women", "shoes", "38"),
        ("EU 42", "men", "trainers", "42"),
        ("W30 L32", "men", "jeans", "W30"),
        ("30/32", "men", "jeans", "W30"),
        ("w 28", "women", "jeans", "W28"),
        ("8 ans", "girls", "dress", "8Y"),
        ("8Y", "boys", "t-shirt", "8Y"),
        ("6 mois", "boys", "t-shirt", "6M"),
        ("10", "women", "dress", None),
        ("UK 10", "women", "dress", "M"),
        ("IT 42", "women", "dress", "M"),
        ("DE 36", "women", "skirt", "M"),
        ("EUR 38 USA 6 MEX 28", "women", "dress", "M"),
        ("M (38/40)", "women", "t-shirt", "M"),
        ("Taille M", "women", "t-shirt", "M"),
        ("MEDIUM", "men", "hoodie", "M"),
        ("IT 50", "men", "blazer", "L"),
        ("7-8 years", "girls", "dress", "8Y"),
        ("128 cm", "boys", "t-shirt", "8Y"),
        ("128", "boys", "t-shirt", "8Y"),
        ("8 ans / 128 cm", "boys", "t-shirt", "8Y"),
        ("42.5", "men", "trainers", "42.5"),
        ("38/40", "men", "pants", None),
        ("36", "men", "jeans", None),
        ("38", "men", "t-shirt", None),
        ("W30", "women", "dress", None),
        ("8 ans", "women", "dress", None),
        ("one size", "women", "dress", "One size"),
    ],
)
def test_printed_sizes_in_the_catalog_s_terms(said: str, audience: str, kind: str, size: str | None) -> None:
    leaf = catalog.find_leaf(audience, kind)
    assert leaf is not None
    assert normalise_size(said, leaf) == size


@pytest.mark.parametrize(("said", "size"), [("M", "M"), ("W30", "W30"), ("8 ans", "8Y"), ("38", None), ("9XL", None)])
def test_without_a_leaf_only_sizes_that_mean_one_thing_count(said: str, size: str | None) -> None:
    assert normalise_size(said, None) == size


def test_a_leaf_without_sizes_has_none() -> None:
    sizeless = [leaf for leaf in catalog.leaves().values() if leaf.size_group is None]
    assert all(normalise_size("M", leaf) is None for leaf in sizeless)


def test_the_schema_names_our_words_and_allows_abstention() -> None:
    properties = answer_schema()["properties"]
    assert properties["condition"]["properties"]["value"]["enum"] == [*catalog.conditions(), None]
    assert set(properties["photos"]["items"]["enum"]) == set(get_args(Role))
    for name, said in ((name, said) for name, said in properties.items() if name != "photos"):
        assert "null" in said["properties"]["value"]["type"], name
