"""A price with its reasons, from one small table: kind of item × brand × condition × audience.

Owns the sum and the seller's wish about it (`PriceRule`). The table is `prices.json`: our own rough judgement
in euros, not market data, and every explanation says so. Does not own the limits of a price (`readiness.py`)
or the words of the explanation (`texts/`).
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from backend.core import catalog
from backend.core.errors import BadRequest
from backend.core.listing import Alternative, Evidence, Field, Listing
from backend.core.readiness import PRICE_RANGE, amount
from backend.core.texts import sentences

CONFIDENCE = 0.8
"""What the table's word is worth at most; less where the fields it was read from are less certain."""

Aim = Literal["low", "middle", "high"]
Rounding = Literal["whole", "half", "cent"]
_STEPS: dict[Rounding, Decimal] = {"whole": Decimal(1), "half": Decimal("0.50"), "cent": Decimal("0.01")}


@dataclass(frozen=True)
class PriceRule:
    """The seller's wish: which end of the range, rounded to 12, 12.50 or 12.34, and never below `floor`.

    Raises `BadRequest` where the floor is no price the marketplace takes."""

    aim: Aim = "middle"
    rounding: Rounding = "whole"
    floor: Decimal = PRICE_RANGE[0]

    def __post_init__(self) -> None:
        lowest, highest = PRICE_RANGE
        if amount(self.floor) is None or not lowest <= self.floor <= highest:
            raise BadRequest(f"The lowest price must be an amount from {lowest} to {highest}.", code="price_floor")


@dataclass(frozen=True)
class Factor:
    """One multiplication and why: `group` and `choice` name a row of the table, `name` is what it was read from."""

    group: Literal["tiers", "conditions", "audiences"]
    choice: str | None
    times: Decimal
    name: str = ""


@dataclass(frozen=True)
class PriceSuggestion:
    """`low` ≤ `suggested` ≤ `high`, in the marketplace's currency, with everything they follow from."""

    low: Decimal
    suggested: Decimal
    high: Decimal
    kind: str
    base: Decimal
    factors: tuple[Factor, ...]
    rule: PriceRule
    confidence: float

    def explanation(self, language: str) -> str:
        """The whole sum in one sentence, in French or English."""
        texts = sentences(language)["price"]
        floor = self.rule.floor if self.rule.floor > PRICE_RANGE[0] else None
        sentence: str = texts["sentence"].format(
            kind=catalog.kinds()[self.kind].name(language),
            base=_money(self.base, language),
            factors="".join(_reason(factor, language) for factor in self.factors),
            middle=_money(_middle(self.base, self.factors), language),
            low=_money(self.low, language),
            high=_money(self.high, language),
            suggested=_money(self.suggested, language),
            rule=texts["aims"][self.rule.aim] + (texts["floor"].format(floor=_money(floor, language)) if floor else ""),
        )
        return sentence


def suggest(listing: Listing, rule: PriceRule = PriceRule()) -> PriceSuggestion | None:
    """A price range for what is known of the item, or None when its category is unknown."""
    category = listing["category"]
    if not category.usable or category.value not in table()["kinds"]:
        return None
    base = Decimal(table()["kinds"][category.value])
    factors = (_brand_factor(listing), _condition_factor(listing), *_audience_factor(listing))
    middle = _middle(base, factors)
    low, high = (middle * Decimal(table()["range"][end]) for end in ("low", "high"))
    used = [listing[name] for name in ("category", "brand", "condition", "audience") if listing[name].usable]
    return PriceSuggestion(
        low=_round(low, rule),
        suggested=_round({"low": low, "middle": middle, "high": high}[rule.aim], rule),
        high=_round(high, rule),
        kind=category.value,
        base=base,
        factors=factors,
        rule=rule,
        confidence=min(CONFIDENCE, *(field.confidence for field in used)),
    )


