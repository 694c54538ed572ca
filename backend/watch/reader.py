"""How the reader of photos stands: which one it is, what it costs, and what is left of the budget.

Owns that look and that trial, for whoever wants to know before they drop a heap of photos. Owns no price
(`vision/tariff.py`) and no count (`spending`). A key is never part of it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from urllib.parse import urlsplit

from sqlmodel import Session

from backend.core.model_calls import on_behalf_of
from backend.core.reading import Analyzer
from backend.db.engine import Database
from backend.db.models import new_id
from backend.spending import report
from backend.spending.ledger import Budget, left_on
from backend.vision.probe import Trial, try_reader
from backend.vision.tariff import Tariff, at_home

USUAL_BATCH = 10
"""Items, for whoever has handed in nothing yet."""
MONTH = 30
NO_TARIFF = Tariff(None, None)


@dataclass(frozen=True)
class Reader:
    """The reader the settings name. `address` may hold a password: it is not shown, `host` is."""

    kind: Literal["embedded", "openai"]
    model: str = ""
    address: str = ""
    tariff: Tariff = NO_TARIFF

    @property
    def host(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @property
    def is_at_home(self) -> bool:
        return at_home(self.address)


@dataclass(frozen=True)
class ReaderStanding:
    """Micro-dollars throughout; None where no price is known. `item_micros` is what the user's items came to where they
    have any of this model (`measured`), else an estimate for four photos. `day_budget` is the tighter of the day's
    budgets, everybody's and the user's."""

    kind: str
    host: str | None
    model: str | None
    at_home: bool
    item_micros: int | None
    measured: bool
    batch_items: int
    batch_micros: int | None
    today: report.Cost
    month: report.Cost
    budget: Budget
    day_budget: int | None
    day_left: int | None
    resets_at: datetime | None


def standing_of(session: Session, user_id: str, reader: Reader, budget: Budget) -> ReaderStanding:
    costs = report.costs_of(session, user_id, days=MONTH)
    asks_model = reader.kind == "openai"
    own = report.item_average(session, user_id, reader.model, days=MONTH) if asks_model else None
    item = own if own is not None else _estimated(reader)
    items = report.items_of_last_batch(session, user_id) or USUAL_BATCH
    day = datetime.now(UTC).date()
    tighter = left_on(session, day.isoformat(), user_id, budget) if asks_model else None
    return ReaderStanding(
        kind=reader.kind,
        host=reader.host if asks_model else None,
        model=reader.model if asks_model else None,
        at_home=not asks_model or reader.is_at_home,
        item_micros=item,
        measured=own is not None,
        batch_items=items,
        batch_micros=None if item is None else item * items,
        today=costs.today,
        month=costs.total,
        budget=budget,
        day_budget=tighter and tighter[0],
        day_left=tighter and tighter[1],
        resets_at=datetime.combine(day + timedelta(days=1), time(), UTC) if tighter else None,
    )


async def try_for(user_id: str, analyzer: Analyzer, database: Database) -> tuple[Trial, int | None]:
    """Has the reader read something small for this user; says what that came to, None where no price is known."""
    with on_behalf_of(user_id, batch_id=(trial := f"trial-{new_id()}")):
        tried = await try_reader(analyzer)
    cost = await database.look(report.cost_of_batch, user_id, trial)
    return tried, None if cost.unpriced else cost.micros


def _estimated(reader: Reader) -> int | None:
    if reader.kind == "embedded":
        return 0
    from backend.vision.estimate import usual_item  # noqa: PLC0415 - only who asks for a model waits for its client

    return usual_item(reader.tariff)
