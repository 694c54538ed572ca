"""The sandbox marketplace's words, in the country's language where there are any, else in English.

Owns `pages/labels.json`'s reading only."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from backend.sandbox import names

Labels = Mapping[str, str]


@cache
def labels(language: str) -> Labels:
    words = json.loads(files("backend.sandbox").joinpath("pages/labels.json").read_text(encoding="utf-8"))
    return {**{key: texts.get(language, texts["en"]) for key, texts in words.items()}, **names.labels(language)}
