"""From a heap to strips: photos in the order they were taken, with the pauses between them where a clock tells.

Owns which order to believe (the clock, the camera's counter, else the one the photos were handed in), clocks that
jump, several cameras with a clock each, and moments written into names. Where nothing tells an order, each photo is a
strip of its own. Does not own where an item begins (`chain.py`) nor folders (`sort.py`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import mean, pstdev

from backend.core.grouping.names import (
    COUNTER_GAP,
    Name,
    NameKey,
    are_words,
    natural_key,
    put_in_order,
    read_name,
)
from backend.core.reading import PhotoInput

BURST = 0.5
"""Seconds. Nobody lays out or turns a garment in less: a clock most of whose pauses are shorter tells nothing."""
EVEN, EVEN_FROM = 0.05, 7
"""Pauses, so many or more, that vary by less than this share of their mean were written by a program."""
JUMPS_AMONG = 10
"""A clock may fall once in so many photos before it is the counter that is not believed."""
ALTERNATIONS = 3
"""How often two cameras' photos must take turns by the clock to be two people at work, or two clocks that disagree."""

Times = Mapping[str, datetime]
Places = Mapping[str, int]


@dataclass(frozen=True)
class Strip:
    """Photos in the order taken. `pauses` are the seconds before each but the first, None where no clock tells."""

    photos: tuple[PhotoInput, ...]
    pauses: tuple[float | None, ...]


@dataclass(frozen=True)
class Arranged:
    """One folder's strips, the photos no clock places among those it does, and every photo's place by its name or as
    handed in, None where neither tells anything."""

    strips: tuple[Strip, ...]
    untimed: tuple[PhotoInput, ...]
    places: Places | None


def name_key(photo: PhotoInput) -> tuple[NameKey, int, str]:
    return natural_key(photo.name or photo.id), photo.position or 0, photo.id


def arrange(photos: Sequence[PhotoInput]) -> Arranged:
    """The photos of one folder in the order taken, as far as anything tells it."""
    names = {photo.id: read_name(photo.name) for photo in photos}
    ordered, told = _in_place(photos)
    place = {photo.id: at for at, photo in enumerate(ordered)}
    places = place if told else None
    times = _moments(photos, names)
    timed = sorted((p for p in photos if p.id in times), key=lambda p: (times[p.id], place[p.id]))
    if not timed or _tells_nothing([times[p.id] for p in timed]):
        return Arranged(without_clock(photos), (), places)
    strips = (_strip(_in_order(one, names, times), times) for one in _by_camera(timed, names))
    return Arranged(tuple(strips), tuple(p for p in ordered if p.id not in times), places)


def without_clock(photos: Sequence[PhotoInput]) -> tuple[Strip, ...]:
    """The photos as one strip where their names or the way they were handed in put them in order, else each alone."""
    ordered, told = _in_place(photos)
    if told:
        return (Strip(tuple(ordered), (None,) * (len(ordered) - 1)),) if ordered else ()
    return tuple(Strip((photo,), ()) for photo in ordered)


def _in_place(photos: Sequence[PhotoInput]) -> tuple[list[PhotoInput], bool]:
    """The photos by their names, or as handed in where the names tell no order; and whether either tells one."""
    by_name = sorted(photos, key=name_key)
    names = [photo.name or photo.id for photo in by_name]
    if put_in_order(names):
        return by_name, True
    if _handed_in_an_order(photos):
        return sorted(photos, key=lambda p: (p.position or 0, p.id)), True
    return by_name, are_words(names)


def _handed_in_an_order(photos: Sequence[PhotoInput]) -> bool:
    """Whether the photos' positions tell more than that somebody listed the names by the alphabet."""
    if any(photo.position is None for photo in photos):
        return False
    names = [photo.name or photo.id for photo in sorted(photos, key=lambda p: (p.position or 0, p.id))]
    folded = [name.casefold() for name in names]
    listed = sorted(names, key=natural_key) == names or sorted(names) == names or sorted(folded) == folded
    return not listed or len(set(names)) <= len(names) / 2


def _moments(photos: Sequence[PhotoInput], names: Mapping[str, Name]) -> Times:
    """What the clock says; where it says nothing at all, what the camera wrote into the names."""
    clock = {p.id: p.captured_at for p in photos if p.captured_at is not None}
    return clock or {photo: taken for photo, name in names.items() if (taken := name.taken) is not None}


def _tells_nothing(times: Sequence[datetime]) -> bool:
    """Whether these sorted times were written by a program that copied or scanned the photos, not by a camera."""
    pauses = [(b - a).total_seconds() for a, b in pairwise(times)]
    bursts = sum(pause < BURST for pause in pauses)
    even = len(pauses) >= EVEN_FROM and pstdev(pauses) < EVEN * mean(pauses)
    return even or (len(times) > 3 and bursts > 0.5 * len(pauses))


def _strip(photos: Sequence[PhotoInput], times: Times) -> Strip:
    seconds = [(times[b.id] - times[a.id]).total_seconds() for a, b in pairwise(photos)]
    return Strip(tuple(photos), tuple(pause if pause >= 0 else None for pause in seconds))


def _by_camera(timed: Sequence[PhotoInput], names: Mapping[str, Name]) -> list[list[PhotoInput]]:
    """The photos of each camera, where several took turns; else all of them together."""
    whose = _cameras(timed, names)
    turns = sum(whose[a.id] != whose[b.id] for a, b in pairwise(timed))
    if turns < ALTERNATIONS:
        return [list(timed)]
    apart: dict[tuple[str, int], list[PhotoInput]] = defaultdict(list)
    for photo in timed:
        apart[whose[photo.id]].append(photo)
    return list(apart.values())


def _cameras(timed: Sequence[PhotoInput], names: Mapping[str, Name]) -> dict[str, tuple[str, int]]:
    """Which camera took each photo: by the style of its names and, within a style, the run of numbers."""
    whose: dict[str, tuple[str, int]] = {}
    run, last = 0, Name()
    for photo in sorted(timed, key=lambda p: (names[p.id].camera, names[p.id].number or 0)):
        name = names[photo.id]
        if name.camera != last.camera:
            run = 0
        elif name.number is not None and last.number is not None and name.number - last.number > COUNTER_GAP:
            run += 1
        whose[photo.id] = (name.camera, run)
        last = name
    return whose


def _in_order(photos: list[PhotoInput], names: Mapping[str, Name], times: Times) -> list[PhotoInput]:
    """By the clock, unless the camera's counter shows that the clock jumped.

    A counter that begins again after its last number also falls once: only where the photos on both sides of the
    clock's fall are neighbours by number did the clock fall."""
    numbers = [number for photo in photos if (number := names[photo.id].number) is not None]
    if len(numbers) < len(photos) or len({names[photo.id].camera for photo in photos}) > 1:
        return photos
    counted = sorted(photos, key=lambda p: (names[p.id].number, name_key(p)))
    falls = [(a, b) for a, b in pairwise(counted) if times[b.id] < times[a.id]]
    out_of_count = sum(b < a for a, b in pairwise(numbers))
    adjoining = all((names[b.id].number or 0) - (names[a.id].number or 0) <= 3 for a, b in falls)
    jumped = adjoining and 0 < len(falls) <= max(1, len(photos) // JUMPS_AMONG) and len(falls) <= out_of_count
    return counted if jumped else photos
