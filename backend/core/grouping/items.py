"""The shapes of a sorted batch: items, what is left over, what is in doubt, and the reasons in words.

Owns the vocabulary and its sentences' place in `core/texts`. Does not own the sorting (`sort.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from backend.core.texts import sentences

MOST_PHOTOS = 20
"""What a listing holds, and the most a subfolder holds to pass for one item."""

GroupReason = Literal["folder", "separator", "capture_time", "looks", "alone"]
UnsortedReason = Literal["between_items", "folder_too_large", "separator"]
WhyCode = Literal[
    "folder",
    "between_cards",
    "within",
    "one_photo",
    "after_pause",
    "before_pause",
    "alike",
    "labels",
    "judged",
    "alone",
    "no_order",
]


@dataclass(frozen=True)
class Why:
    """One reason for an item to be just these photos, and the numbers it is about."""

    code: WhyCode
    detail: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """One item's photo ids in order. `confidence` is the estimated probability that exactly these belong together,
    `why` says what it rests on, `warnings` are machine codes (too_many_photos, long_pause)."""

    photos: tuple[str, ...]
    confidence: float
    reason: GroupReason
    why: tuple[Why, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Doubt:
    """A place where an item may begin, and how likely: photo ids before it, the nearest last, and from it on."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    chance: float


@dataclass(frozen=True)
class Grouping:
    """`unsorted` photos await a person; `reasons` says why, by photo id. `doubts` come most doubtful first."""

    items: tuple[Group, ...] = ()
    unsorted: tuple[str, ...] = ()
    reasons: Mapping[str, UnsortedReason] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()


def tell(why: Sequence[Why], language: str) -> list[str]:
    """The reasons as sentences in French or English."""
    texts = sentences(language)["grouping"]
    return [str(texts[reason.code]).format(**reason.detail) for reason in why]


def stored(group: Group) -> dict[str, Any]:
    """What a draft keeps of why it is an item, as JSON."""
    return {
        "confidence": group.confidence,
        "reason": group.reason,
        "why": [{"code": reason.code, "detail": dict(reason.detail)} for reason in group.why],
        "warnings": list(group.warnings),
    }


def told(kept: Mapping[str, Any], language: str) -> list[str]:
    """The sentences of what `stored` made; none for what an earlier version kept."""
    return tell([Why(reason["code"], reason["detail"]) for reason in kept.get("why", ())], language)
