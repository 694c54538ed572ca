"""How much two photos of a batch look alike, and what that says about their showing the same item.

Owns the comparison of sights and the scale it is read on. The scale is the batch's own: photos far apart in it show
different items, before the same wall, by the same phone; only what looks more alike than such strangers do counts. Owns
no order and no item.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.core.grouping.chain import REACH
from backend.core.reading import Sight

Floats = NDArray[np.float64]

WHOLE, PART, LABEL, UNSEEN = range(4)
KINDS = {"garment": WHOLE, "part": PART, "label": LABEL, "separator": UNSEEN}

FAR, STRANGERS = 12, 16
"""Photos so many places apart are taken for strangers; each is compared with so many of them."""
COLOUR_WEIGHT = 0.4
UNLIKE, PART_UNLIKE, ALIKE = 0.12, 0.5, 0.02
"""How many photos of one whole garment look no more alike than strangers (its back, another light), how many where one
shows a part or a label from near, and how many strangers look like one garment (two white T-shirts): they bound what
likeness alone may say."""
PART_NEAR = 2 / 3
"""How much of the way from strangers to views of one whole garment a close-up comes to the garment it is of."""
STRANGE_UNTIL, MOST_COMPARED = 0.75, 24
"""Views that are on the average no more than so many spreads more alike than strangers are of several garments; so many
of an item's views are compared."""


@dataclass(frozen=True)
class Scale:
    """Likeness of strangers, and of photos of one item, as bells of one width."""

    apart: float
    together: float
    spread: float

    def log_odds(self, likeness: Floats, unlike: Floats | float, near: Floats | float = 1.0) -> Floats:
        """Of the same item, where so many photos of one look like strangers; 0 where nothing can be compared (nan).
        `near` is how much of the way from `apart` to `together` photos of one item come, of this kind."""
        way = near * (self.together - self.apart)
        ratio = np.exp(np.clip(way / self.spread**2 * (likeness - self.apart - way / 2), -30.0, 30.0))
        odds = np.log((1 - unlike) * ratio + unlike) - np.log((1 - ALIKE) + ALIKE * ratio)
        return np.asarray(np.nan_to_num(odds, nan=0.0))

    def fitted(self, likeness: Floats, shares: Floats, near: Floats) -> "Scale":
        """With `together` where these neighbours put it, each counting as much as it is surely of one item; `near` as
        for `log_odds`."""
        likeness = self.apart + (likeness - self.apart) / near
        known = ~np.isnan(likeness)
        weight = float(shares[known].sum())
        usual = min(self.apart + USUAL_STEPS * self.spread, MOST_TOGETHER)
        mean = (PRIOR_WEIGHT * usual + float((shares[known] * likeness[known]).sum())) / (PRIOR_WEIGHT + weight)
        return replace(self, together=max(mean, self.apart + LEAST_STEPS * self.spread))


USUAL_STEPS, LEAST_STEPS, PRIOR_WEIGHT = 3.0, 2.0, 6.0
"""Photos of one item are usually so many spreads more alike than strangers, and never taken to be less than so many."""
MOST_TOGETHER = 0.85

USUAL_GARMENTS = (0.47, 0.13)
USUAL_LABELS = (0.45, 0.23)
"""Likeness of strangers, and its spread, where a batch is too small to tell (`STRANGER_WEIGHT` pairs' worth)."""
STRANGER_WEIGHT = 30.0


