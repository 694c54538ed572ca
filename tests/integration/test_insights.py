"""The look back over one's own tables: right sums on both databases, nobody else's, bounded; the page, CSV and JSON."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from sqlmodel import Session

from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, ModelCall, Piece, Publication, User, new_id
from backend.publications import journal
from backend.users import page_wishes
from backend.watch import insights
from tests.forms import form, without_tags

NOW = datetime.now(UTC).replace(hour=12)


@pytest.fixture
def client(page_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return page_client


def person(session: Session) -> tuple[str, str, str]:
    user = User(name=new_id())
    session.add(user)
    session.flush()
    batch, account = Batch(user_id=user.id), Account(user_id=user.id, username="m", base_url="http://127.0.0.1:9")
    session.add_all([batch, account])
    session.flush()
    return user.id, batch.id, account.id


def give(session: Session, ids: tuple[str, str, str], number: int, state: str, *, ago: int, mode: str = "draft",
         price: str = "12.00", kind: str = "jeans", micros: int = 500_000) -> None:  # fmt: skip
    """A draft made so many days ago, its publication, which ended a moment later, and its reading."""
    user_id, batch_id, account_id = ids
    at = NOW - timedelta(days=ago)
    draft = Draft(user_id=user_id, batch_id=batch_id, ordinal=number, state="approved", created_at=at,
                  fields={"category": {"value": kind}})  # fmt: skip
    session.add(draft)
    session.flush()
    row = Publication(user_id=user_id, draft_id=draft.id, draft_revision=1, account_id=account_id, route="web",
                      mode=mode, state=state, created_at=at, updated_at=at + timedelta(seconds=1),
                      sheet={"price": price, "title": f"Item {number}"})  # fmt: skip
    journal.open_journal(session, row)
    session.add(ModelCall(user_id=user_id, draft_id=draft.id, at=at, day=at.date().isoformat(), model="m", prompt="p",
                          status="success", micros=micros, cached=number == 0))  # fmt: skip


@pytest.fixture
def mine(database: Database) -> str:
    """Two people with the same kinds of things; the first one's id."""
    with database.session() as session:
        me, other = person(session), person(session)
        for number, (state, ago, more) in enumerate(
            (
                ("confirmed", 0, {"price": "10.00"}),
                ("confirmed", 1, {"price": "30.00"}),
                ("confirmed_with_differences", 1, {"kind": "polo", "mode": "publish"}),
                ("failed", 1, {}),
                ("rehearsed", 2, {"mode": "dry_run"}),
                ("queued", 2, {}),
                ("needs_person", 40, {}),
                ("reconciled", 200, {}),
                ("failed", 1, {"mode": "dry_run"}),
            )
        ):
            give(session, me, number, state, ago=ago, **more)
        today = NOW.date()
        for user, kind, cents, on in (
            (me, "jeans", 1000, today), (me, "jeans", 1500, None), (me, "coat", 4000, today),
            (me, "coat", 9000, today - timedelta(days=30)), (other, "jeans", 7000, today),
        ):  # fmt: skip
            sold = Piece(user_id=user[0], account_id=user[2], state="sold", category=kind, sold_cents=cents, sold_on=on)
            session.add(sold)
        for number in range(50):
            give(session, other, number, "confirmed", ago=1, price="99.00", kind="hoodie")
    return me[0]


def look(database: Database, user_id: str, days: int | None) -> insights.Insights:
    with database.glance() as session:
        return insights.look(session, user_id, days=days, minutes_by_hand=10)


