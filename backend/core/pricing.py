"""A price with its reasons: a small table (kind, brand, condition, audience, season), the seller's own items, a floor.

Owns the sum and the seller's wish about it (`PriceRule`). The table is `prices.json`: our own rough judgement
in euros, not market data, and every explanation says so. Does not own the limits of a price (`readiness.py`), which
of the seller's items are comparable (`comparables.py`) or the words of the explanation (`texts/`).
"""

import json
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from backend.core import catalog
from backend.core.errors import BadRequest
from backend.core.listing import Alternative, Evidence, Field, Listing
from backend.core.readiness import PRICE_RANGE, amount
from backend.core.search_words import bare
from backend.core.texts import sentences

CONFIDENCE = 0.8
"""What the table's word is worth at most; less where the fields it was read from are less certain."""

Aim = Literal["low", "middle", "high"]
Rounding = Literal["whole", "half", "ninety", "cent"]
_STEPS: dict[Rounding, tuple[Decimal, Decimal]] = {
    "whole": (Decimal(1), Decimal(0)),
    "half": (Decimal("0.50"), Decimal(0)),
    "ninety": (Decimal(1), Decimal("-0.10")),
    "cent": (Decimal("0.01"), Decimal(0)),
}
"""The distance between allowed prices, and how far they lie from its multiples."""
_MARGIN_MAX = Decimal(1000)


@dataclass(frozen=True)
class PriceRule:
    """The seller's wish: which end of the range, rounded to 12, 12.50, 12.90 or 12.34, never below `floor`, nor below
    what an item cost them and `margin` percent.

    Raises `BadRequest` where the floor is no price the marketplace takes, or the margin is none."""

    aim: Aim = "middle"
    rounding: Rounding = "whole"
    floor: Decimal = PRICE_RANGE[0]
    margin: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        lowest, highest = PRICE_RANGE
        if amount(self.floor) is None or not lowest <= self.floor <= highest:
            raise BadRequest(f"The lowest price must be an amount from {lowest} to {highest}.", code="price_floor")
        if amount(self.margin) is None or not 0 <= self.margin <= _MARGIN_MAX:
            raise BadRequest(f"The margin must be a percentage from 0 to {_MARGIN_MAX}.", code="price_margin")


@dataclass(frozen=True)
class Comparison:
    """The seller's own comparable items: how many, their median brought to this item's condition, their share of the
    price, from 0 to 1, and how many of them were sold."""

    count: int
    median: Decimal
    weight: Decimal
    sold: int = 0


@dataclass(frozen=True)
class Circumstances:
    """What the listing itself doesn't say: its purchase price, the month (1 to 12), the seller's comparable items."""

    cost: Decimal | None = None
    month: int | None = None
    own: Comparison | None = None


ANY_PRICE = PriceRule()
"""The rule of a seller who stated none."""


@dataclass(frozen=True)
class Factor:
    """One multiplication and why: `group` and `choice` name a row of the table, `name` is what it was read from."""

    group: Literal["tiers", "conditions", "audiences", "seasons"]
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
    circumstances: Circumstances = Circumstances()

    def explanation(self, language: str) -> str:
        """The whole sum in one sentence, in French or English."""
        texts = sentences(language)["price"]
        sentence: str = texts["sentence"].format(
            kind=catalog.kinds()[self.kind].name(language),
            base=_money(self.base, language),
            factors="".join(_reason(factor, language) for factor in self.factors),
            middle=_money(_middle(self.base, self.factors), language) + self._own_items(language),
            low=_money(self.low, language),
            high=_money(self.high, language),
            suggested=_money(self.suggested, language),
            rule=texts["aims"][self.rule.aim] + self._floors(language),
        )
        return sentence

    def _own_items(self, language: str) -> str:
        if (own := self.circumstances.own) is None:
            return ""
        texts = sentences(language)["price"]
        told: str = texts["own"]["one" if own.count == 1 else "other"].format(
            count=own.count,
            median=_money(own.median, language),
            sold=texts["own"]["sold"].format(sold=own.sold) if own.sold else "",
            percent=round(own.weight * 100),
            blended=_money(_blended(_middle(self.base, self.factors), own), language),
        )
        return told

    def _floors(self, language: str) -> str:
        texts = sentences(language)["price"]
        told = ""
        if self.rule.floor > PRICE_RANGE[0]:
            told += texts["floor"].format(floor=_money(self.rule.floor, language))
        if (cost := self.circumstances.cost) is not None:
            margin = _plain(self.rule.margin, language)
            told += texts["cost"].format(
                cost=_money(cost, language), margin=margin, floor=_money(_cost_floor(cost, self.rule), language)
            )
        return told


