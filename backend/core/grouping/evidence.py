"""What speaks for a photo's joining the item before it: pauses, likeness, what each photo is of, a judge's word.

Owns weighing these against each other over a whole batch, and learning from the batch itself how its seller works:
how many photos an item has, whether labels come last or first, how alike the photos of one item are, and whether they
lie in the order taken at all. Owns neither the sum over cuts (`chain.py`) nor the decision (`sort.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import comb, log

import numpy as np
from numpy.typing import NDArray

from backend.core.grouping.arrange import Strip
from backend.core.grouping.chain import REACH, begin_chances, total_weights, uncut_weights
from backend.core.grouping.likeness import (
    LABEL,
    PART_NEAR,
    PART_UNLIKE,
    UNLIKE,
    UNSEEN,
    USUAL_GARMENTS,
    USUAL_LABELS,
    WHOLE,
    Looks,
    Scale,
    Wholes,
    backwards,
    scale_of,
)
from backend.core.grouping.rhythm import ALWAYS_SPLIT, Rhythm, learn
from backend.core.reading import Sight

Floats = NDArray[np.float64]

SURE_PAUSE = 9.0
"""Log odds of a new item after `ALWAYS_SPLIT`: more than looks and roles together can outweigh."""
ROUNDS = 4
SHARE_WEIGHT, LEAST_SHARE = 8.0, 0.12
"""How many photos the usual share of beginnings is worth; and where no clock says so, no batch is taken to hold more
than eight photos an item, or nothing but single ones."""
JUDGE_BOUND = 0.95
ORDER_WINDOW, RANDOM_ORDERS = 64, 99
"""Whether an order tells anything is asked of so many photos, beside so many random orders of them."""
SIDE_BY_SIDE = 2
FEW_TO_ORDER, LUCK, LUCK_OF_FEW = 6, 0.01, 0.2
"""How many random orders may be as good as the given one: of few photos more, down from so many (there any order is
believed), since the orders that keep two items apart are no rarer (of six photos one in ten)."""
ONE_ITEM = 0.3
"""How likely random orders must be of one item for the order not to matter."""
LOOKS_WEIGHT, LABEL_WEIGHT = 0.9, 0.5
"""Looks and roles are not independent of each other; label close-ups say little about the garment's colour."""


@dataclass(frozen=True)
class Habit:
    """How a seller photographs: how often an item begins with each kind of photo (whole, part, label), how often each
    kind follows each kind within an item, and how much oftener than others one of a kind is an item's last."""

    prior: float
    begins: tuple[float, float, float]
    follows: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
    ends: tuple[float, float, float] = (1.0, 1.0, 1.0)


HABITS = (
    Habit(0.60, (0.90, 0.07, 0.03), ((0.45, 0.20, 0.35), (0.20, 0.45, 0.35), (0.05, 0.28, 0.67))),  # labels last
    Habit(0.15, (0.22, 0.18, 0.60), ((0.62, 0.34, 0.04), (0.35, 0.30, 0.35), (0.55, 0.10, 0.35)), (1.5, 0.4, 0.04)),
    Habit(0.25, (0.60, 0.20, 0.20), ((0.50, 0.25, 0.25), (0.40, 0.35, 0.25), (0.40, 0.25, 0.35))),  # as it comes
)
"""Labels last, labels first, and as it comes. Written down, not learned: no seller's own sessions were at hand."""
_LABELS_FIRST = HABITS[1]
LEAST_LABELS = 0.05
"""Where fewer of the photos are labels, they tell nothing of where labels come."""

_BEGINS = np.array([(*habit.begins, 1.0) for habit in HABITS])
_ENDS = np.array([(*habit.ends, 1.0) for habit in HABITS])
_FOLLOWS = np.ones((len(HABITS), 4, 4))
_FOLLOWS[:, :3, :3] = [habit.follows for habit in HABITS]


@dataclass(frozen=True)
class Weighed:
    """What is known of one strip. `begins[i]` is how likely photo i + 1 begins an item; `alike[i]` its greatest
    likeness to the garments up to `REACH` before it, in log odds of the same item, 0 where nothing could be
    compared; `by_pause[i]` the log odds of a new item by its pause alone, nan without one; `wholes` compares the
    whole garments of a run. `ordered` is False where neither a clock nor what is seen says that the photos lie in the
    order taken: then each begins an item."""

    begins: Floats
    alike: Floats
    by_pause: Floats
    wholes: Wholes
    ordered: bool = True


