"""Sorts a whole batch of photos into items, by the seller's folders and cards, capture time, order and looks.

`names` read what file names tell; `arrange` puts photos in order; `likeness`, `rhythm` and `evidence` weigh what speaks
for an item's going on; `chain` sums over all cuts; `sort` decides; `items` are the shapes and reasons.
"""

from backend.core.grouping.items import MOST_PHOTOS, Doubt, Group, Grouping, UnsortedReason, Why, stored, tell, told
from backend.core.grouping.names import natural_key
from backend.core.grouping.sort import SPLIT_FROM, group_photos

__all__ = [
    "MOST_PHOTOS",
    "SPLIT_FROM",
    "Doubt",
    "Group",
    "Grouping",
    "UnsortedReason",
    "Why",
    "group_photos",
    "natural_key",
    "stored",
    "tell",
    "told",
]
