"""What a call may cost: prices by model and address, and a picture's tokens by its model's own rule."""

from decimal import Decimal

import pytest

from backend.core.model_calls import Tokens
from backend.vision.tariff import OPENAI_URL, Tariff, at_home, tariff_of

ROUTER = "https://openrouter.ai/api/v1"


@pytest.mark.parametrize(
    ("model", "address", "cost"),
    [
        ("gpt-4o", OPENAI_URL, 2500 + 2000),
        ("gpt-4o-2024-08-06", OPENAI_URL, 2500 + 2000),
        ("gpt-4o-mini", OPENAI_URL, 150 + 120),
        ("openai/gpt-4o-mini", ROUTER, 150 + 120),
        ("pixtral-large-latest", "https://api.mistral.ai/v1", 2000 + 1200),
        ("qwen2.5vl", "http://localhost:11434/v1", 0),
        ("qwen/qwen2.5-vl-72b-instruct:free", ROUTER, 0),
        ("qwen/qwen2.5-vl-72b-instruct", ROUTER, None),
        ("gpt-4o-audio", OPENAI_URL, None),
    ],
)
def test_a_call_costs_what_the_table_says_of_its_model(model: str, address: str, cost: int | None) -> None:
    tariff = tariff_of(model, address)
    assert tariff.cost(Tokens(1000, 200)) == cost
    assert tariff.known is (cost is not None)


def test_the_operators_price_wins_also_at_home() -> None:
    prices = {"price_input": Decimal("1"), "price_output": Decimal("0.5")}
    for model, address in (("gpt-4o", OPENAI_URL), ("llava", "http://127.0.0.1:11434/v1"), ("new", ROUTER)):
        assert tariff_of(model, address, **prices).cost(Tokens(1000, 200)) == 1100
    assert not tariff_of("new", ROUTER, price_input=Decimal(1)).known


def test_a_part_of_a_micro_dollar_counts_as_one() -> None:
    assert tariff_of("gpt-4o-mini", OPENAI_URL).cost(Tokens(1, 0)) == 1


@pytest.mark.parametrize(
    ("model", "size", "tokens"),
    [
        ("gpt-4o", (512, 512), 255),
        ("gpt-4o", (1024, 768), 765),
        ("gpt-4o", (1024, 1024), 765),
        ("gpt-4o", (4096, 8192), 1105),
        ("gpt-4o-mini", (512, 512), 8500),
        ("gpt-4.1-mini", (1024, 1024), 1659),
        ("gpt-4.1-mini", (3000, 3000), 2489),
        ("pixtral-large-latest", (1024, 1024), 4096),
    ],
)
def test_pictures_count_by_their_models_public_rule(model: str, size: tuple[int, int], tokens: int) -> None:
    assert tariff_of(model, OPENAI_URL).picture_tokens(size) == tokens


def test_an_unlisted_model_s_pictures_are_counted_dearly() -> None:
    listed = [tariff_of(name, OPENAI_URL).picture_tokens((1024, 768)) for name in ("gpt-4o", "gpt-4.1-mini", "gpt-5")]
    assert tariff_of("new-model", ROUTER).picture_tokens((1024, 768)) > max(listed)


def test_the_estimate_covers_text_pictures_and_the_longest_answer() -> None:
    tariff = Tariff(Decimal(1), Decimal(1), tiles=(85, 170))
    assert tariff.most_tokens("été " * 100, [(512, 512), (1024, 768)], 2000) == Tokens(300 + 255 + 765, 2000)


@pytest.mark.parametrize(
    ("address", "home"),
    [
        ("http://localhost:1234/v1", True),
        ("http://127.0.0.1:1/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://192.168.1.5:8000/v1", True),
        ("http://ollama:11434/v1", True),
        ("http://host.docker.internal:11434/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://8.8.8.8/v1", False),
    ],
)
def test_an_address_at_home_sends_no_bill(address: str, home: bool) -> None:
    assert at_home(address) is home