def as_field(suggestion: PriceSuggestion, language: str = "fr") -> Field:
    """The suggestion as a listing's price: its explanation is the evidence, the range's ends the alternatives."""
    ends = dict.fromkeys(end for end in (suggestion.low, suggestion.high) if end != suggestion.suggested)
    return Field(
        f"{suggestion.suggested:f}",
        suggestion.confidence,
        alternatives=tuple(Alternative(f"{end:f}", suggestion.confidence) for end in ends),
        evidence=(Evidence("price_table", detail=suggestion.explanation(language)),),
    )


def brand_tier(brand: str) -> str:
    """budget, high_street, mid, premium or luxury, or unlisted; whole words only, so no "lv" in "Calvin Klein".

    The longest listed name found in the brand decides: "Zara Kids" is Zara, "H&M x Balmain" is H&M."""
    words = _words(brand)
    longest = min(len(words), max(map(len, _tiers())))
    runs = (words[i : i + n] for n in range(longest, 0, -1) for i in range(len(words) - n + 1))
    return next((tier for run in runs if (tier := _tiers().get(run))), "unlisted")


@cache
def table() -> dict[str, Any]:
    """`prices.json` as stored."""
    stored: dict[str, Any] = json.loads(files("backend.core").joinpath("prices.json").read_text(encoding="utf-8"))
    return stored


@cache
def _tiers() -> dict[tuple[str, ...], str]:
    return {_words(brand): tier for tier, brands in table()["brands"].items() for brand in brands}


def _words(name: str) -> tuple[str, ...]:
    """ "Levi's" → levis, "A.P.C." → apc, "Pull & Bear" and "Pull&Bear" → pull bear, without accents."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("ø", "o"))
    return tuple(re.findall(r"[^\W_]+", re.sub(r"[.'’\u0300-\u036f]", "", plain)))


def _brand_factor(listing: Listing) -> Factor:
    brand = listing["brand"]
    name = str(brand.value or "").strip() if brand.usable else ""
    tier = brand_tier(name) if name else "none" if brand.usable else "unknown"
    return Factor("tiers", tier, Decimal(table()["tiers"][tier]), name)


def _condition_factor(listing: Listing) -> Factor:
    condition = listing.value("condition") if listing["condition"].usable else None
    if condition not in table()["conditions"]:
        return Factor("conditions", None, Decimal(table()["condition_unknown"]))
    return Factor("conditions", condition, Decimal(table()["conditions"][condition]))


def _audience_factor(listing: Listing) -> tuple[Factor, ...]:
    audience = listing.value("audience") if listing["audience"].usable else None
    times = Decimal(table()["audiences"].get(audience, 1))
    return () if times == 1 else (Factor("audiences", audience, times),)


def _middle(base: Decimal, factors: tuple[Factor, ...]) -> Decimal:
    for factor in factors:
        base *= factor.times
    return base


def _round(price: Decimal, rule: PriceRule) -> Decimal:
    """To the rule's step, then up to its floor, which is at least the marketplace's own."""
    step = _STEPS[rule.rounding]
    rounded = (price / step).quantize(Decimal(1), ROUND_HALF_UP) * step
    return min(max(rounded, rule.floor), PRICE_RANGE[1])


def _reason(factor: Factor, language: str) -> str:
    texts = sentences(language)["price"]
    if factor.group == "tiers":
        reason = texts["tiers"][factor.choice].format(brand=factor.name)
    elif factor.choice is None:
        reason = texts["condition_unknown"]
    elif factor.group == "conditions":
        reason = texts["condition"].format(name=catalog.conditions()[factor.choice].name(language).lower())
    else:
        reason = texts["audiences"][factor.choice]
    sentence: str = texts["factor"].format(factor=_plain(factor.times, language), reason=reason)
    return sentence


def _plain(number: Decimal, language: str) -> str:
    """A factor: 0.8 or 2, with the language's decimal mark."""
    return _marked(f"{number.normalize():f}", language)


def _money(price: Decimal, language: str) -> str:
    """A price: 12 or 12.50, with the language's decimal mark."""
    return _marked(f"{price:.0f}" if price == price.to_integral_value() else f"{price:.2f}", language)


def _marked(digits: str, language: str) -> str:
    mark: str = sentences(language)["price"]["decimal"]
    return digits.replace(".", mark)
