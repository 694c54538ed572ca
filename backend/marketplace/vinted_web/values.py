"""How values are written on the form and read from it, and when two of them are the same. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal

from backend.marketplace.port import Difference


def price_text(price: Decimal, language: str) -> str:
    """As the site's language writes it: a decimal comma everywhere but in English."""
    text = f"{price:.2f}"
    return text if language == "en" else text.replace(".", ",")


def parse_price(text: str) -> Decimal | None:
    """The amount in a price as shown ("1 234,50 €", "£15.00"), or None."""
    amount = re.fullmatch(r"([\d.,]*?\d)(?:[.,](\d{1,2}))?", re.sub(r"[^\d.,]", "", text).strip(".,"))
    return amount and Decimal(f"{re.sub(r'[.,]', '', amount[1])}.{amount[2] or 0}")


def in_euros(shown: str) -> bool:
    """Whether a price as shown names no other currency: 16 € must not be taken for 16 zł."""
    return not re.sub(r"[\d\s.,\u00a0\u202f]|€|EUR", "", shown)


def split_names(shown: str) -> set[str]:
    """The names in a field that shows several: "Noir, Bleu"."""
    return {part.strip() for part in re.split(r"[,;]", shown) if part.strip()}


def same(field: str, sent: str, found: str) -> bool:
    """Whether a field reads back as it was sent, differences of mere form aside."""
    if field == "price":
        return parse_price(found) == parse_price(sent) and in_euros(found)
    if field in ("colours", "materials"):
        return {n.casefold() for n in split_names(found)} == {n.casefold() for n in split_names(sent)}
    if field in ("title", "description"):
        return found.replace("\r\n", "\n").strip() == sent.replace("\r\n", "\n").strip()
    return re.split(r"[>›]", found)[-1].strip().casefold() == sent.strip().casefold()


def differences(sent: Mapping[str, str], found: Mapping[str, str]) -> tuple[Difference, ...]:
    """The fields that read back otherwise than sent; one that could not be read counts as empty."""
    return tuple(
        Difference(field, value, found.get(field, ""))
        for field, value in sent.items()
        if not same(field, value, found.get(field, ""))
    )
