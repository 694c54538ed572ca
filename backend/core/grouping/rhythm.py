"""A seller's shooting rhythm: how likely it is that a new item begins in a pause between two photos.

Owns the model of pauses. Owns no photos and no groups (`sort.py`).

The logarithms of the pauses, over the whole batch, are a mixture of two bells of one width: pauses within an
item and pauses between items. Its parameters maximise likelihood times prior (EM from several starts), so a
small batch leans on the prior, the pace of ordinary sellers, and a large one follows its own. A few pauses of either
kind are odd (a phone call, the next garment at hand), so no pause is proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

ALWAYS_SPLIT = 180.0
"""Seconds after which a new item always begins."""

SHORTEST = 0.5
STARTS = (4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
ROUNDS = 40

USUAL_WITHIN, USUAL_BETWEEN, MEAN_SPREAD = log(9), log(55), 0.8
"""The prior: pauses of 9 and 55 seconds, each give or take a factor of two."""

USUAL_VARIANCE, VARIANCE_WEIGHT = 0.5**2, 8.0
USUAL_SHARE, SHARE_WEIGHT = 0.25, 4.0
"""A quarter of the pauses are between items (items of four photos)."""

APART = log(2.5)
"""Bells closer than this are one bell: the batch then says nothing about its own pace."""


ODD, ODD_UNTOLD = 0.03, 0.15
"""How many pauses are odd; more must be allowed for where the batch's own pauses don't fall into two bells."""
LEAST_OF_EACH = 1.5
"""Pauses a bell needs for the batch to tell anything by it."""


@dataclass(frozen=True)
class Rhythm:
    """`within` and `between` are mean log pauses, `variance` is theirs in common, `share` that of pauses between."""

    within: float = USUAL_WITHIN
    between: float = USUAL_BETWEEN
    variance: float = USUAL_VARIANCE
    share: float = USUAL_SHARE
    odd: float = ODD_UNTOLD

    def log_odds(self, pause: float) -> float:
        """Of a new item beginning in a pause of so many seconds; grows with the pause."""
        ratio = exp(max(-30.0, min(30.0, self._log_ratio(pause))))
        odd = log((1 - self.odd) * ratio + self.odd) - log((1 - self.odd) + self.odd * ratio)
        return log(self.share / (1 - self.share)) + odd

    def fitting_odds(self, pause: float) -> float:
        """The same if no pause were odd: for fitting the bells themselves."""
        return log(self.share / (1 - self.share)) + self._log_ratio(pause)

    def _log_ratio(self, pause: float) -> float:
        middle = (self.within + self.between) / 2
        step = (self.between - self.within) / self.variance
        return step * (_log_pause(pause) - middle)


def probability(log_odds: float) -> float:
    bounded = max(-30.0, min(30.0, log_odds))
    return 1 / (1 + exp(-bounded))


def learn(pauses: Sequence[float]) -> Rhythm:
    """The rhythm of these pauses (seconds, any order)."""
    logs = [_log_pause(pause) for pause in pauses]
    fits = [_fit(logs, log(start)) for start in STARTS]
    return max(fits, key=lambda rhythm: _score(logs, rhythm)) if logs else Rhythm()


def _log_pause(pause: float) -> float:
    return log(max(SHORTEST, min(ALWAYS_SPLIT, pause)))


def _fit(logs: Sequence[float], start: float) -> Rhythm:
    shares = [1.0 if x > start else 0.0 for x in logs]
    rhythm = Rhythm()
    for _ in range(ROUNDS):
        rhythm, last = _maximise(logs, shares, rhythm.variance), rhythm
        if abs(rhythm.within - last.within) + abs(rhythm.between - last.between) < 1e-4:
            break
        shares = [probability(rhythm.fitting_odds(exp(x))) for x in logs]
    if rhythm.between - rhythm.within < APART:
        return Rhythm()
    both = LEAST_OF_EACH <= sum(shares) <= len(shares) - LEAST_OF_EACH
    return rhythm if both else replace(rhythm, share=USUAL_SHARE, odd=ODD_UNTOLD)


def _maximise(logs: Sequence[float], shares: Sequence[float], variance: float) -> Rhythm:
    """The most probable rhythm when `shares` says how much each pause is one between items."""
    total, many = sum(shares), len(logs)
    pull = variance / MEAN_SPREAD**2  # how many pauses the prior of a mean is worth
    between = (pull * USUAL_BETWEEN + sum(s * x for s, x in zip(shares, logs, strict=True))) / (pull + total)
    within = (pull * USUAL_WITHIN + sum((1 - s) * x for s, x in zip(shares, logs, strict=True))) / (pull + many - total)
    squares = sum(s * (x - between) ** 2 + (1 - s) * (x - within) ** 2 for s, x in zip(shares, logs, strict=True))
    return Rhythm(
        within=within,
        between=between,
        variance=(VARIANCE_WEIGHT * USUAL_VARIANCE + squares) / (VARIANCE_WEIGHT + many),
        share=(SHARE_WEIGHT * USUAL_SHARE + total) / (SHARE_WEIGHT + many),
        odd=ODD,
    )


def _score(logs: Sequence[float], rhythm: Rhythm) -> float:
    """Log likelihood plus log prior, up to a constant."""
    width = 2 * rhythm.variance
    likelihood = sum(
        log(
            (1 - rhythm.share) * exp(-((x - rhythm.within) ** 2) / width)
            + rhythm.share * exp(-((x - rhythm.between) ** 2) / width)
            + 1e-300
        )
        for x in logs
    ) - len(logs) / 2 * log(rhythm.variance)
    means = ((rhythm.within - USUAL_WITHIN) ** 2 + (rhythm.between - USUAL_BETWEEN) ** 2) / (2 * MEAN_SPREAD**2)
    spread = VARIANCE_WEIGHT / 2 * (log(rhythm.variance) + USUAL_VARIANCE / rhythm.variance)
    shares = SHARE_WEIGHT * (USUAL_SHARE * log(rhythm.share) + (1 - USUAL_SHARE) * log(1 - rhythm.share))
    return likelihood - means - spread + shares
