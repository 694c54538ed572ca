"""A look back over a user's own tables: what was made and put on the site, how it went, what it saved and cost.

Owns which figures there are and over which stretches of time they are summed. Each is a small table of at most a few
dozen rows, summed by the database: a chart, a CSV file and the command line show the same one. Days are those of UTC.
Owns no picture and no sentence. Prices are those asked, beside those of what was sold, as far as the wardrobe knows.
"""

import csv
import io
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from sqlalchemy import Float, Integer, and_, case, cast, func, literal_column, or_, union_all
from sqlalchemy import select as sum_up
from sqlmodel import Session, col, select

from backend.db.engine import clock
from backend.db.models import Draft, ModelCall, Piece, Publication
from backend.db.scope import count_owned
from backend.publications.journal import ENDED, UNDER_WAY, State

Step = Literal["day", "week", "month"]
Cell = str | int | float | None
CHARTS = ("activity", "success", "time", "cost", "prices", "queue")
RANGES = (7, 30, 90)
"""Days to look back over; None is all there is, ten years at most."""
DAYS_MOST = 3660
PRICES_OF = 2000
"""Of each state a listing may stand in, the latest whose prices are compared."""
CATEGORIES = 12
NONE_ASKED: tuple[Cell, ...] = (0, None, None, None)
NONE_SOLD: tuple[Cell, ...] = (0, None)
STANDING = (State.CONFIRMED, State.CONFIRMED_WITH_DIFFERENCES, State.RECONCILED)
_LISTED = ("draft", "publish")


@dataclass(frozen=True)
class Chart:
    """One table of figures. The first column is where a stretch begins (a day in ISO form) or a category."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def column(self, name: str) -> list[Any]:
        return [row[self.columns.index(name)] for row in self.rows]

    def total(self, name: str) -> Any:
        return sum(value or 0 for value in self.column(name))


@dataclass(frozen=True)
class QueueNow:
    """`needs_person` wait for their owner, `under_way` have a job, `queued` wait for their turn."""

    queued: int
    under_way: int
    needs_person: int


@dataclass(frozen=True)
class Insights:
    """From `since` to today, in stretches of a `step`."""

    since: date
    step: Step
    minutes_by_hand: float
    charts: dict[str, Chart]
    queue_now: QueueNow


@dataclass(frozen=True)
class Stretch:
    """The time looked at, and the days on which its steps begin."""

    since: date
    step: Step
    starts: tuple[date, ...]

    @property
    def begin(self) -> datetime:
        return datetime.combine(self.since, time(), UTC)

    def sums(self, by_day: Iterable[tuple[str, int | float]]) -> list[int | float]:
        """Figures by day (ISO) summed by step."""
        found: list[int | float] = [0] * len(self.starts)
        for day, figure in by_day:
            found[bisect_right(self.starts, date.fromisoformat(day)) - 1] += figure
        return found

    def chart(self, **columns: Sequence[Cell]) -> Chart:
        rows = zip((start.isoformat() for start in self.starts), *columns.values(), strict=True)
        return Chart(("from", *columns), tuple(rows))


def look(session: Session, user_id: str, *, days: int | None, minutes_by_hand: float) -> Insights:
    """The user's figures of the last `days` days, today included."""
    today = clock(session).date()
    since = today - timedelta(days=days - 1) if days else _first_day(session, user_id, today)
    stretch = stretch_of(since, today)
    ended = _ended(session, user_id, stretch)
    listings = stretch.sums((day, n) for day, state, mode, n in ended if state in STANDING and mode in _LISTED)
    charts = {
        "activity": _activity(session, user_id, stretch, ended, listings),
        "success": _success(stretch, ended),
        "time": _time(stretch, listings, minutes_by_hand),
        "cost": _cost(session, user_id, stretch),
        "prices": _prices(session, user_id, stretch),
        "queue": _queue(session, user_id, stretch, ended),
    }
    return Insights(since, stretch.step, minutes_by_hand, charts, _now(session, user_id))


def stretch_of(since: date, today: date) -> Stretch:
    """Days up to a month, weeks (from Monday) up to a year or so, then months: never more than about 120."""
    days = (today - since).days + 1
    step: Step = "day" if days <= 31 else "week" if days <= 400 else "month"
    follow: dict[Step, Callable[[date], date]] = {
        "day": lambda day: day + timedelta(days=1),
        "week": lambda day: day + timedelta(days=7 - day.weekday()),
        "month": lambda day: (day.replace(day=1) + timedelta(days=32)).replace(day=1),
    }
    starts = [since]
    while (after := follow[step](starts[-1])) <= today:
        starts.append(after)
    return Stretch(since, step, tuple(starts))


