"""The arithmetic of the evaluation, against scikit-learn and against figures worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from backend.vision.evaluation import metrics


def test_counts_tell_wrong_from_invented_and_missed() -> None:
    asked = [("M", "M"), ("M", "L"), (None, "L"), ("M", None), (None, None)]
    counts = metrics.Counts.of(metrics.judge(t, a, accepted=t == a) for t, a in asked)
    assert counts == metrics.Counts(right=1, wrong=1, invented=1, missed=1, silent=1)
    assert counts.precision == pytest.approx(1 / 3)
    assert counts.recall == pytest.approx(1 / 3)
    assert counts.coverage == pytest.approx(3 / 5)


def test_nothing_asked_has_no_precision() -> None:
    assert metrics.Counts().precision is None
    assert metrics.Counts().recall is None


def test_coverage_at_a_threshold() -> None:
    found = metrics.coverage_at(0.7, [0.9, 0.7, 0.6, 0.2], [True, False, True, True])
    assert (found.coverage, found.precision) == (0.5, 0.5)
    assert metrics.coverage_at(0.95, [0.9], [True]).precision is None


def test_most_that_can_be_answered_at_a_precision() -> None:
    confidence = [0.9, 0.8, 0.7, 0.6, 0.5]
    found = metrics.coverage_for(0.75, confidence, [True, True, False, True, False])
    assert (found.threshold, found.coverage, found.precision) == (0.6, 0.8, 0.75)
    assert metrics.coverage_for(0.95, [0.9, 0.8], [False, True]).coverage == 0.0


def test_equal_confidences_are_answered_together() -> None:
    assert metrics.coverage_for(0.9, [0.8, 0.8, 0.8], [True, True, False]).coverage == 0.0


def test_calibration_error_of_known_gaps() -> None:
    confidence = [0.95] * 10 + [0.55] * 10
    right = [True] * 9 + [False] + [True] * 5 + [False] * 5
    assert metrics.calibration_error(confidence, right) == pytest.approx(0.05)
    assert [r.answers for r in metrics.reliability(confidence, right)] == [10, 10]
    assert metrics.calibration_error([], []) == 0.0


def test_in_first_three() -> None:
    chances = np.array([[0.5, 0.3, 0.15, 0.05], [0.5, 0.3, 0.15, 0.05]])
    assert metrics.in_first(3, chances, [2, 3]) == 0.5
    assert metrics.in_first(1, chances, [0, 1]) == 0.5


def test_borders_are_between_neighbours_in_the_order_of_the_truth() -> None:
    truth = {"1": "a", "2": "a", "3": "b", "4": "b", "5": "c", "6": "a"}
    found = metrics.agreement(truth, [["1"], ["2", "3"], ["4", "5", "6"]])
    assert (found.merged, found.borders, found.split, found.inner) == (3, 3, 2, 2)


def test_agreement_is_scikit_learns_adjusted_rand_index() -> None:
    rng = np.random.default_rng(3)
    true, found = rng.integers(0, 6, 40), rng.integers(0, 6, 40)
    groups = [[str(i) for i in np.flatnonzero(found == g)] for g in range(6)]
    measured = metrics.agreement({str(i): str(t) for i, t in enumerate(true)}, groups)
    assert measured.ari == pytest.approx(adjusted_rand_score(true, found))


def test_agreement_by_pairs() -> None:
    truth = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "c1": "c", "c2": "c"}
    measured = metrics.agreement(truth, [["a1", "a2"], ["a3", "b1"], ["c1", "c2"]])
    assert measured.precision == pytest.approx(2 / 3)
    assert measured.recall == pytest.approx(2 / 4)
    assert measured.exact == pytest.approx(1 / 3)


def test_what_was_left_out_of_the_groups_stands_alone() -> None:
    truth = {"a1": "a", "a2": "a"}
    assert metrics.agreement(truth, []).recall == 0.0
    assert metrics.agreement(truth, [["a2", "a1", "unknown"]]).ari == 1.0
