"""The sandbox marketplace's words, in the country's language. Owns `pages/labels.json`'s reading only."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

Labels = Mapping[str, str]


@cache
def labels(language: str) -> Labels:
    words = json.loads(files("backend.sandbox").joinpath("pages/labels.json").read_text(encoding="utf-8"))
    return {key: texts[language] for key, texts in words.items()}
