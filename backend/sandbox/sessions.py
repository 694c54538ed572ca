"""Shooting sessions as they reach us: with times or without, from two phones, with a clock that jumps, by messenger.

Owns the names and capture times under which given photos arrive, which item each shows, and how well a sorting agrees
with that. Owns no picture. For the tests and the benchmark; everything follows from the seed.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import comb
from pathlib import Path

import numpy as np

from backend.core.grouping import Grouping
from backend.core.reading import PhotoInput

TEN = datetime(2026, 5, 2, 10)
WITHIN, BETWEEN = (4.0, 14.0), (50.0, 90.0)
"""Seconds between two photos of one item, and between two items."""

Items = Sequence[Sequence[str]]
Rng = np.random.Generator


@dataclass(frozen=True)
class Session:
    """The photos as they arrive, and the number of the item each shows, by id."""

    photos: tuple[PhotoInput, ...]
    truth: Mapping[str, int]


@dataclass(frozen=True)
class Score:
    """`ari` is the adjusted Rand index; neighbours in the order taken that are wrongly together, of so many of two
    items, and wrongly apart, of so many of one."""

    ari: float
    merged: int
    borders: int
    split: int
    inner: int


def timed(items: Items, rng: Rng) -> Session:
    """One phone whose clock runs."""
    return _session(items, _moments(items, rng))


def hasty(items: Items, rng: Rng) -> Session:
    """One phone, in the hands of someone whose longer pauses within an item outlast the shorter ones between items."""
    return _session(items, _moments(items, rng, (3.0, 25.0), (20.0, 120.0)))


def order_only(items: Items, rng: Rng) -> Session:
    """Numbered names, no times."""
    del rng
    return _session(items, None)


def backwards(items: Items, rng: Rng) -> Session:
    """Numbered names, no times, the last photo first."""
    del rng
    count = sum(map(len, items))
    return _session(items, None, lambda n: f"IMG_{2041 + count - n}.jpg")


def through_a_messenger(items: Items, rng: Rng) -> Session:
    """Saved again without metadata, named by the day and their place."""
    del rng
    return _session(items, None, lambda n: f"IMG-20260502-WA{n:04d}.jpg")


def shuffled(items: Items, rng: Rng) -> Session:
    """Numbered names, no times, in an order that mixes the items."""
    ids = [photo for item in items for photo in item]
    drawn = [ids[int(at)] for at in rng.permutation(len(ids))]
    photos = tuple(PhotoInput(photo, Path("unread"), f"IMG_{2041 + n}.jpg") for n, photo in enumerate(drawn))
    item_of = {photo: number for number, item in enumerate(items) for photo in item}
    return Session(photos, {photo: item_of[photo] for photo in drawn})


def stamped_names(items: Items, rng: Rng) -> Session:
    """Without metadata, but with the moment in the name, as phones write it."""
    moments = _moments(items, rng)
    return _session(items, None, lambda n: f"PXL_{moments[n]:%Y%m%d_%H%M%S}{moments[n].microsecond // 1000:03d}.jpg")


def jumping_clock(items: Items, rng: Rng) -> Session:
    """The clock is set back by minutes, set on by an hour, and set back by days, each time anywhere."""
    moments = _moments(items, rng)
    for by in (timedelta(minutes=-6), timedelta(hours=1), timedelta(days=-3)):
        at = int(rng.integers(1, len(moments)))
        moments = [*moments[:at], *(moment + by for moment in moments[at:])]
    return _session(items, moments)


def two_phones(items: Items, rng: Rng) -> Session:
    """Two people at work at once, each with a phone whose clock and numbers are its own."""
    first, second = items[::2], items[1::2]
    one = _session(first, _moments(first, rng))
    late = timedelta(seconds=float(rng.uniform(-20, 20)))
    moments = [moment + late for moment in _moments(second, rng)]
    two = _session(second, moments, lambda n: f"IMG_{7310 + n}.jpg", first_item=len(first))
    return Session((*one.photos, *two.photos), {**one.truth, **two.truth})


SESSIONS: dict[str, Callable[[Items, Rng], Session]] = {
    "times": timed,
    "times, hasty": hasty,
    "order only": order_only,
    "order only, backwards": backwards,
    "messenger's names": through_a_messenger,
    "moments in names": stamped_names,
    "clock jumps three times": jumping_clock,
    "two phones at once": two_phones,
}


def score(session: Session, grouping: Grouping) -> Score:
    """A photo left unsorted is an item of its own."""
    place: dict[str, Hashable] = {photo: photo for photo in grouping.unsorted}
    place |= {photo: at for at, group in enumerate(grouping.items) for photo in group.photos}
    truth, found = ([of[photo] for photo in session.truth] for of in (session.truth, place))
    pairs = list(zip(pairwise(truth), pairwise(found), strict=True))
    apart = [(a == b) for (s, t), (a, b) in pairs if s != t]
    together = [(a != b) for (s, t), (a, b) in pairs if s == t]
    return Score(adjusted_rand(truth, found), sum(apart), len(apart), sum(together), len(together))


def adjusted_rand(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """Agreement of two sortings, by pairs: 1 is perfect, 0 is chance."""
    both, true, seen = (
        sum(comb(n, 2) for n in Counter(labels).values()) for labels in (zip(truth, found, strict=True), truth, found)
    )
    expected = true * seen / comb(len(truth), 2)
    most = (true + seen) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def _moments(
    items: Items, rng: Rng, within: tuple[float, float] = WITHIN, between: tuple[float, float] = BETWEEN
) -> list[datetime]:
    now, moments = TEN, []
    for item in items:
        for shot in range(len(item)):
            now += timedelta(seconds=float(rng.uniform(*(within if shot else between))))
            moments.append(now)
    return moments


def _session(
    items: Items,
    moments: Sequence[datetime] | None,
    name: Callable[[int], str] = lambda n: f"IMG_{2041 + n}.jpg",
    *,
    first_item: int = 0,
) -> Session:
    ids = [photo for item in items for photo in item]
    photos = tuple(
        PhotoInput(photo, Path("unread"), name(n), "", moments[n] if moments else None) for n, photo in enumerate(ids)
    )
    return Session(photos, {photo: first_item + at for at, item in enumerate(items) for photo in item})
