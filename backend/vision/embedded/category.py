"""What kind of garment a photo shows, and whether it shows one at all.

Owns the linear probe on the features (`category.npz`, made by `scripts/train_category.py`) and what it makes of the
tuned layers' scores, how several photos of one item vote, and when a vote is a value. Does not own the features
(`features.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from backend.core.listing import Alternative
from backend.vision.embedded.features import Features

Floats = NDArray[np.float32]

THRESHOLD = 0.7
"""Confidence from which the kind is a value: right 95 times in 100 for the ten common kinds, 93 over all seventeen,
on photos of sellers never seen (docs/reading.md)."""

GARMENT, CERTAINLY_GARMENT, KNOWN_KIND = 0.25, 0.45, 0.5
"""Least share of the ImageNet classes that are worn; below the second the kind must be known with the third."""

LIMIT = 4.0
"""Standardised features are cut off here, in training and in use: no single one decides."""

# The ImageNet classes that are clothes, shoes or hats.
_WORN = (
    399, 400, 411, 433, 439, 445, 451, 452, 457, 459, 465, 474, 496, 501, 502, 514, 515, 529, 552, 568, 578, 601, 608,
    610, 614, 615, 617, 630, 638, 639, 652, 655, 658, 667, 689, 697, 735, 770, 774, 775, 793, 796, 806, 808, 824, 834,
    841, 842, 869, 887, 906, 911,
)  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """The trained weights: kinds (k), the features' mean and scale (d), weights (k, d) and bias (k); and `tuned`, by
    how much the tuned layers' scores count beside them."""

    kinds: tuple[str, ...]
    mean: Floats
    scale: Floats
    weights: Floats
    bias: Floats
    tuned: Floats

    def probabilities(self, seen: Features) -> Floats:
        """How likely each kind is, calibrated, given a photo's features."""
        standard = np.clip((seen.parts - self.mean) / self.scale, -LIMIT, LIMIT)
        return softmax(self.weights @ standard + self.bias + self.tuned * seen.kinds)


@dataclass(frozen=True)
class KindReading:
    """`value` is None below the threshold; the alternatives are the three likeliest kinds either way."""

    value: str | None
    confidence: float
    alternatives: tuple[Alternative, ...]


def softmax(scores: Floats) -> Floats:
    exponents = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True), np.float32)


@cache
def load_probe() -> Probe:
    with as_file(files("backend.vision.embedded") / "category.npz") as path, np.load(path) as stored:
        arrays = {name: stored[name].astype(np.float32) for name in ("mean", "scale", "weights", "bias", "tuned")}
        return Probe(tuple(str(kind) for kind in stored["kinds"]), **arrays)


def garment_share(features: Features) -> float:
    """The share of worn things in what the network sees: low on blank walls, screens and landscapes."""
    return float(softmax(features.logits)[list(_WORN)].sum())


def shows_garment(worn: float, chances: Floats) -> bool:
    """Whether a photo with this share of worn things and these chances of each kind shows a garment at all."""
    return worn >= GARMENT and (worn >= CERTAINLY_GARMENT or float(chances.max()) >= KNOWN_KIND)


def decide(kinds: Sequence[str], votes: Sequence[Floats]) -> KindReading:
    """One item's kind from the probabilities of its garment photos (at least one).

    They are averaged by how sure each is, so that a detail shot weighs less than the whole garment; the item is
    never surer than its surest photo."""
    weights = np.array([1.0 - _doubt(vote) for vote in votes]) + 1e-3
    mean = np.average(np.stack(votes), axis=0, weights=weights)
    order = np.argsort(-mean)[:3]
    confidence = float(mean[order[0]])
    alternatives = tuple(Alternative(kinds[i], round(float(mean[i]), 3)) for i in order)
    value = kinds[order[0]] if confidence >= THRESHOLD else None
    return KindReading(value, round(confidence, 3), alternatives)


def _doubt(vote: Floats) -> float:
    """0 for a certain vote, 1 for one that favours no kind (its entropy)."""
    return float(-(vote * np.log(vote + 1e-9)).sum() / np.log(len(vote)))