def _first_day(session: Session, user_id: str, today: date) -> date:
    drafts = select(func.min(Draft.created_at)).where(Draft.user_id == user_id)
    calls = select(func.min(ModelCall.day)).where(ModelCall.user_id == user_id)
    first, called = session.exec(drafts).one(), session.exec(calls).one()
    known = [day for day in (first and first.date(), called and date.fromisoformat(called)) if day]
    return max(min(known, default=today), today - timedelta(days=DAYS_MOST - 1))


def _day(session: Session, moment: Any) -> Any:
    """The day in UTC of a moment, as ISO text on both databases."""
    if session.get_bind().dialect.name == "sqlite":  # which keeps moments as text, in UTC
        return func.substr(moment, 1, 10)
    return func.to_char(func.timezone(literal_column("'UTC'"), moment), literal_column("'YYYY-MM-DD'"))


def _ended(session: Session, user_id: str, stretch: Stretch) -> list[tuple[str, str, str, int]]:
    """(day, state, mode, how many) of the publications that ended: nothing moves one after that."""
    day = _day(session, Publication.updated_at)
    query = select(day, col(Publication.state), col(Publication.mode), func.count()).where(
        Publication.user_id == user_id,
        col(Publication.state).in_(ENDED),
        col(Publication.updated_at) >= stretch.begin,
    )
    return [tuple(row) for row in session.exec(query.group_by(day, col(Publication.state), col(Publication.mode)))]


def _made(session: Session, user_id: str, model: Any, stretch: Stretch, *narrowed: Any) -> list[int | float]:
    day = _day(session, model.created_at)
    query = select(day, func.count()).where(model.user_id == user_id, model.created_at >= stretch.begin, *narrowed)
    return stretch.sums(tuple(row) for row in session.exec(query.group_by(day)))


def _activity(session: Session, user_id: str, stretch: Stretch, ended: Any, listings: Sequence[Cell]) -> Chart:
    drafts = _made(session, user_id, Draft, stretch, col(Draft.state) != "discarded")
    rehearsals = stretch.sums((day, n) for day, state, _, n in ended if state == State.REHEARSED)
    return stretch.chart(drafts=drafts, listings=listings, rehearsals=rehearsals)


def _success(stretch: Stretch, ended: Any) -> Chart:
    """Of the publications that were to leave something on the site; cancelled ones are neither."""

    def of(*states: State) -> list[int | float]:
        return stretch.sums((day, n) for day, state, mode, n in ended if state in states and mode in _LISTED)

    as_asked, differing = of(State.CONFIRMED, State.RECONCILED), of(State.CONFIRMED_WITH_DIFFERENCES)
    failed = of(State.FAILED)
    rate = [
        round(100 * (good + other) / (good + other + bad)) if good + other + bad else None
        for good, other, bad in zip(as_asked, differing, failed, strict=True)
    ]
    return stretch.chart(as_asked=as_asked, with_differences=differing, failed=failed, rate=rate)


def _time(stretch: Stretch, listings: Sequence[Any], minutes_by_hand: float) -> Chart:
    minutes = [round(n * minutes_by_hand) for n in listings]
    return stretch.chart(listings=listings, minutes=minutes, so_far=_running(minutes))


def _cost(session: Session, user_id: str, stretch: Stretch) -> Chart:
    """Calls to a model, answers taken from what was kept, and the price of the calls where it is known."""
    cached = func.sum(case((col(ModelCall.cached), 1), else_=0))
    query = select(col(ModelCall.day), func.count(), cached, func.coalesce(func.sum(ModelCall.micros), 0)).where(
        ModelCall.user_id == user_id, ModelCall.day >= stretch.since.isoformat()
    )
    rows = session.exec(query.group_by(col(ModelCall.day))).all()
    return stretch.chart(
        calls=stretch.sums((day, n - (kept or 0)) for day, n, kept, _ in rows),
        kept=stretch.sums((day, kept or 0) for day, _, kept, _ in rows),
        dollars=[round(micros / 1e6, 4) for micros in stretch.sums((day, int(m or 0)) for day, _, _, m in rows)],
    )


