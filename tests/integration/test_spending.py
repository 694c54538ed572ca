"""What calls to a model cost: set aside before, settled after, never beyond the budget; kept answers cost nothing."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from sqlmodel import Session, select
from typer.testing import CliRunner

from backend.app import create_app
from backend.building import build_analyzer
from backend.cli import app as command_line
from backend.cli.photos import hand_in, report, watch
from backend.core.errors import BudgetReached, SetupError
from backend.core.model_calls import Behalf, MadeCall, PlannedCall, Tokens
from backend.db.engine import Database
from backend.db.models import ModelAnswer, ModelCall, User, now
from backend.runtime import running
from backend.sandbox.vision_api import VisionApi
from backend.settings import Settings
from backend.spending import ledger
from backend.spending.ledger import Budget, TableLedger, left_on, recall, remember, reserve, settle
from backend.spending.report import cost_of_batch, costs_of

CALL = PlannedCall("gpt-4o", "item-v2", Tokens(4000, 2000), 300)


@pytest.fixture
def marie(database: Database) -> Behalf:
    with database.session() as session:
        user = User(name="marie")
        session.add(user)
        return Behalf(user.id, "batch-1", "draft-1")


def make(session: Session, whose: Behalf, micros: int) -> str:
    call_id = reserve(session, whose, PlannedCall("gpt-4o", "item-v2", Tokens(10, 5), micros), Budget())
    settle(session, call_id, MadeCall("success", Tokens(8, 2), micros))
    return call_id


def test_a_call_is_set_aside_then_settled(database: Database, marie: Behalf) -> None:
    with database.session() as session:
        call_id = reserve(session, marie, CALL, Budget())
    with database.session() as session:
        row = session.get_one(ModelCall, call_id)
        assert (row.status, row.micros, row.estimated, row.batch_id, row.draft_id) == (
            *("reserved", 300, True, "batch-1", "draft-1"),
        )
        settle(session, call_id, MadeCall("success", Tokens(1000, 200), 45))
    with database.session() as session:
        row = session.get_one(ModelCall, call_id)
        assert (row.status, row.micros, row.estimated) == ("success", 45, False)
        assert (row.input_tokens, row.output_tokens, row.day) == (1000, 200, now().date().isoformat())


def test_what_was_not_told_stays_at_the_most_it_may_be(database: Database, marie: Behalf) -> None:
    with database.session() as session:
        settle(session, reserve(session, marie, CALL, Budget()), MadeCall("unanswered"))
        cost = cost_of_batch(session, marie.user_id or "", "batch-1")
        assert (cost.micros, cost.estimated, cost.failed) == (300, 1, 1)


def test_the_budgets_stop_before_they_are_crossed(database: Database, marie: Behalf) -> None:
    day, batch = Budget(day=1000), Budget(batch=600)
    with database.session() as session:
        reserve(session, marie, CALL, batch)
        reserve(session, marie, CALL, batch)
    with (
        pytest.raises(BudgetReached, match=r"batch's budget.*\$0\.0006.*\$0\.0006.*\$0\.0003"),
        database.session() as session,
    ):
        reserve(session, marie, CALL, batch)
    other = Behalf(marie.user_id, "batch-2")
    with database.session() as session:
        reserve(session, other, CALL, Budget(day=1000, batch=600))
    with pytest.raises(BudgetReached, match="day's budget"), database.session() as session:
        reserve(session, other, CALL, day)
    with database.session() as session:
        reserve(session, other, CALL, day, at=now() + timedelta(days=1))
        free = PlannedCall("llava", "item-v2", Tokens(1, 1), 0)
        assert reserve(session, other, free, Budget(day=0))


def test_one_users_budget_is_not_anothers(database: Database, marie: Behalf) -> None:
    limit = Budget(user_day=600)
    today = now().date().isoformat()
    with database.session() as session:
        paul = User(name="paul")
        session.add(paul)
        session.flush()
        for _ in range(2):
            reserve(session, marie, CALL, limit)
        assert left_on(session, today, marie.user_id or "", Budget(day=700, user_day=600)) == (600, 0)
        assert left_on(session, today, paul.id, Budget(day=700, user_day=600)) == (700, 100)
        assert reserve(session, Behalf(paul.id, "batch-9"), CALL, limit)
    with pytest.raises(BudgetReached, match=r"user's budget.*midnight, UTC"), database.session() as session:
        reserve(session, marie, CALL, limit)


def test_settling_for_less_makes_room_again(database: Database, marie: Behalf) -> None:
    with database.session() as session:
        for _ in range(5):
            call_id = reserve(session, marie, CALL, Budget(day=400))
            settle(session, call_id, MadeCall("success", Tokens(100, 20), 20))
        assert cost_of_batch(session, marie.user_id or "", "batch-1").micros == 100


def test_no_number_of_calls_at_once_crosses_a_budget(database: Database, marie: Behalf) -> None:
    """Eight threads on two connections' pools, as two processes have them."""
    other = Database(database.url)

    def attempt(n: int) -> bool:
        try:
            with (database, other)[n % 2].session() as session:
                reserve(session, marie, CALL, Budget(day=3000))
        except BudgetReached:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(attempt, range(40)))
    other.close()
    assert sum(made) == 10
    with database.session() as session:
        assert sum(call.micros or 0 for call in session.exec(select(ModelCall))) == 3000


