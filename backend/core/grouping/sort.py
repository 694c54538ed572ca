"""A whole batch of photos into items: folders and cards first, as the seller's word; the rest by all evidence at once.

Owns the decision which photos belong together, and how sure that is. Reads no picture: what photos show comes in
as sights, what someone said of a doubtful place as `judged`. Owns no order (`arrange.py`) and no weighing
(`evidence.py`).

Objective: every photo ends in exactly one group or in `unsorted`. A wrong merge (two garments in one listing) costs
about six times a wrong split (two drafts to join). A cut costs only itself, so the cheapest cutting is to begin an
item wherever that is at least 15 % likely given the whole strip.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, prod
from statistics import median

import numpy as np

from backend.core.grouping.arrange import Places, Strip, arrange, name_key, without_clock
from backend.core.grouping.evidence import Weighed, rhythm_of, weigh
from backend.core.grouping.items import MOST_PHOTOS, Doubt, Group, Grouping, GroupReason, UnsortedReason, Why
from backend.core.grouping.names import natural_key, read_name
from backend.core.grouping.rhythm import ALWAYS_SPLIT
from backend.core.reading import PhotoInput, Sight

SPLIT_FROM = 0.15
ITEM_USUAL = 8
"""Folders, and what lies between cards, hold one item each where they hold no more than so many photos as a rule."""
DOUBTFUL = (0.02, 0.75)
"""Chances of a new item between which it is worth asking someone."""
MOST_BY_PAUSES = 0.75
"""How sure an item may be that rests on pauses alone. Of simulated sessions' items stated surer, three in four were
exact, however much surer (docs/sorting.md): a pause that is odd does not show."""
ALONE_UNORDERED = 0.3
"""How sure it is that a photo which nothing puts in order among the others is an item of its own."""
SHOWN = 3
"""Photos on each side of a doubtful place that show what it is about."""

Sights = Mapping[str, Sight]


@dataclass(frozen=True)
class _Heap:
    """The photos of one folder that await sorting: strips, cut at the seller's cards, and photos without a place.
    `carded` says that the cards alone decide; `places` are the photos' by name or as handed in, where that tells."""

    folder: str
    strips: tuple[Strip, ...]
    untimed: tuple[PhotoInput, ...]
    places: Places | None
    cards: tuple[str, ...] = ()
    carded: bool = False

    @property
    def unordered(self) -> bool:
        """Whether neither a clock nor a place says anything of these photos."""
        return len(self.strips) > 1 and self.places is None and all(len(strip.photos) == 1 for strip in self.strips)


def group_photos(
    photos: Sequence[PhotoInput], *, sights: Sights | None = None, judged: Mapping[str, float] | None = None
) -> Grouping:
    """Sorts the photos of a whole batch; ids must be unique. Items come in shooting order, folder by folder.

    `judged` is how likely the photo of this id shows the item of the one before it (see `Grouping.doubts`)."""
    seen, said = sights or {}, judged or {}
    folders: dict[str, list[PhotoInput]] = defaultdict(list)
    for photo in sorted(photos, key=lambda p: (natural_key(p.folder), name_key(p))):
        folders[photo.folder].append(photo)
    of_one_item = _item_folders(folders, seen)
    heaps = {name: _heap(name, found, seen) for name, found in folders.items() if name not in of_one_item}
    strips = [strip for heap in heaps.values() for strip in heap.strips]
    weighed = dict(zip(strips, weigh(strips, seen, said, rhythm_of(strips)), strict=True))
    parts = [
        _one_item(name, found, seen) if name in of_one_item else _sort_heap(heaps[name], weighed, seen, said)
        for name, found in folders.items()
    ]
    return _joined(parts)


def _joined(parts: Sequence[Grouping]) -> Grouping:
    doubts = sorted((d for part in parts for d in part.doubts), key=lambda d: abs(d.chance - SPLIT_FROM))
    return Grouping(
        items=tuple(group for part in parts for group in part.items),
        unsorted=tuple(photo for part in parts for photo in part.unsorted),
        reasons={photo: reason for part in parts for photo, reason in part.reasons.items()},
        doubts=tuple(doubts),
    )


def _item_folders(folders: Mapping[str, Sequence[PhotoInput]], sights: Sights) -> set[str]:
    """The subfolders in which the seller sorted one item each.

    A subfolder no larger than a listing counts when nothing else orders its photos, or when the batch has several
    subfolders of an item's usual size; a lone subfolder with times, or with cards in it, may be a whole session."""
    sizes = [len(found) for name, found in folders.items() if name]
    sorted_by_seller = len(sizes) > 1 and median(sizes) <= ITEM_USUAL
    return {
        name
        for name, found in folders.items()
        if name
        and len(found) <= MOST_PHOTOS
        and not any(_is_card(photo, sights) for photo in found)
        and (sorted_by_seller or len(found) == 1 or all(photo.captured_at is None for photo in found))
    }


def _is_card(photo: PhotoInput, sights: Sights) -> bool:
    sight = sights.get(photo.id)
    return sight is not None and sight.shows == "separator"


