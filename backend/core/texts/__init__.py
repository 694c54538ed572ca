"""The sentences and templates of the core, in French and English: `fr.json`, `en.json`, `*.j2`.

Owns wording and grammar (genders, plurals, the order of words). Owns no rule, no number and no name of
the marketplace's options, which are `catalog.py`'s. Any other language reads English, as the catalog does.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("fr", "en")


def offered(language: str) -> str:
    """The language to write in when this one is asked for."""
    return language if language in LANGUAGES else "en"


def sentences(language: str) -> dict[str, Any]:
    return _read(offered(language))


@cache
def _read(language: str) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(files(__name__).joinpath(f"{language}.json").read_text(encoding="utf-8"))
    return text