class Looks:
    """The sights of a batch in shooting order (None where a photo was not seen), made comparable."""

    def __init__(self, sights: Sequence[Sight | None]) -> None:
        size = max((len(sight.feature) for sight in sights if sight), default=1)
        self._features = np.zeros((len(sights), size), np.float32)
        self._colours = np.zeros((len(sights), 512), np.float32)
        self.kinds = np.full(len(sights), UNSEEN)
        for at, sight in enumerate(sights):
            if sight is not None:
                self._features[at, : len(sight.feature)] = sight.feature
                self._colours[at] = np.sqrt(_softened(sight.histogram))
                self.kinds[at] = KINDS[sight.shows]
        self.is_garment = (self.kinds == WHOLE) | (self.kinds == PART)
        self.is_label = self.kinds == LABEL

    def garments(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> Floats:
        """Likeness of these pairs of photos, nan where one shows no garment."""
        colours = self._colour(first, second)
        forms = np.einsum("ij,ij->i", self._features[first], self._features[second])
        both = self.is_garment[first] & self.is_garment[second]
        return np.where(both, (forms + COLOUR_WEIGHT * colours) / (1 + COLOUR_WEIGHT), np.nan).astype(np.float64)

    def labels(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> Floats:
        """Likeness in colour of a label's surroundings and a garment, nan for other pairs."""
        mixed = (self.is_label[first] & self.is_garment[second]) | (self.is_garment[first] & self.is_label[second])
        return np.where(mixed, self._colour(first, second), np.nan).astype(np.float64)

    def _colour(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.float32]:
        alike: NDArray[np.float32] = np.einsum("ij,ij->i", self._colours[first], self._colours[second])
        return alike

    def strangers(self) -> tuple[Floats, Floats]:
        """Likeness of garments, and of labels with garments, far apart in the batch."""
        count = len(self.kinds)
        if count < 2 * FAR:
            return np.zeros(0), np.zeros(0)
        here = np.arange(count)
        steps = np.unique(np.linspace(FAR, count - FAR, STRANGERS).astype(np.intp))
        pairs = [(here, (here + step) % count) for step in steps]  # one step at a time: memory stays that of the sights
        return np.concatenate([self.garments(*p) for p in pairs]), np.concatenate([self.labels(*p) for p in pairs])


@dataclass(frozen=True, eq=False)
class Wholes:
    """The whole garments of one strip, which begins at place `start` of `looks`."""

    looks: Looks
    start: int
    scale: Scale

    def are_strangers(self, run: range) -> bool:
        """Whether the run's views of whole garments, each beside each, look as strangers do.

        Each may resemble some other one (shirt, trousers, shirt, trousers) and all together still be no item."""
        places = self.start + np.asarray(run, np.intp)
        wholes = places[self.looks.kinds[places] == WHOLE]
        if len(wholes) < 2:
            return False
        if len(wholes) > MOST_COMPARED:
            wholes = wholes[np.linspace(0, len(wholes) - 1, MOST_COMPARED).astype(np.intp)]
        first, second = np.triu_indices(len(wholes), 1)
        alike = float(self.looks.garments(wholes[first], wholes[second]).mean())
        return alike < self.scale.apart + STRANGE_UNTIL * self.scale.spread


def scale_of(strangers: Floats, usual: tuple[float, float]) -> Scale:
    known = strangers[~np.isnan(strangers)]
    mean, spread = usual
    total = STRANGER_WEIGHT + len(known)
    apart = (STRANGER_WEIGHT * mean + known.sum()) / total
    squares = STRANGER_WEIGHT * (spread**2 + (mean - apart) ** 2) + ((known - apart) ** 2).sum()
    upper = (float(np.quantile(known, 0.975)) - apart) / 1.96 if len(known) > STRANGER_WEIGHT else 0.0
    width = max(float(np.sqrt(squares / total)), upper)  # the strangers that look most alike are those that matter
    return Scale(float(apart), min(float(apart) + USUAL_STEPS * width, MOST_TOGETHER), width)


def backwards(at: int, start: int) -> NDArray[np.intp]:
    """The places a photo is compared with: those before it, the nearest first, none before `start`."""
    return np.arange(at - 1, max(start, at - REACH) - 1, -1)


def _softened(histogram: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each colour spills into its neighbours, so that a little more light is no other colour."""
    cube = histogram.reshape(8, 8, 8)
    for axis in range(3):
        padded = np.moveaxis(np.pad(cube, [(1, 1) if a == axis else (0, 0) for a in range(3)]), axis, 0)
        cube = np.moveaxis(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:], 0, axis)
    soft: NDArray[np.float32] = cube.ravel() / max(float(cube.sum()), 1e-6)
    return soft
