"""Fakes the tests share: real implementations of a port, made simple and predictable."""

from collections.abc import Callable, Sequence

from backend.core.listing import Evidence, Field
from backend.core.reading import ItemReading, PhotoInput


def seen(value: object, photo: str, confidence: float = 0.9) -> Field:
    return Field(value, confidence, evidence=(Evidence("image", photo),))


def t_shirt(photos: Sequence[PhotoInput]) -> ItemReading:
    """A white T-shirt, size M, by Kiabi: everything a ready draft needs beside the seller's statements."""
    first = photos[0].id
    fields = {
        "category": seen("t-shirt", first),
        "brand": seen("Kiabi", first),
        "size": seen("M", first),
        "colours": seen(["white"], first),
    }
    return ItemReading(tuple(p.id for p in photos), fields)


class ScriptedReader:
    """Reads every item by the same rule; `asked` counts the items."""

    name = "scripted"

    def __init__(self, rule: Callable[[Sequence[PhotoInput]], ItemReading] = t_shirt) -> None:
        self.rule = rule
        self.asked = 0

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        self.asked += 1
        return self.rule(photos)

    async def aclose(self) -> None:
        return None
