"""docs/failures.md row by row: what each fault of the sandbox comes to, and what the account's owner is told.

All rows at once, each on an account of its own, so that none keeps another waiting."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from backend.cli.photos import hand_in, watch
from backend.core.retry_utils import waiting_by
from backend.db.models import Publication
from backend.marketplace.vinted_web import handover
from backend.notifications.service import notifications_of
from backend.publications import journal, queue, service
from backend.publications.service import Order
from backend.runtime import Runtime, running
from backend.sandbox.faults import KINDS
from backend.sandbox.server import Sandbox, running_sandbox
from backend.settings import Settings
from backend.web.language import Words
from backend.web.views import publications_shown, queue_shown
from backend.workflows.parts import Patience
from tests.conftest import DrawPhoto
from tests.fakes import ScriptedReader, older_listing, signed_in

PAGE = Path(__file__).parents[2] / "docs" / "failures.md"
PATIENCE = Patience(click_within=4, looks_after=(0.3, 1.0, 5.0), owner=60)


@dataclass(frozen=True)
class Row:
    """A fault and where it is met: a step, with the fault's parameters as `name=value`."""

    kind: str
    where: str

    @property
    def step(self) -> str:
        return self.where.split()[0]

    @property
    def params(self) -> dict[str, object]:
        pairs = (pair.split("=") for pair in self.where.split()[1:])
        return {name: {"true": True, "false": False}.get(value, _number(value)) for name, value in pairs}


def _number(text: str) -> object:
    return float(text) if re.fullmatch(r"\d+\.\d+", text) else int(text) if text.isdigit() else text


def rows() -> list[Row]:
    return [Row(*found) for found in re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.M)]


def test_every_fault_has_a_row() -> None:
    assert {row.kind for row in rows()} == set(KINDS)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as site:
        yield site


@pytest.mark.timeout(900)
async def test_each_fault_comes_to_what_the_page_says(
    settings: Settings, sandbox: Sandbox, draw_photo: DrawPhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = rows()
    many = settings.model_copy(update={"browser_contexts": 4})
    photos = [draw_photo(f"IMG_{number:03d}.jpg", seconds=number * 600) for number in range(len(table))]
    monkeypatch.setattr(handover, "SHOWN_WITHIN", 0.5)
    async with running(many, analyzer=ScriptedReader(), patience=PATIENCE) as runtime:
        batch_id = await hand_in(runtime, photos[0].parent, {"audience": "women", "condition": "good"})
        await watch(runtime, batch_id, quiet=True)
        drafts = await runtime.database.run(service.publishable, runtime.user_id)
        with waiting_by(lambda _: None):
            ids = [
                await begin(runtime, sandbox, row, n, draft.id)
                for n, (row, draft) in enumerate(zip(table, drafts, strict=True))
            ]
            await everything_rests(runtime, ids)
        told = await runtime.database.run(what_is_told, runtime.user_id)
        notices = await runtime.database.run(notifications_of, runtime.user_id)
        states = await states_of(runtime, ids)
    worth_telling = ("needs_person", "failed", "confirmed_with_differences")
    about = sorted(notice.publication_id for notice in notices if notice.publication_id)
    assert about == sorted(one for one, state in states.items() if state in worth_telling), "each once, no other"
    by_account = sandbox.received()["by_account"]
    there = [
        sum(by_account.get(f"seller{n}", {}).get(kind, 0) for kind in ("drafts", "published"))
        for n in range(len(table))
    ]
    found = [
        f"| `{row.kind}` | `{row.where}` | `{states[one]}` | {there[n]} | {told[one]} |"
        for n, (row, one) in enumerate(zip(table, ids, strict=True))
    ]
    assert found == [row for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| `")]


async def begin(runtime: Runtime, sandbox: Sandbox, row: Row, number: int, draft_id: str) -> str:
    account = await signed_in(runtime, sandbox, f"seller{number}")
    older_listing(sandbox, account.username)
    times = 1 if row.kind.startswith("dropped") or "times" in row.params else -1
    params = {name: value for name, value in row.params.items() if name != "times"}
    sandbox.set_fault(row.kind, row.step, times=times, account=account.username, **params)
    return (await runtime.publish(runtime.user_id, Order(draft_id, account.id, "draft"))).id


async def states_of(runtime: Runtime, ids: list[str]) -> dict[str, str]:
    query = select(Publication.id, Publication.state).where(col(Publication.id).in_(ids))
    return await runtime.database.look(lambda session: dict(session.exec(query).all()))


async def everything_rests(runtime: Runtime, ids: list[str]) -> None:
    """Until each has ended, waits for its owner, or for longer than anybody sits and watches."""
    async with asyncio.timeout(840):
        while True:
            reasons = await runtime.database.look(queue.waiting, runtime.user_id)
            put_off = {one for one, held in reasons.items() if not held.is_brief}
            states = await states_of(runtime, ids)
            if not any(state in journal.RUNNING for one, state in states.items() if one not in put_off):
                return
            await asyncio.sleep(0.3)


def what_is_told(session: Session, user_id: str) -> dict[str, str]:
    """The sentence on the page for each publication."""
    words = Words("en")
    shown = {one.row.id: one.advice for one in publications_shown(session, user_id, words)}
    for one in queue_shown(session, user_id, words):
        shown[one.row.id] = re.sub(r"after .*\.", "after …", one.waits)
    return {key: told or "–" for key, told in shown.items()}
