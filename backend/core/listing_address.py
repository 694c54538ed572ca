"""A listing's number on the marketplace, as a person gives it: the number itself, or an address they pasted.

Owns how it is read. Owns no address of its own (`marketplace/`), and no word on whose listing it is.
"""

import re

from backend.core.errors import BadRequest

_SAID = re.compile(r"(?P<number>\d{1,20})|(?:https?://)?[^\s/]+/(?:\S+/)?items/(?P<pasted>\d{1,20})(?:[-/?#]\S*)?")


def listing_number(said: str) -> str:
    """ "4711" of "4711", of "https://www.vinted.fr/items/4711-robe?referrer=x". Raises BadRequest
    (`invalid_decision`)."""
    found = _SAID.fullmatch(said.strip())
    if found is None:
        raise BadRequest(
            "Give the listing's number or its address, such as https://www.vinted.fr/items/4711.",
            code="invalid_decision",
        )
    return found["number"] or found["pasted"]