def test_figures_are_the_users_own_and_right(database: Database, mine: str) -> None:
    found = look(database, mine, 7)
    charts = found.charts
    assert (found.step, len(charts["activity"].rows)) == ("day", 7)
    assert [charts["activity"].total(name) for name in ("drafts", "listings", "rehearsals")] == [7, 3, 1]
    assert charts["activity"].rows[-2][1:] == (4, 2, 0), "yesterday"
    assert [charts["success"].total(name) for name in ("as_asked", "with_differences", "failed")] == [2, 1, 1]
    assert charts["success"].column("rate")[-2:] == [67, 100]
    assert charts["success"].column("rate")[0] is None, "nothing ended on that day"
    assert charts["time"].column("so_far")[-1] == 30
    assert charts["prices"].rows == (
        ("jeans", 2, 10.0, 20.0, 30.0, 2, 12.5),
        ("polo", 1, 12.0, 12.0, 12.0, 0, None),
        ("coat", 0, None, None, None, 1, 40.0),
    )
    assert (charts["cost"].total("calls"), charts["cost"].total("kept")) == (6, 1)
    assert charts["cost"].total("dollars") == pytest.approx(3.5)
    assert found.queue_now == insights.QueueNow(1, 0, 1)
    assert charts["queue"].column("left")[-1] == 2, "the queue's line ends where the queue is now"
    assert charts["queue"].column("left")[0] == 1, "what was left before counts"


def test_all_there_is_is_summed_by_week(database: Database, mine: str) -> None:
    found = look(database, mine, None)
    assert found.since == (NOW - timedelta(days=200)).date()
    assert (found.step, found.charts["activity"].total("drafts")) == ("week", 9)
    assert found.charts["activity"].total("listings") == 4
    assert len(found.charts["activity"].rows) <= 30


def test_nobody_has_nothing(database: Database) -> None:
    with database.session() as session:
        user_id = person(session)[0]
    found = look(database, user_id, None)
    assert not any(any(row[1:]) for chart in found.charts.values() for row in chart.rows)


@pytest.mark.parametrize(
    ("days", "step", "most"),
    [(7, "day", 7), (31, "day", 31), (90, "week", 14), (400, "week", 59), (3660, "month", 122)],
)
def test_stretches_cover_every_day_once(days: int, step: str, most: int) -> None:
    today = date(2026, 11, 26)
    since = today - timedelta(days=days - 1)
    stretch = insights.stretch_of(since, today)
    assert (stretch.step, stretch.starts[0]) == (step, since)
    assert len(stretch.starts) <= most
    each = [((since + timedelta(days=n)).isoformat(), 1) for n in range(days)]
    assert sum(stretch.sums(each)) == days
    assert 0 not in stretch.sums(each)


def test_csv_is_the_same_table() -> None:
    chart = insights.Chart(("category", "listings"), (('a "quoted", one', 3), ("b", None)))
    assert list(csv.reader(io.StringIO(insights.to_csv(chart)))) == [
        ["category", "listings"], ['a "quoted", one', "3"], ["b", ""],
    ]  # fmt: skip


async def test_the_page_the_api_and_the_files_say_the_same(client: httpx.AsyncClient) -> None:
    empty = await client.get("/insights")
    assert "Pas encore de bilan" in without_tags(empty)
    runtime = client._transport.app.state.runtime  # type: ignore[attr-defined]

    def furnish(session: Session) -> None:
        batch, account = Batch(user_id=runtime.user_id), Account(user_id=runtime.user_id, username="m", base_url="x")
        session.add_all([batch, account])
        session.flush()
        give(session, (runtime.user_id, batch.id, account.id), 1, "confirmed", ago=0)

    await runtime.database.run(furnish)
    page = await client.get("/insights?days=7")
    assert "Annonces préparées\u00a0: 1. Mises sur le site\u00a0: 1." in without_tags(page)
    assert "8\u00a0min" in without_tags(page)
    kept = await client.post("/insights", data=form(page, "/insights") | {"minutes": "12,5"})
    assert kept.headers["location"] == "/insights?days=7&said=saved#chart-time"
    found = (await client.get("/api/v1/insights?days=7")).json()
    assert found["minutes_by_hand"] == 12.5
    alone = (await client.get("/api/v1/insights?days=7&chart=activity")).json()
    assert alone == found["charts"]["activity"]
    table = await client.get("/api/v1/insights?days=7&chart=activity&format=csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(table.text)))
    assert rows == [alone["columns"], *([str(cell) for cell in row] for row in alone["rows"])]
    assert (await client.get("/api/v1/insights?format=csv")).status_code == 422
    assert (await client.post("/insights", data=form(page, "/insights") | {"minutes": "viel"})).status_code == 422
    with pytest.raises(ValueError, match="240"):
        await runtime.database.run(page_wishes.keep, runtime.user_id, {"minutes_by_hand": 999})
