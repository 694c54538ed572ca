"""Words to be found however they are typed: without case, accents and ligatures. Owns that rule; owns no search."""

import unicodedata

_SPELT_OUT = str.maketrans({"ø": "o", "œ": "oe", "æ": "ae", "ł": "l", "đ": "d", "’": "'"})


def fold(text: str) -> str:
    """ "Sézane, Ours" → "sezane, ours"; blanks become single."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_SPELT_OUT))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
