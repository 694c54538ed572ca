"""The sentences the software says to its reader, in French and English: `fr.json`, `en.json`.

Owns their wording. Owns no rule, no number, no name of the marketplace's options (`catalog.py`) and no word of a
listing, which may be in more languages (`wording`). Whoever reads any other language reads English.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("fr", "en")


def offered(language: str) -> str:
    """The language to be read where this one is asked for."""
    return language if language in LANGUAGES else "en"


def sentences(language: str) -> dict[str, Any]:
    return _read(offered(language))


@cache
def _read(language: str) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(files(__name__).joinpath(f"{language}.json").read_text(encoding="utf-8"))
    return text
