"""A model and an offline reader as one: what holds, field by field, when they differ."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.core.errors import AIAnalysisError, BadRequest, BudgetReached, SetupError
from backend.core.listing import Alternative, Evidence, Field, Source
from backend.core.reading import ItemReading, PhotoInput
from backend.core.retry_utils import waiting_by
from backend.vision.embedded.analyzer import brand_of
from backend.vision.embedded.brands import find_brands
from backend.vision.embedded.photo_facts import PhotoFacts
from backend.vision.embedded.text_line import TextLine
from backend.vision.fallback import BUDGET_REACHED, MODEL_UNAVAILABLE, FallbackAnalyzer, merge

PHOTOS = [PhotoInput("p1", Path("unread"))]


def field(value: Any, confidence: float, source: Source, detail: str = "") -> Field:
    return Field(value, confidence, evidence=(Evidence(source, "p1", detail),))


def merged(said: dict[str, Field], read: dict[str, Field]) -> ItemReading:
    return merge(ItemReading(("p1",), said, ("s",)), ItemReading(("p1",), read, ("r",)), reader="embedded")


class Reader:
    """Answers with these fields, after failing with these errors."""

    def __init__(self, name: str, fields: dict[str, Field], *failures: Exception) -> None:
        self.name = name
        self.fields = fields
        self.failures = list(failures)
        self.calls = 0
        self.closed = False

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return ItemReading(tuple(p.id for p in photos), dict(self.fields))

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def waits():
    waits: list[float] = []
    with waiting_by(waits.append):
        yield waits


def test_what_only_one_of_them_knows_is_kept_and_the_offline_reader_named() -> None:
    reading = merged({"condition": field("good", 0.6, "model")}, {"size": field("M", 0.9, "label", "size tag")})
    assert reading.fields["condition"] == field("good", 0.6, "model")
    assert reading.fields["size"] == field("M", 0.9, "label", "embedded: size tag")
    assert reading.warnings == ("s", "r")


def test_agreement_joins_the_evidence_and_keeps_the_label_s_spelling() -> None:
    reading = merged({"brand": field("LEVI'S", 0.7, "model")}, {"brand": field("Levi's", 0.9, "label")})
    brand = reading.fields["brand"]
    assert (brand.value, brand.confidence, brand.alternatives) == ("Levi's", 0.9, ())
    assert [e.source for e in brand.evidence] == ["model", "label"]
    assert reading.warnings == ("s", "r")


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("Pull&Bear", "Pull & Bear"),
        ("Levis", "Levi's"),
        ("Sezane", "Sézane"),
        ("H & M", "H&M"),
        ("MaxMara", "Max Mara"),
    ],
)
def test_another_spelling_of_a_brand_is_no_disagreement(said: str, printed: str) -> None:
    title = {"title": field(f"Robe {said} rouge", 0.9, "model")}
    reading = merged({"brand": field(said, 0.7, "model"), **title}, {"brand": field(printed, 0.9, "label")})
    assert (reading.fields["brand"].value, reading.fields["brand"].alternatives) == (printed, ())
    assert (reading.warnings, "title" in reading.fields) == (("s", "r"), True)


def test_what_is_printed_beats_a_guess_and_the_guess_is_shown() -> None:
    reading = merged({"brand": field("Zara", 0.99, "model")}, {"brand": field("Mango", 0.8, "label")})
    brand = reading.fields["brand"]
    assert (brand.value, brand.confidence) == ("Mango", 0.8)
    assert brand.alternatives == (Alternative("Zara", 0.99),)
    assert "brand_disagreement" in reading.warnings


def photo(*print_on_it: str, is_label: bool) -> tuple[PhotoInput, PhotoFacts]:
    """A photo as it is seen, with this print on it."""
    lines = tuple(TextLine(text, 1.0, (0.1, 0.1, 0.9, 0.2), 0.1) for text in print_on_it)
    none = np.zeros(1, np.float32)
    found = tuple(find_brands(lines, on_label=is_label))
    facts = PhotoFacts(is_label, not is_label, none, none, none, 0.5, 0.1, lines, found, None, None, {}, 0.0, 0.5, 0.3)
    return PHOTOS[0], facts


def test_print_on_a_garment_is_no_label_and_does_not_beat_the_model() -> None:
    printed, labelled = (brand_of([photo("LEVI'S", is_label=on_label)]) for on_label in (False, True))
    assert (printed.value, [e.source for e in printed.evidence]) == ("Levi's", ["image"])
    assert (labelled.value, [e.source for e in labelled.evidence]) == ("Levi's", ["label"])
    said = {"brand": field("Zara", 0.8, "model")}
    assert merged(said, {"brand": printed}).fields["brand"].value == "Zara"
    assert merged(said, {"brand": labelled}).fields["brand"].value == "Levi's"


def test_an_everyday_word_printed_on_a_garment_is_offered_not_told() -> None:
    open_ = brand_of([photo("OASIS", is_label=False)])
    assert (open_.value, open_.alternatives) == (None, (Alternative("Oasis", 0.36),))
    named = brand_of([photo("OASIS", is_label=False), photo("KIABI", is_label=True)])
    assert (named.value, [a.value for a in named.alternatives]) == ("Kiabi", ["Oasis"])


def test_a_look_without_print_is_an_alternative_to_the_model() -> None:
    reading = merged({"colours": field(["navy"], 0.7, "model")}, {"colours": field(["black"], 0.9, "image")})
    assert reading.fields["colours"].value == ["navy"]
    assert reading.fields["colours"].alternatives == (Alternative(["black"], 0.9),)
    assert reading.warnings == ("s", "r")


def test_the_order_of_colours_is_no_disagreement() -> None:
    reading = merged(
        {"colours": field(["red", "blue"], 0.7, "model")}, {"colours": field(["blue", "red"], 0.9, "image")}
    )
    assert (reading.fields["colours"].value, reading.fields["colours"].alternatives) == (["red", "blue"], ())


def test_words_that_repeat_a_beaten_value_are_dropped_and_others_stay() -> None:
    said = {
        "brand": field("Zara", 0.9, "model"),
        "title": field("Robe Zara rouge", 0.9, "model"),
        "description": field("Robe rouge, style bazaraine.", 0.9, "model"),
    }
    reading = merged(said, {"brand": field("Mango", 0.8, "label")})
    assert "title" not in reading.fields
    assert reading.fields["description"].value.startswith("Robe rouge")


async def test_both_read_and_the_readings_are_merged() -> None:
    model, offline = Reader("openai", {"brand": field("Zara", 0.9, "model")}), Reader("embedded", {})
    analyzer = FallbackAnalyzer(model, offline)
    reading = await analyzer.read_item(PHOTOS)
    assert (reading.fields["brand"].value, reading.warnings) == ("Zara", ())
    assert (model.calls, offline.calls, analyzer.name) == (1, 1, "openai+embedded")


@pytest.mark.parametrize(
    ("failures", "calls"),
    [([AIAnalysisError("down")] * 5, 2), ([BadRequest("content policy")], 1)],
    ids=["faltering", "rejecting"],
)
async def test_a_model_that_gives_no_reading_leaves_it_to_the_offline_reader_visibly(
    waits: list[float], failures: list[Exception], calls: int
) -> None:
    model = Reader("openai", {}, *failures)
    analyzer = FallbackAnalyzer(model, Reader("embedded", {"brand": field("Mango", 0.8, "label", "print")}))
    reading = await analyzer.read_item(PHOTOS)
    assert reading.fields["brand"] == field("Mango", 0.8, "label", "embedded: print")
    assert reading.warnings == (MODEL_UNAVAILABLE,)
    assert (model.calls, len(waits)) == (calls, calls - 1)


async def test_a_budget_that_is_used_up_is_said_to_be(waits: list[float]) -> None:
    model = Reader("openai", {}, *[BudgetReached("used up")] * 2)
    analyzer = FallbackAnalyzer(model, Reader("embedded", {"brand": field("Mango", 0.8, "label")}))
    reading = await analyzer.read_item(PHOTOS)
    assert (reading.fields["brand"].value, reading.warnings) == ("Mango", (BUDGET_REACHED,))
    assert (model.calls, waits) == (1, [])


async def test_a_model_that_recovers_is_not_fallen_back_from(waits: list[float]) -> None:
    model = Reader("openai", {"brand": field("Zara", 0.9, "model")}, AIAnalysisError("once"))
    reading = await FallbackAnalyzer(model, Reader("embedded", {})).read_item(PHOTOS)
    assert (reading.fields["brand"].value, reading.warnings, model.calls) == ("Zara", (), 2)


async def test_a_wrong_key_is_seen_not_papered_over() -> None:
    analyzer = FallbackAnalyzer(Reader("openai", {}, SetupError("OPENAI_API_KEY")), Reader("embedded", {}))
    with pytest.raises(SetupError, match="OPENAI_API_KEY"):
        await analyzer.read_item(PHOTOS)


async def test_closing_closes_both() -> None:
    model, offline = Reader("openai", {}), Reader("embedded", {})
    await FallbackAnalyzer(model, offline).aclose()
    assert model.closed
    assert offline.closed