def _one_item(name: str, photos: Sequence[PhotoInput], sights: Sights) -> Grouping:
    found = arrange(photos)
    ordered = [*(photo for strip in found.strips for photo in strip.photos), *found.untimed]
    long_pause = any((pause or 0.0) > ALWAYS_SPLIT for strip in found.strips for pause in strip.pauses)
    ids = tuple(photo.id for photo in ordered)
    why = (Why("folder", {"folder": name}),)
    return Grouping((Group(ids, 0.8 if long_pause else 0.95, "folder", why, _warnings(ids, long_pause)),))


def _heap(name: str, photos: Sequence[PhotoInput], sights: Sights) -> _Heap:
    """Cards cut the strips. Where they leave no more than an item between them, they alone decide."""
    found = arrange(photos)
    cards = tuple(photo.id for photo in photos if _is_card(photo, sights))
    apart, placeable = _unplaced(found.untimed, found.strips)
    pieces = [piece for strip in (*found.strips, *apart) for piece in _between_cards(strip, sights)]
    sizes = [len(piece.photos) for piece in pieces]
    usual = bool(sizes) and median(sizes) <= ITEM_USUAL and max(sizes) <= MOST_PHOTOS
    carded = len(cards) > 1 and len(found.strips) + len(apart) == 1 and usual
    untimed = tuple(p for p in placeable if p.id not in cards)
    return _Heap(name, tuple(pieces), untimed, found.places, cards, carded)


def _unplaced(untimed: Sequence[PhotoInput], strips: Sequence[Strip]) -> tuple[tuple[Strip, ...], list[PhotoInput]]:
    """Of photos without a time: strips of those whose names have nothing in common with the timed ones' (another
    phone's, a messenger's), and the others."""
    known = {read_name(photo.name).camera for strip in strips for photo in strip.photos}
    camera = {photo.id: read_name(photo.name).camera for photo in untimed}
    apart = tuple(photo for photo in untimed if camera[photo.id] not in known)
    return without_clock(apart), [photo for photo in untimed if camera[photo.id] in known]


def _between_cards(strip: Strip, sights: Sights) -> list[Strip]:
    cards = [at for at, photo in enumerate(strip.photos) if _is_card(photo, sights)]
    bounds = pairwise([-1, *cards, len(strip.photos)])
    return [
        Strip(strip.photos[card + 1 : end], strip.pauses[card + 1 : end - 1]) for card, end in bounds if end > card + 1
    ]


def _sort_heap(heap: _Heap, weighed: Mapping[Strip, Weighed], sights: Sights, judged: Mapping[str, float]) -> Grouping:
    cards: dict[str, UnsortedReason] = dict.fromkeys(heap.cards, "separator")
    ids = [photo.id for strip in heap.strips for photo in strip.photos]
    blind = not any(i in sights for i in ids) and all(p is None for strip in heap.strips for p in strip.pauses)
    if blind and heap.folder and len(ids) > MOST_PHOTOS:
        ids += [photo.id for photo in heap.untimed]
        return Grouping(unsorted=tuple(ids), reasons=dict.fromkeys(ids, "folder_too_large"))
    if heap.carded:
        sorted_ = Grouping(tuple(_between(strip) for strip in heap.strips))
    else:
        sorted_ = _joined([_cut(strip, weighed[strip], sights, judged) for strip in heap.strips])
    items, left = _slip_in(sorted_.items, heap)
    if heap.unordered:
        items = [replace(item, confidence=ALONE_UNORDERED) for item in items]
    reasons: dict[str, UnsortedReason] = dict.fromkeys(left, "between_items")
    return Grouping(tuple(items), (*left, *cards), reasons | cards, sorted_.doubts)


def _between(strip: Strip) -> Group:
    ids = tuple(photo.id for photo in strip.photos)
    return Group(ids, 0.9, "separator", (Why("between_cards"),), _warnings(ids))


def _cut(strip: Strip, weighed: Weighed, sights: Sights, judged: Mapping[str, float]) -> Grouping:
    """The strip's items, and where that is in doubt."""
    if not weighed.ordered:
        alone = (Group((photo.id,), ALONE_UNORDERED, "alone", (Why("no_order"),)) for photo in strip.photos)
        return Grouping(tuple(alone))
    begins = weighed.begins
    cuts = [0, *(int(at) + 1 for at in np.flatnonzero(begins >= SPLIT_FROM)), len(strip.photos)]
    ids = [photo.id for photo in strip.photos]
    runs = [run for start, end in pairwise(cuts) for run in _of_one_garment(range(start, end), strip, weighed)]
    groups = [_group(strip, run, weighed, sights, judged) for run in runs]
    doubts = [
        Doubt(tuple(ids[max(0, at - SHOWN) : at]), tuple(ids[at : at + SHOWN]), float(chance))
        for at, chance in enumerate(begins, 1)
        if DOUBTFUL[0] <= chance <= DOUBTFUL[1] and ids[at] not in judged
    ]
    return Grouping(tuple(groups), doubts=tuple(doubts))