@dataclass
class _Part:
    """One strip's comparisons, made once: rows are photos but the first, columns runs of 1 to `REACH` before it."""

    pauses: Floats
    judged: Floats
    garments: Floats
    labels: Floats
    wholes: NDArray[np.bool_]
    kinds: NDArray[np.intp]
    ordered: bool = True
    follows: Floats = field(init=False)
    begins: Floats = field(init=False)
    bounds: Floats = field(init=False)

    def __post_init__(self) -> None:
        before, here = self.kinds[..., :-1], self.kinds[..., 1:]
        self.begins = np.log(_BEGINS[:, here]) + np.log(_ENDS[:, before])
        self.bounds = np.log(_BEGINS[:, self.kinds[..., 0]]) + np.log(_ENDS[:, self.kinds[..., -1]])
        self.follows = np.log(_FOLLOWS[:, before, here])


def weigh(
    strips: Sequence[Strip], sights: Mapping[str, Sight], judged: Mapping[str, float], rhythm: Rhythm
) -> list[Weighed]:
    """The strips of one batch, weighed together. `judged` is how likely the photo of this id shows the item of the
    one before it in its strip, as someone who looked at them says."""
    looks = Looks([sights.get(photo.id) for strip in strips for photo in strip.photos])
    strangers = looks.strangers()
    garments, labels = scale_of(strangers[0], USUAL_GARMENTS), scale_of(strangers[1], USUAL_LABELS)
    starts = np.cumsum([0, *(len(strip.photos) for strip in strips)])
    parts = [_part(strip, looks, int(start), judged, rhythm) for strip, start in zip(strips, starts, strict=False)]
    share, seen = rhythm.share, any(part.kinds.min(initial=UNSEEN) < UNSEEN for part in parts)
    for part, start in zip(parts, starts, strict=False):
        if seen and np.isnan(part.pauses).all():
            part.ordered = _order_tells(looks, int(start), len(part.kinds), share, garments, labels)
    chances = [_chances(part, share, garments, labels) for part in parts]
    for _ in range(ROUNDS if seen else 0):
        garments = _fit(garments, parts, chances)
        share = _share(parts, chances, share)
        chances = [_chances(part, share, garments, labels) for part in parts]
    return [
        Weighed(
            chance,
            _alike(part, garments, labels)[:, -1],
            part.pauses,
            Wholes(looks, int(start), garments),
            part.ordered,
        )
        for part, chance, start in zip(parts, chances, starts, strict=False)
    ]


def rhythm_of(strips: Sequence[Strip]) -> Rhythm:
    return learn([pause for strip in strips for pause in strip.pauses if pause is not None])


def _part(strip: Strip, looks: Looks, start: int, judged: Mapping[str, float], rhythm: Rhythm) -> _Part:
    count = len(strip.photos)
    garments = np.full((max(0, count - 1), REACH), np.nan)
    labels = garments.copy()
    wholes = np.zeros(garments.shape, bool)
    for at in range(1, count):
        before = backwards(start + at, start)
        here = np.full(len(before), start + at)
        garments[at - 1, : len(before)] = looks.garments(before, here)
        labels[at - 1, : len(before)] = looks.labels(before, here)
        wholes[at - 1, : len(before)] = (looks.kinds[before] == WHOLE) & (looks.kinds[here] == WHOLE)
    said = [judged.get(photo.id) for photo in strip.photos[1:]]
    return _Part(
        np.array([np.nan if pause is None else _by_pause(pause, rhythm) for pause in strip.pauses]),
        np.array([0.0 if same is None else _log_odds(min(JUDGE_BOUND, max(1 - JUDGE_BOUND, same))) for same in said]),
        garments,
        labels,
        wholes,
        looks.kinds[start : start + count],
    )


def _by_pause(pause: float, rhythm: Rhythm) -> float:
    return SURE_PAUSE if pause > ALWAYS_SPLIT else rhythm.log_odds(pause)


def _chances(part: _Part, share: float, garments: Scale, labels: Scale) -> Floats:
    """How likely each photo begins an item: the habits' answers, each as likely as it makes what is seen."""
    if not len(part.pauses) or not part.ordered:
        return np.ones(len(part.pauses))
    new = np.where(np.isnan(part.pauses), _log_odds(share), part.pauses) - part.judged
    base = _alike(part, garments, labels) - new[:, None]
    labelled = float((part.kinds == LABEL).mean()) >= LEAST_LABELS
    answers, weights = [], []
    for habit, follows, begins, bounds in zip(HABITS, part.follows, part.begins, part.bounds, strict=True):
        if habit is _LABELS_FIRST and not labelled:
            continue
        chances, total = begin_chances(base + (follows - begins)[:, None])
        answers.append(chances)
        weights.append(log(habit.prior) + total + begins.sum() + bounds)
    shares = np.exp(np.array(weights) - max(weights))
    return np.asarray(np.average(answers, axis=0, weights=shares))


