"""The model's reader against stand-ins with the known ways of each server docs/models.md names."""

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from backend.core.errors import AIAnalysisError, BudgetReached, SetupError, VintedBotError
from backend.core.model_calls import MadeCall, PlannedCall, Tokens
from backend.core.reading import PhotoInput
from backend.sandbox.vision_api import Failure, VisionApi
from backend.sandbox.vision_servers import SERVERS
from backend.vision.openai_compatible import OpenAIAnalyzer

CALLS = {
    "openai": 1,
    "openai-reasoning": 2,
    "mistral": 3,
    "openrouter": 1,
    "ollama": 1,
    "ollama-before-schemas": 2,
    "vllm": 2,
    "vllm-without-guides": 3,
    "lm-studio": 3,
}
"""Calls until the first reading: one more for each thing to learn."""


class Book:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.planned: list[PlannedCall] = []
        self.made: list[MadeCall] = []
        self.kept: dict[str, str] = {}
        self.full = False

    async def reserve(self, call: PlannedCall) -> str:
        if self.full:
            raise BudgetReached("full")
        self.planned.append(call)
        return str(len(self.planned))

    async def settle(self, call_id: str, made: MadeCall) -> None:
        self.made.append(made)

    async def recall(self, key: str, *, model: str, prompt: str) -> str | None:
        return self.kept.get(key)

    async def remember(self, key: str, answer: str) -> None:
        self.kept[key] = answer


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
async def analyzer(api: VisionApi, book: Book) -> AsyncIterator[OpenAIAnalyzer]:
    analyzer = OpenAIAnalyzer(api_key=api.key, base_url=api.url, timeout=10, ledger=book)
    yield analyzer
    await analyzer.aclose()


@pytest.fixture
def photos(tmp_path: Path) -> list[PhotoInput]:
    Image.new("RGB", (800, 600), (200, 30, 40)).save(tmp_path / "a.jpg")
    Image.new("RGB", (800, 600), (30, 60, 180)).save(tmp_path / "b.jpg")
    return [PhotoInput("a", tmp_path / "a.jpg"), PhotoInput("b", tmp_path / "b.jpg")]


def other_photo(tmp_path: Path) -> list[PhotoInput]:
    Image.new("RGB", (640, 640), (30, 160, 60)).save(tmp_path / "c.jpg")
    return [PhotoInput("c", tmp_path / "c.jpg")]


@pytest.mark.parametrize("server", SERVERS)
async def test_each_server_is_read_and_its_ways_are_learned_once(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], tmp_path: Path, server: str
) -> None:
    api.manners = SERVERS[server]
    api.script.extend([{"category": "dress", "colours": ["red"]}] * CALLS[server])
    first = await analyzer.read_item(photos)
    assert {name: field.value for name, field in first.fields.items()} == {"category": "dress", "colours": ["red"]}
    assert first.photos == ("a", "b")
    assert api.calls == CALLS[server]
    second = await analyzer.read_item(other_photo(tmp_path))
    assert second.fields["colours"].evidence[0].photo == "c"
    assert api.calls == CALLS[server] + 1


def test_the_document_names_each_server() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text().lower().replace(" ", "-")
    for server in SERVERS:
        assert re.split("-(?:reasoning|before|without)", server)[0] in page


@pytest.mark.parametrize(
    ("fault", "error"),
    [("rate_limited", AIAnalysisError), ("server_error", AIAnalysisError), ("no_credit", SetupError)],
)
async def test_an_error_that_comes_with_status_200_is_still_an_error(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], book: Book, fault: str, error: type[Exception]
) -> None:
    api.manners = SERVERS["openrouter"]
    api.script.append(Failure(fault))
    with pytest.raises(error) as raised:
        await analyzer.read_item(photos)
    assert fault == "no_credit" or raised.value.kind == "retryable"
    assert [made.tokens for made in book.made] == [Tokens(0, 0)]


async def test_usage_is_taken_from_the_answer_the_price_too_where_it_is_told(
    api: VisionApi, photos: list[PhotoInput], tmp_path: Path, book: Book
) -> None:
    priced = OpenAIAnalyzer(
        api_key=api.key, base_url=api.url, ledger=book, price_input=Decimal(2), price_output=Decimal(10)
    )
    await priced.read_item(photos)
    assert book.made == [MadeCall("success", Tokens(1000, 200), 4000)]
    assert book.planned[0].micros > 4000
    assert book.planned[0].most.input > 1000
    api.manners = SERVERS["openrouter"]
    await priced.read_item(other_photo(tmp_path))
    assert book.made[1] == MadeCall("success", Tokens(1000, 200), 12300)
    await priced.aclose()


async def test_without_usage_what_was_set_aside_stands(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], book: Book
) -> None:
    api.manners = SERVERS["lm-studio"]
    api.script.extend([{"colours": ["red"]}] * 3)
    await analyzer.read_item(photos)
    assert [made.status for made in book.made] == ["unusable", "rejected", "success"]
    assert [made.tokens for made in book.made] == [None, Tokens(0, 0), None]


@pytest.mark.parametrize(
    ("fault", "status", "tokens"),
    [
        ("server_error", "refused", Tokens(0, 0)),
        ("rate_limited", "refused", Tokens(0, 0)),
        ("rejected", "rejected", Tokens(0, 0)),
        ("refusal", "unusable", Tokens(1000, 200)),
        ("content_filter", "unusable", Tokens(1000, 200)),
        ("not_json", "unusable", Tokens(0, 0)),
    ],
)
async def test_what_a_failed_call_is_counted_as(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], book: Book, fault, status: str, tokens: Tokens
) -> None:
    api.script.append(Failure(fault))
    with pytest.raises(VintedBotError):
        await analyzer.read_item(photos)
    assert [(made.status, made.tokens) for made in book.made] == [(status, tokens)]
    assert book.kept == {}


async def test_a_call_nobody_answered_may_have_been_billed(
    api: VisionApi, photos: list[PhotoInput], book: Book
) -> None:
    impatient = OpenAIAnalyzer(api_key=api.key, base_url=api.url, timeout=0.2, ledger=book)
    api.script.append(Failure("hang", seconds=0.6))
    with pytest.raises(AIAnalysisError):
        await impatient.read_item(photos)
    assert book.made == [MadeCall("unanswered")]
    await impatient.aclose()


async def test_a_budget_stops_before_the_call(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], book: Book
) -> None:
    book.full = True
    with pytest.raises(BudgetReached):
        await analyzer.read_item(photos)
    assert (api.calls, book.made) == (0, [])


async def test_the_same_photos_cost_nothing_again_and_other_words_do(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    first = await analyzer.read_item(photos)
    again = [PhotoInput(f"new-{photo.id}", photo.path) for photo in photos]
    second = await analyzer.read_item(again)
    assert api.calls == 1
    assert second.fields["colours"].value == first.fields["colours"].value
    assert second.fields["colours"].evidence[0].photo == "new-a"
    await analyzer.read_item(photos, language="en")
    await analyzer.read_item(photos[::-1])
    assert api.calls == 3
