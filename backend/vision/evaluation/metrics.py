"""How good answers are, as numbers: accuracy, coverage, calibration, precision and recall, and agreement of groupings.

Owns the arithmetic, in one place for the evaluation, the training script and the benchmarks. Knows no reader, no
field and no file.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

RANGES = 10
"""Equal ranges of confidence in which it is compared with accuracy."""


@dataclass(frozen=True)
class Coverage:
    """Of all answers the share at or above `threshold`, and how many of those are right (None where there are none)."""

    threshold: float
    coverage: float
    precision: float | None


@dataclass(frozen=True)
class Range:
    """Answers whose confidence lies in one range: how many, their mean confidence, and the share that is right."""

    low: float
    high: float
    answers: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Counts:
    """Answers to questions with a known truth. `wrong`: another value; `invented`: a value where the truth is that
    there is none; `missed`: no value where there is one; `silent`: rightly none."""

    right: int = 0
    wrong: int = 0
    invented: int = 0
    missed: int = 0
    silent: int = 0

    @property
    def filled(self) -> int:
        return self.right + self.wrong + self.invented

    @property
    def asked(self) -> int:
        return self.filled + self.missed + self.silent

    @property
    def precision(self) -> float | None:
        """Of the values given, the share that is right."""
        return _share(self.right, self.filled)

    @property
    def recall(self) -> float | None:
        """Of the values there are, the share that was rightly given."""
        return _share(self.right, self.right + self.wrong + self.missed)

    @property
    def coverage(self) -> float | None:
        """The share of questions that got a value."""
        return _share(self.filled, self.asked)

    @classmethod
    def of(cls, verdicts: Iterable[str]) -> "Counts":
        """Counts of the words `right`, `wrong`, `invented`, `missed` and `silent`; raises TypeError for another."""
        return cls(**Counter(verdicts))


@dataclass(frozen=True)
class Agreement:
    """How alike two groupings of the same things are: adjusted Rand index (1 equal, 0 by chance), and of the pairs
    put together the share that belongs together (`precision`) and the other way round (`recall`)."""

    ari: float
    precision: float
    recall: float
    f1: float
    exact: float
    """The share of the true groups that were found whole and unmixed."""
    merged: int = 0
    borders: int = 0
    split: int = 0
    inner: int = 0
    """Neighbours wrongly put together, of so many of two groups; and wrongly apart, of so many of one."""


def judge(truth: object, answer: object, *, accepted: bool) -> str:
    """One of the words `Counts` counts. `truth` None: there is no value to be seen; `answer` None: none was given."""
    if answer is None:
        return "silent" if truth is None else "missed"
    if truth is None:
        return "invented"
    return "right" if accepted else "wrong"


def accuracy(right: ArrayLike) -> float:
    """The share that is right; 0 of none."""
    marks = np.asarray(right, bool)
    return float(marks.mean()) if marks.size else 0.0


def coverage_at(threshold: float, confidence: ArrayLike, right: ArrayLike) -> Coverage:
    sure = np.asarray(confidence, float) >= threshold
    marks = np.asarray(right, bool)
    share = float(sure.mean()) if sure.size else 0.0
    return Coverage(threshold, share, float(marks[sure].mean()) if sure.any() else None)


def coverage_for(precision: float, confidence: ArrayLike, right: ArrayLike) -> Coverage:
    """The most that can be answered by confidence while still this precise, and the threshold that does it.

    Answers of equal confidence are taken together, since no threshold can part them."""
    sure, marks = np.asarray(confidence, float), np.asarray(right, bool)
    order = np.argsort(-sure, kind="stable")
    so_far = np.cumsum(marks[order]) / np.arange(1, len(order) + 1)
    last_of_equals = np.append(np.diff(sure[order]) != 0, True)[: len(order)]
    good = np.flatnonzero((so_far >= precision) & last_of_equals)
    if not good.size:
        return Coverage(1.0, 0.0, None)
    at = int(good[-1])
    return Coverage(float(sure[order[at]]), (at + 1) / len(order), float(so_far[at]))


def reliability(confidence: ArrayLike, right: ArrayLike) -> list[Range]:
    """Confidence against accuracy, range by range; empty ranges are left out."""
    sure, marks = np.asarray(confidence, float), np.asarray(right, bool)
    which = np.minimum((sure * RANGES).astype(int), RANGES - 1)
    found = []
    for at in sorted({int(w) for w in which}):
        mine = which == at
        found.append(
            Range(at / RANGES, (at + 1) / RANGES, int(mine.sum()), float(sure[mine].mean()), float(marks[mine].mean()))
        )
    return found


def calibration_error(confidence: ArrayLike, right: ArrayLike) -> float:
    """ECE: the mean gap between confidence and accuracy over ten equal ranges, weighted by answers; 0 of none."""
    ranges = reliability(confidence, right)
    answers = sum(r.answers for r in ranges)
    return sum(abs(r.confidence - r.accuracy) * r.answers for r in ranges) / answers if answers else 0.0


def in_first(count: int, chances: NDArray[np.floating], truth: Sequence[int] | NDArray[np.intp]) -> float:
    """The share of rows (n, classes) whose true class is among the `count` likeliest."""
    order = np.argsort(-chances, axis=1, kind="stable")[:, :count]
    return accuracy((order == np.asarray(truth)[:, None]).any(axis=1))


def agreement(truth: Mapping[str, str], found: Sequence[Sequence[str]]) -> Agreement:
    """Compares groups of things with their true groups by name; things not in `truth` are not looked at, and its order
    is that in which they lie side by side.

    A thing in no found group counts as a group of its own."""
    groups = [kept for group in found if (kept := [thing for thing in group if thing in truth])]
    placed = {thing for group in groups for thing in group}
    groups += [[thing] for thing in truth if thing not in placed]
    cells = Counter((at, truth[thing]) for at, group in enumerate(groups) for thing in group)
    sizes = Counter(truth.values())
    together = sum(comb(n, 2) for n in cells.values())
    ours, theirs = sum(comb(len(group), 2) for group in groups), sum(comb(n, 2) for n in sizes.values())
    precision, recall = together / ours if ours else 1.0, together / theirs if theirs else 1.0
    place = {thing: at for at, group in enumerate(groups) for thing in group}
    beside = [(truth[a] == truth[b], place[a] == place[b]) for a, b in pairwise(truth)]
    whole = sum(len(group) == sizes[name] == n for (at, name), n in cells.items() for group in [groups[at]])
    return Agreement(
        ari=_adjusted(together, ours, theirs, comb(len(truth), 2)),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        exact=whole / len(sizes) if sizes else 1.0,
        merged=beside.count((False, True)),
        borders=sum(not same for same, _ in beside),
        split=beside.count((True, False)),
        inner=sum(same for same, _ in beside),
    )


def _adjusted(together: int, ours: int, theirs: int, pairs: int) -> float:
    """Hubert and Arabie's adjusted Rand index from counts of pairs; 1 where nothing could differ."""
    expected = ours * theirs / pairs if pairs else 0.0
    most = (ours + theirs) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
