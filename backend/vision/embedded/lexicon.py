"""The words the reader knows: brands, fibres and what else is printed on labels, and how words are compared.

Owns the three word lists beside it and their normal form. Owns no rule about where a word counts
(`brands.py`, `sizes.py`, `fibres.py`). The lists were written for this project from general knowledge.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rapidfuzz.distance import Levenshtein

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ß": "ss", "ł": "l", "đ": "d", "ı": "i", "’": "'"})
_TOKEN = re.compile(r"[a-z0-9]+|&|%")

Words = tuple[str, ...]


@dataclass(frozen=True)
class Brand:
    """`everyday`: the name is also a common word, or too short to count inside other text."""

    name: str
    everyday: bool


@dataclass(frozen=True)
class Match:
    """A run of words found in a list: `start` and `stop` count tokens, `exact` is False one or two letters off."""

    words: Words
    start: int
    stop: int
    exact: bool


def fold(text: str) -> str:
    """Lower case without accents and ligatures: `Tape à l'Œil` and `TAPE A L'OEIL` are the same."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LIGATURES))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def tokens(text: str) -> list[str]:
    """Words, numbers, `&` and `%`, folded; an apostrophe joins (`levi's` is `levis`)."""
    return _TOKEN.findall(fold(text).replace("'", ""))


def _read(name: str) -> str:
    return files("backend.vision.embedded").joinpath(name).read_text(encoding="utf-8")


def _entries(name: str) -> list[str]:
    return [line for line in _read(name).splitlines() if line and not line.startswith("#")]


@cache
def brands() -> Mapping[Words, Brand]:
    """Every spelling of every brand. Names of up to three letters count as everyday words."""
    found: dict[Words, Brand] = {}
    for entry in _entries("brands.txt"):
        spellings = [s.strip() for s in entry.lstrip("?").split("|")]
        for spelling in spellings:
            words = tuple(tokens(spelling))
            everyday = (entry.startswith("?") and len(words) == 1) or len("".join(words)) <= 3
            found.setdefault(words, Brand(spellings[0], everyday))
    return found


@cache
def fibres() -> Mapping[Words, str]:
    """Fibre names in eight and more languages to the catalog's material; "" where the catalog has none."""
    listed: dict[str, list[str]] = json.loads(_read("fibres.json"))
    return {tuple(tokens(word)): slug for slug, words in listed.items() for word in words}


@cache
def label_words() -> frozenset[str]:
    """Care, origin and the like, fibres included: proof of a label, and never a misread brand."""
    listed = {word for entry in _entries("label_words.txt") for word in entry.split()}
    return frozenset(listed | {word for words in fibres() for word in words if len(word) > 2})


def near(read: str, listed: str) -> bool:
    """Whether a long word was meant though a letter was misread: one in six letters, two from twelve on."""
    if min(len(read), len(listed)) < 6 or read[0] != listed[0]:
        return False
    allowed = 2 if len(listed) >= 12 else 1
    return Levenshtein.distance(read, listed, score_cutoff=allowed) <= allowed