def suggest(
    listing: Listing, rule: PriceRule = PriceRule(), circumstances: Circumstances = Circumstances()
) -> PriceSuggestion | None:
    """A price range for what is known of the item, or None when its category is unknown."""
    category = listing["category"]
    if not category.usable or category.value not in table()["kinds"]:
        return None
    base = Decimal(table()["kinds"][category.value])
    factors = (
        _brand_factor(listing),
        _condition_factor(listing),
        *_audience_factor(listing),
        *_season_factor(category.value, circumstances.month),
    )
    middle = _blended(_middle(base, factors), circumstances.own)
    low, high = (middle * Decimal(table()["range"][end]) for end in ("low", "high"))
    used = [listing[name] for name in ("category", "brand", "condition", "audience") if listing[name].usable]
    return PriceSuggestion(
        low=_round(low, rule, circumstances.cost),
        suggested=_round({"low": low, "middle": middle, "high": high}[rule.aim], rule, circumstances.cost),
        high=_round(high, rule, circumstances.cost),
        kind=category.value,
        base=base,
        factors=factors,
        rule=rule,
        confidence=min(CONFIDENCE, *(field.confidence for field in used)),
        circumstances=circumstances,
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
    return tuple(re.findall(r"[^\W_]+", re.sub(r"[.']", "", bare(name))))


def _brand_factor(listing: Listing) -> Factor:
    brand = listing["brand"]
    name = str(brand.value or "").strip() if brand.usable else ""
    tier = brand_tier(name) if name else "none" if brand.usable else "unknown"
    return Factor("tiers", tier, Decimal(table()["tiers"][tier]), name)


def _condition_factor(listing: Listing) -> Factor:
    condition = listing.value("condition") if listing["condition"].usable else None
    known = condition if condition in table()["conditions"] else None
    return Factor("conditions", known, condition_times(known))


def condition_times(condition: str | None) -> Decimal:
    """How a condition changes a price, by the table; an unknown one too."""
    return Decimal(table()["conditions"].get(condition, table()["condition_unknown"]))


def _season_factor(kind: str, month: int | None) -> tuple[Factor, ...]:
    """In the months a kind is looked for, and in the opposite ones (northern half of the earth)."""
    for season in table()["seasons"].values():
        if month is None or kind not in season["kinds"]:
            continue
        choice = "in" if month in season["months"] else "off" if (month + 5) % 12 + 1 in season["months"] else None
        return (Factor("seasons", choice, Decimal(table()["season"][choice])),) if choice else ()
    return ()


def _audience_factor(listing: Listing) -> tuple[Factor, ...]:
    audience = listing.value("audience") if listing["audience"].usable else None
    times = Decimal(table()["audiences"].get(audience, 1))
    return () if times == 1 else (Factor("audiences", audience, times),)


def _middle(base: Decimal, factors: tuple[Factor, ...]) -> Decimal:
    for factor in factors:
        base *= factor.times
    return base


def _blended(middle: Decimal, own: Comparison | None) -> Decimal:
    return middle if own is None else middle * (1 - own.weight) + own.median * own.weight


def _round(price: Decimal, rule: PriceRule, cost: Decimal | None) -> Decimal:
    """To the rule's step, then up to its floors; the marketplace's own lowest price is one."""
    floors = [rule.floor] if cost is None else [rule.floor, _cost_floor(cost, rule)]
    return min(max(_stepped(price, rule, ROUND_HALF_UP), *floors), PRICE_RANGE[1])


def _cost_floor(cost: Decimal, rule: PriceRule) -> Decimal:
    """What the item cost and the margin on it, up to the next price the rule allows."""
    return _stepped(cost * (1 + rule.margin / 100), rule, ROUND_CEILING)


def _stepped(price: Decimal, rule: PriceRule, rounding: str) -> Decimal:
    step, offset = _STEPS[rule.rounding]
    return ((price - offset) / step).quantize(Decimal(1), rounding) * step + offset


def _reason(factor: Factor, language: str) -> str:
    texts = sentences(language)["price"]
    if factor.group == "tiers":
        reason = texts["tiers"][factor.choice].format(brand=factor.name)
    elif factor.choice is None:
        reason = texts["condition_unknown"]
    elif factor.group == "conditions":
        reason = texts["condition"].format(name=catalog.conditions()[factor.choice].name(language).lower())
    else:
        reason = texts[factor.group][factor.choice]
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
