"""Words that are the same however they are typed: without case, accents, ligatures. Owns that rule; owns no search."""

import unicodedata

_SPELT_OUT = str.maketrans({"ø": "o", "œ": "oe", "æ": "ae", "ł": "l", "đ": "d", "ı": "i", "’": "'"})


def bare(text: str) -> str:
    """ "Tape à l’Œil" and "TAPE A L'OEIL" are "tape a l'oeil"."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_SPELT_OUT))
    return "".join(c for c in plain if not unicodedata.combining(c))


def fold(text: str) -> str:
    """Bare, and with single blanks."""
    return " ".join(bare(text).split())
