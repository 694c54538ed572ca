"""From a heap to strips: photos in the order they were taken, with the pauses between them where a clock tells.

Owns which order to believe (the clock or the camera's counter), clocks that jump, several cameras with a clock each,
and moments written into names. Does not own where an item begins (`chain.py`) nor folders (`sort.py`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from backend.core.grouping.names import Name, NameKey, natural_key, read_name
from backend.core.reading import PhotoInput

BURST = 0.5
"""Seconds. Nobody lays out or turns a garment in less: a clock most of whose pauses are shorter tells nothing."""
COUNTER_GAP = 50
"""Two runs of numbers further apart than this may be two cameras'."""
ALTERNATIONS = 3
"""How often two cameras' photos must take turns by the clock to be two people at work, or two clocks that disagree."""

Times = Mapping[str, datetime]


@dataclass(frozen=True)
class Strip:
    """Photos in the order taken. `pauses` are the seconds before each but the first, None where no clock tells."""

    photos: tuple[PhotoInput, ...]
    pauses: tuple[float | None, ...]


def name_key(photo: PhotoInput) -> tuple[NameKey, str]:
    return natural_key(photo.name or photo.id), photo.id


def arrange(photos: Sequence[PhotoInput]) -> tuple[list[Strip], list[PhotoInput]]:
    """The strips of one folder, and the photos no clock places among those it does.

    Without a clock that tells anything, all photos are one strip in the order of their names."""
    names = {photo.id: read_name(photo.name) for photo in photos}
    times = _moments(photos, names)
    timed = sorted((p for p in photos if p.id in times), key=lambda p: (times[p.id], name_key(p)))
    if not timed or _tells_nothing([times[p.id] for p in timed]):
        ordered = tuple(sorted(photos, key=name_key))
        return [Strip(ordered, (None,) * (len(ordered) - 1))] if ordered else [], []
    strips = [_strip(_in_order(one, names, times), times) for one in _by_camera(timed, names)]
    return strips, sorted((p for p in photos if p.id not in times), key=name_key)


def _moments(photos: Sequence[PhotoInput], names: Mapping[str, Name]) -> Times:
    """What the clock says; where it says nothing at all, what the camera wrote into the names."""
    clock = {p.id: p.captured_at for p in photos if p.captured_at is not None}
    return clock or {photo: taken for photo, name in names.items() if (taken := name.taken) is not None}


def _tells_nothing(times: Sequence[datetime]) -> bool:
    """Whether these sorted times were written by a program that copied or scanned the photos, not by a camera."""
    bursts = sum((b - a).total_seconds() < BURST for a, b in pairwise(times))
    return len(times) > 3 and bursts > 0.5 * (len(times) - 1)


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
    jumped = adjoining and 0 < len(falls) <= max(1, len(photos) // 20) and len(falls) <= out_of_count
    return counted if jumped else photos
