"""Text that every database, file and page can hold: no NUL, no half of a surrogate pair, and nothing too deep.

Owns that rule alone. What may stand in a listing is `plain_words.py`'s.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from backend.core.errors import BadRequest

_DEEPEST = 100


def check_storable(value: Any) -> None:
    """Looks at every string in JSON-like data, keys included. Raises BadRequest (`unusable_text`)."""
    for text in _strings(value):
        if "\0" in text or not _encodes(text):
            raise BadRequest(
                "The request holds a character that no text has (NUL, or half of a surrogate pair). Take it out.",
                code="unusable_text",
            )


def _strings(value: Any) -> Iterator[str]:
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, str):
            yield one
        elif depth > _DEEPEST:
            raise BadRequest(f"The request is nested more than {_DEEPEST} deep.", code="unusable_text")
        elif isinstance(one, Mapping):
            waiting += [(part, depth + 1) for pair in one.items() for part in pair]
        elif isinstance(one, list | tuple):
            waiting += [(part, depth + 1) for part in one]


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
