"""What is so at this moment, for the gauges of a scrape: one read of the tables, the disk, the engine.

Each query is answered from an index and by states, so a scrape costs the same order of time whatever the history. Owns
the queries. Owns no metric (`core/operator_metrics.py`) and changes nothing.
"""

import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import func, text
from sqlalchemy.engine import make_url
from sqlmodel import Session, col, or_, select

from backend.accounts.states import STATES
from backend.core.closed_metrics import OTHER
from backend.core.model_calls import MICROS
from backend.core.operator_metrics import Readings
from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, ModelCall, Publication, User
from backend.photos.batches import MOVING
from backend.publications import journal
from backend.publications.journal import UNCERTAIN_CODE, State
from backend.spending.ledger import Budget

DRAFT_STATES = ("reading", "open", "approved", "discarded")
CHALLENGE = "challenge"


class Engine(Protocol):
    """What a scrape asks of the job engine."""

    @property
    def somebody_works(self) -> bool: ...

    @property
    def lag(self) -> float | None: ...


def read(database: Database, data: Path, engine: Engine, budget: Budget) -> Readings:
    """All of it now. Raises SetupError when the tables can't be read: the scrape fails."""
    disk = shutil.disk_usage(data)
    with database.glance() as session:
        now = datetime.now(UTC)
        publications = by_state(session, Publication.state, State)
        return Readings(
            publish_queue_size=sum(publications[state] for state in journal.RUNNING),
            bulk_job_active_total=_count(session, select(func.count()).where(_unfinished())),
            active_users=_count(session, _active_users()),
            user_ids=tuple(session.exec(select(User.id))),
            publications=publications,
            accounts=by_state(session, Account.state, STATES, col(Account.removed_at).is_(None)),
            drafts=by_state(session, Draft.state, DRAFT_STATES),
            publish_in_doubt=publications[State.UNCERTAIN] + _waiting_for_a_word(session),
            publish_queue_oldest_seconds=_queue_age(session, now),
            bulk_job_oldest_seconds=_age(session, now, select(func.min(Batch.created_at)).where(_unfinished())),
            challenge_oldest_seconds=_age(session, now, _oldest_challenge()),
            model_day_cost_dollars=_spent_today(session, now),
            model_day_budget_dollars=None if budget.day is None else budget.day / MICROS,
            executors_alive=int(engine.somebody_works),
            engine_lag_seconds=engine.lag,
            database_bytes=_size(session, database),
            disk_free_bytes=disk.free,
            disk_size_bytes=disk.total,
        )


def by_state(session: Session, column: Any, known: Iterable[str], *where: Any) -> Mapping[str, int]:
    """Rows by state: every known one, and "other" for what only another version knows."""
    counts = {str(state): 0 for state in (*known, OTHER)}
    for state, count in session.exec(select(column, func.count()).where(*where).group_by(column)):
        counts[state if state in counts else OTHER] += count
    return counts


def _count(session: Session, query: Any) -> int:
    return int(session.exec(query).one() or 0)


def _active_users() -> Any:
    """Who may sign in and has a marketplace account here."""
    found = select(func.count(func.distinct(Account.user_id))).join(User, col(User.id) == col(Account.user_id))
    return found.where(User.state == "active", col(Account.removed_at).is_(None))


def _age(session: Session, now: datetime, oldest: Any) -> float:
    """Seconds since the one moment this query finds; 0 when there is none."""
    found = session.exec(oldest).one()
    if found is None:
        return 0.0
    since = found if found.tzinfo else found.replace(tzinfo=UTC)
    return float(max(0.0, (now - since).total_seconds()))


def _unfinished() -> Any:
    return col(Batch.state).in_(MOVING)


def _waiting_for_a_word(session: Session) -> int:
    waits = (Publication.state == State.NEEDS_PERSON, Publication.error_code == UNCERTAIN_CODE)
    return _count(session, select(func.count()).where(*waits))


def _queue_age(session: Session, now: datetime) -> float:
    """Of publications that may begin as far as their time and their account's state go; its pace may still hold it."""
    account, queued = col(Publication.account_id) == col(Account.id), Publication.state == State.QUEUED
    its_time = or_(col(Publication.not_before).is_(None), col(Publication.not_before) <= now)
    may_work = (
        Account.state == "ready",
        col(Account.paused).is_(False),
        or_(col(Account.stopped_until).is_(None), col(Account.stopped_until) <= now),
    )
    since = func.min(func.coalesce(Publication.not_before, Publication.created_at))
    return _age(session, now, select(since).join(Account, account).where(queued, its_time, *may_work))


def _oldest_challenge() -> Any:
    waits = (Publication.state == State.NEEDS_PERSON, Publication.error_code == CHALLENGE)
    return select(func.min(Publication.updated_at)).where(*waits)


def _spent_today(session: Session, now: datetime) -> float:
    return _count(session, select(func.sum(ModelCall.micros)).where(ModelCall.day == now.date().isoformat())) / MICROS


def _size(session: Session, database: Database) -> float:
    if not database.is_sqlite:
        return float(session.connection().execute(text("select pg_database_size(current_database())")).scalar_one())
    file = make_url(database.url).database or ""
    return float(sum(_bytes(Path(name)) for name in (file, f"{file}-wal")))


def _bytes(path: Path) -> int:
    """None where it is not there: SQLite takes its second file away at any moment."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
