"""The words the reader knows: brands, fibres and what else is printed on labels, and how words are compared.

Owns the word lists beside it. Owns no spelling (`core/search_words.py`) and no rule about where a word counts
(`brands.py`, `sizes.py`, `fibres.py`). The lists were written for this project from general knowledge.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from rapidfuzz.distance import Levenshtein

from backend.core.search_words import bare

_TOKEN = re.compile(r"[a-z0-9]+|&|%")

Words = tuple[str, ...]

_SHORT = 3
"""Letters up to which a brand's spelling is too short to count inside other text."""


@dataclass(frozen=True)
class Brand:
    """`everyday`: this spelling is also a common word, or too short to count inside other text."""

    name: str
    everyday: bool


@dataclass(frozen=True)
class Match:
    """A run of words found in a list: `start` and `stop` count tokens, `exact` is False one or two letters off."""

    words: Words
    start: int
    stop: int
    exact: bool


def tokens(text: str) -> list[str]:
    """Words, numbers, `&` and `%`, folded; an apostrophe joins (`levi's` is `levis`)."""
    return _TOKEN.findall(bare(text).replace("'", ""))


def _read(name: str) -> str:
    return files("backend.vision.embedded").joinpath(name).read_text(encoding="utf-8")


def _entries(name: str) -> list[str]:
    return [line for line in _read(name).splitlines() if line and not line.startswith("#")]


@cache
def brands() -> Mapping[Words, Brand]:
    """Every spelling of every brand. Spellings of up to three letters count as everyday words."""
    found: dict[Words, Brand] = {}
    for entry in _entries("brands.txt"):
        spellings = [s.strip() for s in entry.split("|")]
        for spelling in spellings:
            words = tuple(tokens(spelling))
            everyday = spelling.startswith("?") or len("".join(words)) <= _SHORT
            for written in _with_and(words):
                found.setdefault(written, Brand(spellings[0].lstrip("?"), everyday))
    return found


def _with_and(words: Words) -> list[Words]:
    """The spelling, and with `and` or `et` for an `&` between words: `Marks and Spencer`, `Zadig et Voltaire`."""
    if "&" not in words or len("".join(words)) <= _SHORT:
        return [words]
    return [words, *(tuple(link if word == "&" else word for word in words) for link in ("and", "et"))]


@cache
def fibres() -> Mapping[Words, str]:
    """Fibre names in eight and more languages to the catalog's material; "" where the catalog has none."""
    listed: dict[str, list[str]] = json.loads(_read("fibres.json"))
    return {tuple(tokens(word)): slug for slug, words in listed.items() for word in words}


@cache
def garment_parts() -> Mapping[Words, Literal["outer", "inner"]]:
    """Names of a garment's parts in eight and more languages: its outside, or anything else of it."""
    listed: dict[Literal["outer", "inner"], list[str]] = json.loads(_read("garment_parts.json"))
    return {tuple(tokens(word)): part for part, words in listed.items() for word in words}


@cache
def countries() -> Mapping[Words, str]:
    """Countries clothes are made in, by their names in eight languages, to their two letters."""
    listed: dict[str, list[str]] = json.loads(_read("countries.json"))
    return {tuple(tokens(name)): code for code, names in listed.items() for name in names}


@cache
def label_words() -> frozenset[str]:
    """Care, origin and the like, fibres included: proof of a label, and never a misread brand."""
    listed = {word for entry in _entries("label_words.txt") for word in entry.split()}
    return frozenset(listed | {word for words in fibres() for word in words if len(word) > 2})


@cache
def care_words() -> frozenset[str]:
    """How to wash and iron, a brand's own name (`only`) left out: numbers beside them are temperatures."""
    care = _read("label_words.txt").partition("# care\n")[2].partition("\n\n")[0]
    return frozenset(care.split()) - {words[0] for words in brands() if len(words) == 1}


def near(read: str, listed: str, *, long: int) -> bool:
    """Whether a word of six letters or more was meant though it was misread: it looks the same (`STRADlVARlUS`), or,
    from `long` letters on, one letter within it differs. A different ending is a different word (Dickie, Dickies)."""
    if min(len(read), len(listed)) < 6:
        return False
    if looks_like(read, listed):
        return True
    if len(listed) < long or read[0] != listed[0] or read[-1] != listed[-1] or listed.startswith(read):
        return False
    return Levenshtein.distance(read, listed, score_cutoff=1) <= 1


def looks_like(read: str, listed: str) -> bool:
    """Whether the two are the same in print but for letters and figures that are mistaken for each other."""
    return _looks(read) == _looks(listed)


_LOOKALIKES = str.maketrans("l1j|0q582v", "iiiioosbzu")
_PAIRS = (("rn", "m"), ("uu", "w"), ("ci", "d"))


@cache
def _looks(word: str) -> str:
    """The word with each letter in place of those it is mistaken for in print."""
    plain = word.translate(_LOOKALIKES)
    for pair, letter in _PAIRS:
        plain = plain.replace(pair, letter)
    return plain