def _prices(session: Session, user_id: str, stretch: Stretch) -> Chart:
    """By category: how many listings stand, the lowest, usual and highest price asked; how many were sold, for how
    much on average."""
    latest = union_all(*(select(_sent(user_id, stretch, state)) for state in STANDING)).subquery()
    price, category = latest.c.price, latest.c.category
    query: Any = (
        sum_up(category, func.count(), func.min(price), func.avg(price), func.max(price))
        .where(price.is_not(None), category.is_not(None))
        .group_by(category)
        .order_by(func.count().desc(), category)
        .limit(CATEGORIES)
    )
    asked = {name: (n, *(round(float(one), 2) for one in prices)) for name, n, *prices in session.exec(query)}
    sold = _sold(session, user_id, stretch)
    more = [name for name in sold if name not in asked][: CATEGORIES - len(asked)]
    rows = ((name, *asked.get(name, NONE_ASKED), *sold.get(name, NONE_SOLD)) for name in (*asked, *more))
    return Chart(("category", "listings", "lowest", "usual", "highest", "sold", "sold_for"), tuple(rows))


def _sold(session: Session, user_id: str, stretch: Stretch) -> dict[str, tuple[int, float]]:
    """By category, the most sold first: how many, and for how much on average. One without a day counts by when it was
    known to be sold."""
    cents = col(Piece.sold_cents)
    query: Any = (
        sum_up(col(Piece.category), func.count(), func.avg(cents))
        .where(
            col(Piece.user_id) == user_id,
            col(Piece.state) == "sold",
            cents.is_not(None),
            col(Piece.category).is_not(None),
            or_(
                col(Piece.sold_on) >= stretch.since,
                and_(col(Piece.sold_on).is_(None), col(Piece.state_since) >= stretch.begin),
            ),
        )
        .group_by(col(Piece.category))
        .order_by(func.count().desc(), col(Piece.category))
    )
    return {name: (n, round(float(mean) / 100, 2)) for name, n, mean in session.exec(query)}


def _sent(user_id: str, stretch: Stretch, state: State) -> Any:
    """Price and category of the latest listings in this state: by one state an index has them in order."""
    sheet, fields = col(Publication.sheet), col(Draft.fields)
    return (
        select(
            cast(sheet[("price",)].as_string(), Float).label("price"),
            fields[("category", "value")].as_string().label("category"),
        )
        .join(Draft, col(Draft.id) == col(Publication.draft_id))
        .where(
            Publication.user_id == user_id,
            Publication.state == state,
            col(Publication.updated_at) >= stretch.begin,
            col(Publication.mode).in_(_LISTED),
        )
        .order_by(col(Publication.updated_at).desc())
        .limit(PRICES_OF)
        .subquery()
    )


def _queue(session: Session, user_id: str, stretch: Stretch, ended: Any) -> Chart:
    """How many publications were asked for and ended, and how many were waiting or under way at each step's end."""
    before = count_owned(session, Publication, user_id, col(Publication.created_at) < stretch.begin) - count_owned(
        session, Publication, user_id, col(Publication.state).in_(ENDED), col(Publication.updated_at) < stretch.begin
    )
    asked = _made(session, user_id, Publication, stretch)
    done = stretch.sums((day, n) for day, _, _, n in ended)
    left = _running([a - d for a, d in zip(asked, done, strict=True)], start=before)
    return stretch.chart(asked=asked, ended=done, left=left)


def _now(session: Session, user_id: str) -> QueueNow:
    open_states = (State.QUEUED, State.NEEDS_PERSON, *sorted(UNDER_WAY))
    query = select(Publication.state, cast(func.count(), Integer)).where(
        Publication.user_id == user_id, col(Publication.state).in_(open_states)
    )
    counted: dict[str, int] = dict(session.exec(query.group_by(col(Publication.state))).all())
    return QueueNow(
        counted.get(State.QUEUED, 0),
        sum(counted.get(state, 0) for state in UNDER_WAY),
        counted.get(State.NEEDS_PERSON, 0),
    )


def _running(figures: Iterable[Any], start: int = 0) -> list[Any]:
    found, so_far = [], start
    for figure in figures:
        so_far += figure
        found.append(so_far)
    return found


def to_csv(chart: Chart) -> str:
    """The chart as a spreadsheet reads it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([chart.columns, *chart.rows])
    return text.getvalue()