def _alike(part: _Part, garments: Scale, labels: Scale) -> Floats:
    """Log odds of the same item by looks, for each length of the run before the photo.

    The best of several comparisons looks better than it is: that is taken off again."""
    best, tint = np.fmax.accumulate(part.garments, axis=-1), np.fmax.accumulate(part.labels, axis=-1)
    tries = np.maximum(1, (~np.isnan(part.garments)).cumsum(axis=-1))
    wholes = np.logical_or.accumulate(part.wholes, axis=-1)
    unlike, near = np.where(wholes, UNLIKE, PART_UNLIKE), np.where(wholes, 1.0, PART_NEAR)
    form = garments.log_odds(best - 0.5 * garments.spread * np.sqrt(np.log(tries)), unlike, near)
    return np.asarray(LOOKS_WEIGHT * form + LABEL_WEIGHT * labels.log_odds(tint, PART_UNLIKE))


def _order_tells(looks: Looks, start: int, count: int, share: float, garments: Scale, labels: Scale) -> bool:
    """Whether photos that no clock orders lie as an item's photos would: side by side.

    What is seen must be likelier in the order given than in nearly all random ones, or labels lie so far apart from
    each other as they do in few of them. Where random orders are as a rule all of one item too, and its views are no
    strangers, there is nothing to mix. Of few photos hardly any order can stand out."""
    if count < FEW_TO_ORDER:
        return True
    many = min(count, ORDER_WINDOW)
    random = np.random.default_rng(many)
    orders = np.array([np.arange(many), *(random.permutation(many) for _ in range(RANDOM_ORDERS))])
    part = _in_orders(looks, start, orders)
    joins = (_alike(part, garments, labels) - _log_odds(share)) + (part.follows - part.begins)[..., None]
    habits = np.log([habit.prior for habit in HABITS])[:, None] + part.begins.sum(axis=-1) + part.bounds
    weights = np.logaddexp.reduce(habits + total_weights(joins), axis=0)
    of_one_item = np.exp(np.logaddexp.reduce(habits + uncut_weights(joins), axis=0) - weights)
    luck = float((weights >= weights[0]).mean())
    if min(luck, _luck_of_labels(looks.kinds[start : start + many])) <= min(LUCK_OF_FEW, max(LUCK, 10 / many**2)):
        return True
    one_item = float(of_one_item[1:].mean()) > ONE_ITEM
    return one_item and not Wholes(looks, start, garments).are_strangers(range(count))


def _luck_of_labels(kinds: NDArray[np.intp]) -> float:
    """In how many random orders the labels lie in as many places as in this one, or more: beside its garment each
    lies by itself. 1.0 without labels."""
    labels = kinds == LABEL
    count, many = int(labels.sum()), len(kinds)
    places = int((labels & ~np.append(False, labels[:-1])).sum())
    ways = sum(comb(many - count + 1, n) * comb(count - 1, n - 1) for n in range(max(1, places), count + 1))
    return ways / comb(many, count) if count else 1.0


def _in_orders(looks: Looks, start: int, orders: NDArray[np.intp]) -> _Part:
    """The photos from `start` on in each of these orders, each compared with those beside it alone: in a longer run
    of several garments nearly every photo resembles some other."""
    many = orders.shape[-1]
    first, second = np.triu_indices(many, 1)
    pairs = np.full((2, many, many), np.nan)
    pairs[:, first, second] = looks.garments(start + first, start + second), looks.labels(start + first, start + second)
    pairs[:, second, first] = pairs[:, first, second]
    rows = np.arange(1, many)[:, None]
    steps = 1 + np.arange(REACH)
    before, near = np.maximum(rows - steps, 0), (rows >= steps) & (steps <= SIDE_BY_SIDE)
    garments, labels = np.where(near, pairs[:, orders[:, rows], orders[:, before]], np.nan)
    kinds = looks.kinds[start + orders]
    wholes = (kinds[:, rows] == WHOLE) & (kinds[:, before] == WHOLE) & near
    nothing = np.full(many - 1, np.nan)
    return _Part(nothing, np.zeros(many - 1), garments, labels, wholes, kinds)


def _fit(scale: Scale, parts: Sequence[_Part], chances: Sequence[Floats]) -> Scale:
    """How alike neighbours of one item are in this batch."""
    if not parts:
        return scale
    likeness = np.concatenate([p.garments[:, 0] for p in parts])
    near = np.where(np.concatenate([p.wholes[:, 0] for p in parts]), 1.0, PART_NEAR)
    return scale.fitted(likeness, 1 - np.concatenate(chances), near)


def _share(parts: Sequence[_Part], chances: Sequence[Floats], usual: float) -> float:
    """How many of the photos without a pause begin an item."""
    ordered = [(part, chance) for part, chance in zip(parts, chances, strict=True) if part.ordered]
    unknown = np.concatenate([np.zeros(0), *(chance[np.isnan(part.pauses)] for part, chance in ordered)])
    share = float((SHARE_WEIGHT * usual + unknown.sum()) / (SHARE_WEIGHT + len(unknown)))
    return max(LEAST_SHARE, min(1 - LEAST_SHARE, share))


def _log_odds(probability: float) -> float:
    return log(probability / (1 - probability))
