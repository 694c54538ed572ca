"""What a call to a model may cost, and what it did cost.

Owns the estimate of a request's tokens and the price per token (`model_prices.json`, or what the operator says).
Owns no budget and no count: those are the ledger's. Estimates are upper bounds: half the text's bytes, and for a
picture its model's own rule as publicly documented, or a pessimistic one where that is unknown.
"""

import ipaddress
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cache
from importlib.resources import files
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from backend.core.model_calls import Tokens

OPENAI_URL = "https://api.openai.com/v1"
"""Where a model is asked for when no address is given."""

_BYTES_A_TOKEN = 2
_DATED = re.compile(r"-(?:latest|\d{4}|\d{4}-\d\d-\d\d)$")
_FREE = "0"

Size = tuple[int, int]
"""A picture's width and height in pixels."""


@dataclass(frozen=True)
class Tariff:
    """Dollars per million tokens in and out (None: unknown), and how the model counts a picture."""

    input: Decimal | None
    output: Decimal | None
    tiles: tuple[int, int] | None = None
    patches: tuple[int, int, Decimal] | None = None

    @property
    def known(self) -> bool:
        return self.input is not None and self.output is not None

    def cost(self, tokens: Tokens) -> int | None:
        """In micro-dollars, rounded up; None where no price is known."""
        if self.input is None or self.output is None:
            return None
        return int((tokens.input * self.input + tokens.output * self.output).to_integral_value(ROUND_CEILING))

    def most_tokens(self, text: str, pictures: Iterable[Size], answer: int) -> Tokens:
        """What a request of this text and these pictures, answered in at most `answer` tokens, may count."""
        written = len(text.encode()) // _BYTES_A_TOKEN
        return Tokens(written + sum(self.picture_tokens(size) for size in pictures), answer)

    def picture_tokens(self, size: Size) -> int:
        if self.tiles is not None:
            base, tile = self.tiles
            width, height = _scaled(size)
            return base + tile * ceil(width / 512) * ceil(height / 512)
        assert self.patches is not None, "every tariff counts pictures one way"
        side, most, times = self.patches
        return ceil(min(most, ceil(size[0] / side) * ceil(size[1] / side)) * times)


def tariff_of(
    model: str, base_url: str, *, price_input: Decimal | None = None, price_output: Decimal | None = None
) -> Tariff:
    """The tariff of this model at this address. A given price wins; a model at home costs nothing."""
    table = _table()
    name = model.rsplit("/", 1)[-1].lower()
    free = at_home(base_url) or name.endswith(":free")
    name = name.split(":", 1)[0]
    row = table["models"].get(name) or table["models"].get(_DATED.sub("", name)) or {}
    listed = {"input": _FREE, "output": _FREE} if free else row
    rule = row or table["unlisted_picture"]
    return Tariff(
        price_input if price_input is not None else _dollars(listed.get("input")),
        price_output if price_output is not None else _dollars(listed.get("output")),
        tiles=tuple(rule["tiles"]) if "tiles" in rule else None,
        patches=(rule["patches"][0], rule["patches"][1], Decimal(rule["patches"][2])) if "patches" in rule else None,
    )


def at_home(base_url: str) -> bool:
    """Whether the address is on this machine or its own network, where nobody sends a bill."""
    host = (urlsplit(base_url).hostname or "").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan", ".localhost"))
    return address.is_loopback or address.is_private


def _dollars(listed: str | None) -> Decimal | None:
    return None if listed is None else Decimal(listed)


def _scaled(size: Size) -> tuple[float, float]:
    """As OpenAI scales before it counts tiles: within 2048 px, then the shorter side to 768 px at most."""
    longest, shortest = max(size), min(size)
    scale = min(1.0, 2048 / longest, 768 / shortest)
    return size[0] * scale, size[1] * scale


@cache
def _table() -> dict[str, Any]:
    text = files("backend.vision").joinpath("model_prices.json").read_text(encoding="utf-8")
    stored: dict[str, Any] = json.loads(text)
    return stored
