"""How likely an item begins at each photo of a strip, given all of the strip: forward and backward over its runs.

Owns the exact sum over all ways to cut a strip into items. Owns no evidence (`evidence.py`) and no decision
(`sort.py`).

A cut is weighed by the evidence it rests on: each photo either begins an item (weight 1) or joins the run before
it, with a weight that may depend on how long that run is, up to `REACH` photos back. Time and memory grow with the
number of photos times `REACH`.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REACH = 8
"""A photo is compared with so many before it in its item."""


def begin_chances(joins: Floats) -> tuple[Floats, float]:
    """How likely each photo but the first begins an item, and the log of the total weight of all cuts.

    `joins` (n - 1, REACH): in row i the log weight of photo i + 1 joining a run of 1, 2, … photos before it; the last
    column is for `REACH` or more."""
    forward = _forward(joins)
    backward = _backward(joins)
    total = _log_sum(forward[-1])
    begins = forward[1:, 0] + backward[1:, 0] - total
    chances: Floats = np.exp(np.minimum(begins, 0.0))
    return chances, float(total)


def total_weights(joins: Floats) -> Floats:
    """The log of the total weight of all cuts, of several strips of one length at once: `joins` (…, n - 1, REACH)."""
    return _log_sum(_forward(joins)[..., -1, :])


def uncut_weights(joins: Floats) -> Floats:
    """The log weight of not cutting at all, likewise."""
    rows = np.arange(joins.shape[-2])
    return np.asarray(joins[..., rows, np.minimum(rows, REACH - 1)].sum(axis=-1))


def _forward(joins: Floats) -> Floats:
    """Row i: the log weight of all cuts of the photos up to i whose last run has 1, 2, … photos."""
    rows = np.full((*joins.shape[:-2], joins.shape[-2] + 1, REACH), -np.inf)
    rows[..., 0, 0] = 0.0
    for at in range(1, rows.shape[-2]):
        before = rows[..., at - 1, :]
        rows[..., at, 0] = _log_sum(before)
        joined = before + joins[..., at - 1, :]
        rows[..., at, 1:] = joined[..., :-1]
        rows[..., at, -1] = np.logaddexp(rows[..., at, -1], joined[..., -1])
    return rows


def _backward(joins: Floats) -> Floats:
    """Row i: the log weight of all cuts of the photos after i, where the run that holds i has 1, 2, … photos so far."""
    rows = np.zeros((len(joins) + 1, REACH))
    for at in range(len(joins) - 1, -1, -1):
        after = rows[at + 1]
        longer = np.append(after[1:], after[-1])
        rows[at] = np.logaddexp(after[0], joins[at] + longer)
    return rows


def _log_sum(values: Floats) -> Floats:
    top = values.max(axis=-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.exp(values - top).sum(axis=-1)))
