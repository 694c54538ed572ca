"""What calls to a model cost, and the answers kept so that asking again costs nothing.

Owns the `model_calls` and `model_answers` tables and the budgets: a call's price at most is set aside before it is
made, in one transaction with the sum of everything spent or set aside so far, so that no budget is crossed however
many calls and processes there are. What a killed process had set aside stays counted: the call may have been billed.
Does not own prices (`vision/tariff.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from backend.core.errors import BudgetReached
from backend.core.model_calls import MICROS, Behalf, MadeCall, PlannedCall, behalf
from backend.core.operator_metrics import count_model_call
from backend.db.engine import Database
from backend.db.models import ModelAnswer, ModelCall, new_id, now
from backend.db.scope import own_row

ANSWERS_KEPT = 5000
"""Of all users together; about 2 KB each."""
ANSWER_AGE = timedelta(days=90)
UNTIL_MIDNIGHT = " It begins anew at midnight, UTC."
_ONE_AT_A_TIME = 864209754
"""PostgreSQL's advisory lock around a reservation; on SQLite every transaction has the tables to itself."""


@dataclass(frozen=True)
class Budget:
    """Micro-dollars that calls may cost: those of all users in a day (UTC), of one user in a day, of one batch; None is
    no limit."""

    day: int | None = None
    user_day: int | None = None
    batch: int | None = None

    @property
    def limited(self) -> bool:
        return (self.day, self.user_day, self.batch) != (None, None, None)


class TableLedger:
    """Implements `core.model_calls.Ledger` on our tables. Calls are the user's named by `on_behalf_of`."""

    def __init__(self, database: Database, budget: Budget = Budget()) -> None:
        self._database = database
        self._budget = budget

    async def reserve(self, call: PlannedCall) -> str:
        return await self._database.run(reserve, behalf(), call, self._budget)

    async def settle(self, call_id: str, made: MadeCall) -> None:
        row = await self._database.run(settle, call_id, made)
        count_model_call(made.status, row.input_tokens, row.output_tokens, row.micros)

    async def recall(self, key: str, *, model: str, prompt: str) -> str | None:
        kept = await self._database.run(recall, behalf(), key, model=model, prompt=prompt)
        if kept is not None:
            count_model_call("cached", 0, 0, 0)
        return kept

    async def remember(self, key: str, answer: str) -> None:
        await self._database.run(remember, behalf(), key, answer)


def reserve(session: Session, whose: Behalf, call: PlannedCall, budget: Budget, at: datetime | None = None) -> str:
    """Sets the call's price at most aside and returns the call's id. Raises BudgetReached."""
    if budget.limited and session.connection().dialect.name == "postgresql":
        session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _ONE_AT_A_TIME})
    at = at or now()
    row = _row(whose, call.model, call.prompt, at)
    if call.micros and budget.day is not None:
        _afford("day's", budget.day, _spent(session, ModelCall.day == row.day), call.micros, UNTIL_MIDNIGHT)
    if call.micros and budget.user_day is not None:
        _afford("user's", budget.user_day, spent_on(session, row.day, row.user_id), call.micros, UNTIL_MIDNIGHT)
    if call.micros and budget.batch is not None and whose.batch_id is not None:
        _afford("batch's", budget.batch, _spent(session, ModelCall.batch_id == whose.batch_id), call.micros)
    row.status, row.micros, row.estimated = "reserved", call.micros, True
    row.input_tokens, row.output_tokens = call.most.input, call.most.output
    session.add(row)
    return row.id


def settle(session: Session, call_id: str, made: MadeCall) -> ModelCall:
    """Writes what the call came to; where that was not told, what was set aside stands."""
    row = session.get_one(ModelCall, call_id)
    row.status = made.status
    if made.tokens is not None:
        row.input_tokens, row.output_tokens = made.tokens.input, made.tokens.output
        row.micros, row.estimated = made.micros, False
    return row


def recall(session: Session, whose: Behalf, key: str, *, model: str, prompt: str) -> str | None:
    """The user's answer kept under this key, unless it is too old; noted as a call that cost nothing."""
    kept = own_row(session, ModelAnswer, _user(whose), key)
    if kept is None or kept.at < now() - ANSWER_AGE:
        return None
    row = _row(whose, model, prompt, now())
    row.status, row.micros, row.cached = "cached", 0, True
    session.add(row)
    return kept.answer


def remember(session: Session, whose: Behalf, key: str, answer: str) -> None:
    """Keeps an answer, and lets go of those too old or too many. The first of two processes wins."""
    user_id = _user(whose)
    old = own_row(session, ModelAnswer, user_id, key)
    if old is not None:
        old.answer, old.at = answer, now()
        return
    try:
        with session.begin_nested():
            session.add(ModelAnswer(user_id=user_id, key=key, answer=answer))
    except IntegrityError:
        return
    session.execute(delete(ModelAnswer).where(col(ModelAnswer.at) < now() - ANSWER_AGE))
    newest = select(ModelAnswer.at).order_by(col(ModelAnswer.at).desc()).offset(ANSWERS_KEPT).limit(1)
    if (first_too_many := session.exec(newest).first()) is not None:
        session.execute(delete(ModelAnswer).where(col(ModelAnswer.at) <= first_too_many))


def _row(whose: Behalf, model: str, prompt: str, at: datetime) -> ModelCall:
    return ModelCall(
        id=new_id(),
        user_id=_user(whose),
        batch_id=whose.batch_id,
        draft_id=whose.draft_id,
        at=at,
        day=at.date().isoformat(),
        model=model,
        prompt=prompt,
        status="reserved",
    )


def _user(whose: Behalf) -> str:
    assert whose.user_id is not None, "a metered call is made on somebody's behalf"
    return whose.user_id


def _spent(session: Session, where: object) -> int:
    total = select(func.sum(ModelCall.micros)).where(where)  # type: ignore[arg-type]  # a clause
    return int(session.exec(total).one() or 0)


def spent_on(session: Session, day: str, user_id: str | None = None) -> int:
    """What the calls of a day (UTC) came to, or may: this user's, or everybody's."""
    of_the_day = col(ModelCall.day) == day
    return _spent(session, of_the_day if user_id is None else of_the_day & (col(ModelCall.user_id) == user_id))


def left_on(session: Session, day: str, user_id: str, budget: Budget) -> tuple[int, int] | None:
    """The tighter of a day's budgets for this user, and what is left of it; None where there is none."""
    limits = ((budget.day, None), (budget.user_day, user_id))
    left = [(limit, max(0, limit - spent_on(session, day, whose))) for limit, whose in limits if limit is not None]
    return min(left, key=lambda each: each[1], default=None)


def _afford(whose: str, limit: int, spent: int, price: int, until: str = "") -> None:
    if spent + price > limit:
        raise BudgetReached(
            f"The {whose} budget for the vision model, {dollars(limit)}, does not cover another call: {dollars(spent)} "
            f"are spent or set aside, and one more may cost {dollars(price)}.{until}"
        )


def dollars(micros: int | None) -> str:
    """$0.0123: four decimals, as one call costs about a cent."""
    return "unknown" if micros is None else f"${micros / MICROS:.4f}"
