"""A run judged: each answer against the truth, and the figures that follow.

Owns which figures say how good a reader is. Does not own the arithmetic (`metrics.py`) nor their display.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.vision.evaluation import metrics
from backend.vision.evaluation.runs import Answer, ItemRun, Run
from backend.vision.evaluation.truth import FIELDS, agrees

THRESHOLD, PRECISE = 0.7, 0.95
NO_ANSWER = Answer(None, 0.0)


@dataclass(frozen=True)
class Judged:
    """One answer. `verdict` is a word of `metrics.Counts`; `best_right` whether the likeliest guess is right even if
    it was too unsure to be a value, None where there is no guess or nothing to guess."""

    item: ItemRun
    field: str
    answer: Answer
    verdict: str
    best_right: bool | None
    in_three: bool


@dataclass(frozen=True)
class FieldScore:
    """`accuracy` and `top_three` count guesses too, over all items that have a truth; `calibration` is the ECE of
    the guesses, `sure` what is answered at confidence 0.7, `precise` the most that is right 95 times in 100."""

    field: str
    counts: metrics.Counts
    accuracy: float | None
    top_three: float | None
    calibration: float | None
    sure: metrics.Coverage | None
    precise: metrics.Coverage | None
    ranges: tuple[metrics.Range, ...]


@dataclass(frozen=True)
class Score:
    """`grouping` is None where the truth tells no items."""

    reader: str
    photos: int
    items: int
    failed: int
    seconds_a_photo: float
    cost_an_item: float
    fields: tuple[FieldScore, ...]
    grouping: metrics.Agreement | None


def score(run: Run) -> Score:
    judged = judge_run(run)
    by_field = {name: [j for j in judged if j.field == name] for name in FIELDS}
    return Score(
        reader=run.reader,
        photos=run.photos,
        items=len(run.items),
        failed=sum(item.failed is not None for item in run.items),
        seconds_a_photo=run.seconds / max(1, run.photos),
        cost_an_item=run.cost / max(1, len(run.items)),
        fields=tuple(_field_score(name, mine) for name, mine in by_field.items() if mine),
        grouping=None if run.groups is None else metrics.agreement(run.true_items, run.groups),
    )


def judge_run(run: Run) -> list[Judged]:
    return [_judge(item, name) for item in run.items for name in FIELDS if name in item.expected]


def _judge(item: ItemRun, name: str) -> Judged:
    expected, answer = item.expected[name], item.answers.get(name, NO_ANSWER)
    marks = [expected is not None and agrees(name, expected, guess) for guess, _ in answer.guesses[:3]]
    right = answer.value is not None and bool(marks) and marks[0]
    verdict = metrics.judge(expected, answer.value, accepted=right)
    return Judged(item, name, answer, verdict, marks[0] if marks and expected is not None else None, any(marks))


def _field_score(name: str, judged: Sequence[Judged]) -> FieldScore:
    told = [j for j in judged if j.item.expected[name] is not None]
    guessed = [j for j in told if j.best_right is not None]
    confidence = [j.answer.guesses[0][1] for j in guessed]
    right = [bool(j.best_right) for j in guessed]
    return FieldScore(
        field=name,
        counts=metrics.Counts.of(j.verdict for j in judged),
        accuracy=metrics.accuracy([bool(j.best_right) for j in told]) if told else None,
        top_three=metrics.accuracy([j.in_three for j in told]) if told else None,
        calibration=metrics.calibration_error(confidence, right) if guessed else None,
        sure=_over_all(metrics.coverage_at(THRESHOLD, confidence, right), guessed, told) if guessed else None,
        precise=_over_all(metrics.coverage_for(PRECISE, confidence, right), guessed, told) if guessed else None,
        ranges=tuple(metrics.reliability(confidence, right)),
    )


def _over_all(found: metrics.Coverage, guessed: Sequence[Judged], told: Sequence[Judged]) -> metrics.Coverage:
    """Items without a guess are not covered, however sure the reader may be of the rest."""
    return metrics.Coverage(found.threshold, found.coverage * len(guessed) / len(told), found.precision)


def worst(judged: Iterable[Judged], most: int) -> list[Judged]:
    """The answers that do most harm: wrong or invented values, the surest first."""
    bad = [j for j in judged if j.verdict in {"wrong", "invented"}]
    return sorted(bad, key=lambda j: -j.answer.confidence)[:most]


def differences(first: Run, second: Run) -> list[tuple[Judged, Judged]]:
    """The answers that two runs over the same items were judged differently on."""
    others = {(j.item.item, j.field): j for j in judge_run(second)}
    pairs = ((j, others.get((j.item.item, j.field))) for j in judge_run(first))
    return [(one, other) for one, other in pairs if other is not None and one.verdict != other.verdict]