def test_costs_are_told_by_day_batch_item_and_model_of_the_user_alone(database: Database, marie: Behalf) -> None:
    with database.session() as session:
        paul = User(name="paul")
        session.add(paul)
        session.flush()
        make(session, marie, 500)
        make(session, Behalf(marie.user_id, "batch-1", "draft-2"), 700)
        make(session, Behalf(paul.id, "batch-9"), 9000)
        reserve(session, Behalf(marie.user_id), PlannedCall("new", "item-v2", Tokens(1, 1), None), Budget())
        reserve(session, marie, CALL, Budget(), at=now() - timedelta(days=40))
        found = costs_of(session, marie.user_id or "", days=30)
    assert (found.total.calls, found.total.micros, found.total.unpriced) == (3, 1200, 1)
    assert {name: cost.micros for name, cost in found.batches.items()} == {"batch-1": 1200}
    assert list(found.items) == ["draft-2", "draft-1"]
    assert set(found.models) == {"gpt-4o", "new"}
    assert list(found.days) == [now().date().isoformat()]


def test_a_kept_answer_is_the_user_s_own_and_counted_as_free(database: Database, marie: Behalf) -> None:
    with database.session() as session:
        remember(session, marie, "key", '{"a": 1}')
        remember(session, marie, "key", '{"a": 2}')
    with database.session() as session:
        paul = User(name="paul")
        session.add(paul)
        session.flush()
        assert recall(session, Behalf(paul.id), "key", model="m", prompt="p") is None
        assert recall(session, marie, "key", model="m", prompt="p") == '{"a": 2}'
        cost = cost_of_batch(session, marie.user_id or "", "batch-1")
        assert (cost.calls, cost.cached, cost.micros) == (0, 1, 0)


def test_answers_are_bounded_in_age_and_number(
    database: Database, marie: Behalf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "ANSWERS_KEPT", 3)
    with database.session() as session:
        session.add(ModelAnswer(user_id=marie.user_id, key="old", answer="{}", at=now() - ledger.ANSWER_AGE * 1.1))
    with database.session() as session:
        assert recall(session, marie, "old", model="m", prompt="p") is None
    for n in range(6):
        with database.session() as session:
            remember(session, marie, str(n), "{}")
    with database.session() as session:
        assert sorted(kept.key for kept in session.exec(select(ModelAnswer))) == ["3", "4", "5"]


def test_two_processes_may_keep_the_same_answer(database: Database, marie: Behalf) -> None:
    def keep(_: int) -> None:
        with database.session() as session:
            remember(session, marie, "same", "{}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep, range(12)))
    with database.session() as session:
        assert len(session.exec(select(ModelAnswer)).all()) == 1


def test_a_budget_on_a_model_of_unknown_price_is_no_budget(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, openai_api_key="k", model="brand-new", model_day_budget=Decimal(1))
    with pytest.raises(SetupError, match="VINTEDBOT_MODEL_PRICE_INPUT"):
        build_analyzer(settings, TableLedger(Database("sqlite://")))


async def test_a_batch_within_its_budget_and_then_without_the_model(
    api: VisionApi, tmp_path: Path, closet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two items, a budget for one call: one is read by the model, the other by the embedded reader, and it shows."""
    api.forget()
    given = {
        "OPENAI_API_KEY": api.key,
        "OPENAI_BASE_URL": api.url,
        "VINTEDBOT_MODEL_PRICE_INPUT": "0",
        "VINTEDBOT_MODEL_PRICE_OUTPUT": "10",
        "VINTEDBOT_MODEL_BATCH_BUDGET": "0.0219",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings(data=tmp_path / "data")
    async with running(settings) as runtime:
        batch_id = await hand_in(runtime, closet, {})
        await watch(runtime, batch_id, quiet=True)
        found = await report(runtime, batch_id)
    assert found["state"] == "done"
    assert (api.calls, found["cost"]["calls"], found["cost"]["micros"]) == (1, 1, 2000)
    warned = ["budget_reached" in draft["warnings"] for draft in found["drafts"]]
    assert sorted(warned) == [False, True]
    by_model = [any(e["source"] == "model" for e in d["fields"]["colours"]["evidence"]) for d in found["drafts"]]
    assert by_model == [not reached for reached in warned]

    told = await asyncio.to_thread(CliRunner().invoke, command_line, ["costs", "--json"])
    assert told.exit_code == 0, told.output
    costs = json.loads(told.stdout)
    assert (costs["total"]["micros"], costs["budget"]) == (2000, {"day": None, "user_day": None, "batch": 21_900})
    shown = await asyncio.to_thread(CliRunner().invoke, command_line, ["costs"])
    assert "$0.0020" in shown.stdout

    built = create_app(settings, run_jobs=False)
    async with built.router.lifespan_context(built):
        transport = httpx.ASGITransport(built, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://vintedbot") as client:
            answer = (await client.get("/api/v1/ai/costs")).json()
            job = (await client.get(f"/api/v1/bulk/jobs/{batch_id}")).json()
    assert answer["costs"]["batches"][batch_id] == job["cost"] == costs["batches"][batch_id]
