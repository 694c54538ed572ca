"""What a user's calls to a vision model came to: by day, batch, item and model. Owns sums; owns no call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col

from backend.db.models import Batch, Draft, ModelCall, now
from backend.db.scope import count_owned, owned


@dataclass(frozen=True)
class Cost:
    """Calls made and answers taken from what was kept, their tokens and price. `unpriced` calls have no known price
    and are not in `micros`; `estimated` ones are in it with the most they may have cost."""

    calls: int
    cached: int
    failed: int
    input_tokens: int
    output_tokens: int
    micros: int
    estimated: int
    unpriced: int


@dataclass(frozen=True)
class CostReport:
    """A user's costs since a day (UTC), newest first; `items` are those of single drafts, dearest first."""

    since: str
    today: Cost
    total: Cost
    days: dict[str, Cost]
    batches: dict[str, Cost]
    items: dict[str, Cost]
    models: dict[str, Cost]


def costs_of(session: Session, user_id: str, *, days: int = 30) -> CostReport:
    """The user's costs of the last `days` days, today included."""
    today = now().date()
    since = (today - timedelta(days=days - 1)).isoformat()
    query = owned(ModelCall, user_id).where(col(ModelCall.day) >= since).order_by(col(ModelCall.at).desc())
    calls = session.exec(query).all()
    items = _by(calls, "draft_id")
    return CostReport(
        since=since,
        today=_sum(call for call in calls if call.day == today.isoformat()),
        total=_sum(calls),
        days=_by(calls, "day"),
        batches=_by(calls, "batch_id"),
        items=dict(sorted(items.items(), key=lambda entry: -entry[1].micros)),
        models=_by(calls, "model"),
    )


def cost_of_batch(session: Session, user_id: str, batch_id: str) -> Cost:
    return _sum(session.exec(owned(ModelCall, user_id).where(ModelCall.batch_id == batch_id)).all())


def item_average(session: Session, user_id: str, model: str, *, days: int) -> int | None:
    """Micro-dollars an item of the user's came to with this model; None where none was read or no price was known."""
    since = (now().date() - timedelta(days=days - 1)).isoformat()
    of_items = (ModelCall.model == model, col(ModelCall.draft_id).is_not(None), col(ModelCall.cached).is_(False))
    query = owned(ModelCall, user_id).where(*of_items, ModelCall.day >= since, col(ModelCall.micros).is_not(None))
    calls = session.exec(query).all()
    items = {call.draft_id for call in calls}
    return round(sum(call.micros or 0 for call in calls) / len(items)) if items else None


def items_of_last_batch(session: Session, user_id: str) -> int:
    """How many drafts the user's latest batch has; 0 where there is none."""
    query = owned(Batch, user_id).order_by(col(Batch.created_at).desc()).limit(1)
    batch = session.exec(query).first()
    return count_owned(session, Draft, user_id, Draft.batch_id == batch.id) if batch else 0


def _by(calls: Sequence[ModelCall], column: str) -> dict[str, Cost]:
    groups: dict[str, list[ModelCall]] = {}
    for call in calls:
        if (name := getattr(call, column)) is not None:
            groups.setdefault(name, []).append(call)
    return {name: _sum(group) for name, group in groups.items()}


def _sum(some: Iterable[ModelCall]) -> Cost:
    calls = list(some)
    made = [call for call in calls if not call.cached]
    return Cost(
        calls=len(made),
        cached=len(calls) - len(made),
        failed=sum(call.status != "success" for call in made),
        input_tokens=sum(call.input_tokens for call in made),
        output_tokens=sum(call.output_tokens for call in made),
        micros=sum(call.micros or 0 for call in made),
        estimated=sum(call.estimated for call in made),
        unpriced=sum(call.micros is None for call in made),
    )