def _of_one_garment(run: range, strip: Strip, weighed: Weighed) -> list[range]:
    """The run, cut at its weakest places until no part holds strangers. Where a clock vouches for it, it stays whole:
    photos that each resemble one of the eight before them are no item for that, if their order tells nothing."""
    untimed = all(pause is None for pause in strip.pauses[run.start : run.stop - 1])
    waiting, whole = [run], []
    while waiting:
        part = waiting.pop()
        if untimed and weighed.wholes.are_strangers(part):
            weakest = part.start + 1 + int(np.argmax(weighed.begins[part.start : part.stop - 1]))
            waiting += [range(weakest, part.stop), range(part.start, weakest)]
        else:
            whole.append(part)
    return whole


def _group(strip: Strip, run: range, weighed: Weighed, sights: Sights, judged: Mapping[str, float]) -> Group:
    ids = tuple(strip.photos[at].id for at in run)
    inner = range(run.start, run.stop - 1)  # row i is about the photos i and i + 1
    labels = sum(sight.shows == "label" for photo in ids if (sight := sights.get(photo)))
    alike = [exp(weighed.alike[at]) for at in inner if weighed.alike[at] > 1.0]
    timed = [pause for at in inner if (pause := strip.pauses[at]) is not None]
    why = [
        *([Why("within", {"count": len(ids), "seconds": round(sum(timed))})] if timed else []),
        *([Why("alike")] if alike else []),
        *([Why("labels", {"count": labels})] if labels and labels < len(ids) else []),
        *([Why("judged")] if any(strip.photos[at + 1].id in judged for at in inner) else []),
        *([Why("one_photo")] if len(ids) == 1 and strip.pauses and strip.pauses[0] is not None else []),
        *_pauses_around(strip, run),
    ]
    reason: GroupReason = "capture_time" if _timed(strip, run) else "looks" if len(ids) > 1 else "alone"
    certainty = _certainty(run, weighed)
    if timed and not any(photo in sights for photo in ids):
        certainty = min(certainty, MOST_BY_PAUSES)
    return Group(ids, certainty, reason, tuple(why) or (Why("alone"),), _warnings(ids))


def _timed(strip: Strip, run: range) -> bool:
    return any(pause is not None for pause in strip.pauses[max(0, run.start - 1) : run.stop])


def _pauses_around(strip: Strip, run: range) -> list[Why]:
    before = strip.pauses[run.start - 1] if run.start else None
    after = strip.pauses[run.stop - 1] if run.stop <= len(strip.pauses) else None
    return [
        *([Why("after_pause", {"seconds": round(before)})] if before is not None else []),
        *([Why("before_pause", {"seconds": round(after)})] if after is not None else []),
    ]


def _slip_in(groups: Sequence[Group], heap: _Heap) -> tuple[list[Group], list[str]]:
    """Puts each untimed photo between its timed neighbours by place if they share a group; returns those it can't."""
    if heap.places is None:
        return list(groups), [photo.id for photo in heap.untimed]
    places = heap.places
    members = [list(group.photos) for group in groups]
    group_of = {photo: at for at, ids in enumerate(members) for photo in ids}
    placed = [photo for strip in heap.strips for photo in strip.photos]
    by_name = [photo.id for photo in sorted([*placed, *heap.untimed], key=lambda p: places[p.id])]
    before, after = _carry(by_name, group_of), _carry(by_name[::-1], group_of)
    previous = dict(pairwise(by_name[::-1]))
    untimed, left = {photo.id for photo in heap.untimed}, []
    for photo in (photo for photo in by_name if photo in untimed):
        at = before.get(photo)
        if at is None or at != after.get(photo):
            left.append(photo)
        else:
            members[at].insert(members[at].index(previous[photo]) + 1, photo)
    filled = [
        Group(tuple(ids), group.confidence, group.reason, group.why, _warnings(ids, "long_pause" in group.warnings))
        for ids, group in zip(members, groups, strict=True)
    ]
    return filled, left


def _carry(names: Sequence[str], group_of: Mapping[str, int]) -> dict[str, int]:
    """For each photo, the group of the nearest placed photo at or before it."""
    carried: dict[str, int] = {}
    last: int | None = None
    for name in names:
        last = group_of.get(name, last)
        if last is not None:
            carried[name] = last
    return carried


def _warnings(ids: Sequence[str], long_pause: bool = False) -> tuple[str, ...]:
    too_many = ("too_many_photos",) if len(ids) > MOST_PHOTOS else ()
    return (*too_many, *(("long_pause",) if long_pause else ()))


def _certainty(run: range, weighed: Weighed) -> float:
    """The probability that the item begins, goes on and ends where it was said to."""
    chances = weighed.begins
    inside = prod(1 - chance for chance in chances[run.start : run.stop - 1])
    begins = chances[run.start - 1] if run.start else 1.0
    ends = chances[run.stop - 1] if run.stop <= len(chances) else 1.0
    return round(float(inside * begins * ends), 3)
