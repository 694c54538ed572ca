"""For whom a thing is and what kind of thing, where its label says so in words.

Owns the words, in eight languages, and when they count: on a label, on a line of few words, not in a brand's own name.
Guesses nothing from a picture. Does not own what a label is (`photo_facts.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.core import catalog
from backend.vision.embedded import lexicon
from backend.vision.embedded.text_line import TextLine

_AUDIENCES: Mapping[str, str] = {
    "women": "women womens woman womans wmns ladies lady femme femmes damen donna mujer senora dames damskie damska"
    " mulher senhora",
    "men": "men mens man homme hommes herren uomo hombre caballero heren meskie meska homem senhor",
    "girls": "girl girls fille filles fillette maedchen madchen bambina ragazza nina ninas meisje meisjes dziewczynka"
    " menina",
    "boys": "boy boys garcon garcons jungen bambino ragazzo nino ninos jongen jongens chlopiec menino",
}
_KINDS: Mapping[str, str] = {
    "jeans": "jeans jean",
    "boots": "boots boot bottes bottines stiefel stiefeletten stivali botas laarzen kozaki",
    "trainers": "sneakers sneaker trainers baskets zapatillas",
    "sandals": "sandals sandales sandalen sandali sandalias sandaly",
    "jumper": "jumper pullover sweater maglione trui sweter",
    "coat": "coat manteau mantel cappotto abrigo plaszcz casaco",
    "jacket": "jacket blouson jacke giacca chaqueta kurtka",
}
_MOST_WORDS = 5
"""On a longer line a word is part of a sentence."""
_SURE = 0.88


@dataclass(frozen=True)
class PrintedWord:
    """What a label says in so many words: an audience or a kind of the catalog."""

    value: str
    confidence: float
    line: TextLine


def find_audience(lines: Sequence[TextLine]) -> PrintedWord | None:
    """For whom the label says it is; None where it says nothing or two things."""
    return _only(_said(lines, _AUDIENCES))


def find_kind(lines: Sequence[TextLine], seen: str) -> PrintedWord | None:
    """The finer kind the label names, where it is one of the kind `seen`."""
    kinds = catalog.kinds()
    return _only([word for word in _said(lines, _KINDS) if kinds[word.value].parent == seen])


def _said(lines: Sequence[TextLine], listed: Mapping[str, str]) -> list[PrintedWord]:
    values = {word: value for value, words in listed.items() for word in words.split()}
    found = []
    rows = [lexicon.tokens(line.text) for line in lines]
    for i, (line, words) in enumerate(zip(lines, rows, strict=True)):
        if len(words) > _MOST_WORDS or "%" in words:
            continue
        named = _brand_words(words) | _brand_words([*words, *(rows[i + 1] if i + 1 < len(rows) else ())])
        said = [word for word in words if word in values and word not in named]
        found += [PrintedWord(values[word], _SURE * line.score, line) for word in said]
    return found


def _brand_words(words: Sequence[str]) -> set[str]:
    """The words of a brand's own name that these are: `BOY LONDON` is for no boys, `ZARA MAN` is for men."""
    brand = lexicon.brands().get(tuple(words))
    return set(lexicon.tokens(brand.name)) if brand is not None else set()


def _only(said: Sequence[PrintedWord]) -> PrintedWord | None:
    if len({word.value for word in said}) != 1:
        return None
    return max(said, key=lambda word: word.confidence)
