"""What reading one item will cost, before it is read: the prompt, four photos as they are sent, a usual answer.

Owns that estimate. Owns no price (`tariff.py`), no picture's size (`pictures.py`) and no count of what it did cost.
"""

from backend.vision.pictures import COVER_SIDE, OTHER_SIDE
from backend.vision.prompting import Question
from backend.vision.tariff import Tariff

ANSWER = 300
"""Tokens a reading takes."""
_PHOTOS = [(COVER_SIDE, COVER_SIDE * 3 // 4), *[(OTHER_SIDE, OTHER_SIDE * 3 // 4)] * 3]


def usual_item(tariff: Tariff) -> int | None:
    """In micro-dollars; None where no price is known."""
    return tariff.cost(tariff.most_tokens(Question((), (), "fr").text, _PHOTOS, ANSWER))
