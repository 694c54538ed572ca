"""What went wrong once and must not again: found by a reviewer who tried to break it."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.accounts import service as accounts
from backend.cli.photos import hand_in, report, watch
from backend.core.errors import Conflict, SetupError
from backend.core.reading import ItemReading, PhotoInput
from backend.db.models import Draft, Publication
from backend.drafts import service as drafts
from backend.drafts.schemas import FieldsPatch
from backend.marketplace.port import (
    AccountSession,
    AskOwner,
    BeforeSubmit,
    Filled,
    ListingSheet,
    Mode,
    Outcome,
    Progress,
)
from backend.publications import service
from backend.publications.service import Order
from backend.runtime import Runtime, running
from backend.settings import Settings
from backend.workflows.executors import FileExecutors
from backend.workflows.parts import current
from tests.fakes import ScriptedReader, stand_in_account, t_shirt

STATED = {"audience": "women", "condition": "very-good"}
ROOT = Path(__file__).parents[2]


class Counting:
    """A route that clicks without a browser; `clicks` is what the marketplace got."""

    name = "counting"

    def __init__(self) -> None:
        self.clicks = 0
        self.hold = asyncio.Event()
        self.hold.set()

    async def put(
        self,
        account: AccountSession,
        sheet: ListingSheet,
        mode: Mode,
        *,
        before_submit: BeforeSubmit,
        progress: Progress,
        ask_owner: AskOwner | None = None,
        evidence: Path | None = None,
    ) -> Outcome:
        await self.hold.wait()
        permit = await before_submit(Filled(b"form"))
        assert not permit.expired
        self.clicks += 1
        return Outcome(str(self.clicks), f"http://127.0.0.1:9/items/{self.clicks}", b"listing")

    async def aclose(self) -> None:
        return None


@pytest.fixture
def route(runtime: Runtime) -> Counting:
    counting = Counting()
    current().routes["web"] = counting
    return counting


@pytest.fixture
async def ready(runtime: Runtime, closet: Path) -> list[str]:
    await stand_in_account(runtime)
    batch_id = await hand_in(runtime, closet, STATED)
    await watch(runtime, batch_id, quiet=True)
    return [row["id"] for row in (await report(runtime, batch_id))["drafts"]]


async def asked(runtime: Runtime, draft_id: str) -> Publication:
    account = await runtime.database.run(accounts.choose, runtime.user_id, None)
    return await runtime.publish(runtime.user_id, Order(draft_id, account.id, "draft"))


async def ended(runtime: Runtime, publication_id: str) -> Publication:
    async with asyncio.timeout(20):
        while True:
            found = await runtime.database.run(lambda s: s.get_one(Publication, publication_id))
            if found.state in ("confirmed", "failed", "needs_person", "rehearsed", "cancelled", "reconciled"):
                return found
            await asyncio.sleep(0.05)


async def test_a_disk_too_full_for_the_picture_does_not_undo_a_proof(
    runtime: Runtime, route: Counting, ready: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(content: bytes, suffix: str) -> str:
        raise SetupError("The disk is full.")

    monkeypatch.setattr(runtime.store, "put", full)
    first = await ended(runtime, (await asked(runtime, ready[0])).id)
    again = await ended(runtime, (await asked(runtime, ready[0])).id)
    assert (first.state, first.listing_id, again.id, route.clicks) == ("confirmed", "1", first.id, 1)


async def test_only_what_waits_for_a_person_can_be_sent_round_again(
    runtime: Runtime, route: Counting, ready: list[str]
) -> None:
    publication = await ended(runtime, (await asked(runtime, ready[0])).id)
    for state in ("queued", "preparing", "filled", "submitting", "uncertain", "confirmed", "reconciled", "failed"):
        with runtime.database.session() as session:
            session.get_one(Publication, publication.id).state = state
        for despite_doubt in (False, True):
            with pytest.raises(Conflict), runtime.database.session() as session:
                service.resume(session, runtime.user_id, publication.id, despite_doubt=despite_doubt)


async def test_a_draft_discarded_meanwhile_is_not_published(
    runtime: Runtime, route: Counting, ready: list[str]
) -> None:
    route.hold.clear()
    blocking, waiting = await asked(runtime, ready[0]), await asked(runtime, ready[1])
    await runtime.database.run(drafts.discard, runtime.user_id, ready[1])
    route.hold.set()
    assert (await ended(runtime, blocking.id)).state == "confirmed"
    stopped = await ended(runtime, waiting.id)
    assert (stopped.state, stopped.error_code, route.clicks) == ("failed", "draft_discarded", 1)


async def test_a_discarded_draft_is_restored_before_it_is_changed(runtime: Runtime, ready: list[str]) -> None:
    await runtime.database.run(drafts.discard, runtime.user_id, ready[0])
    for change in (drafts.edit, drafts.approve):
        arguments = (1, {"size": "L"}) if change is drafts.edit else ()
        with pytest.raises(Conflict, match="Restore it first"):
            await runtime.database.run(change, runtime.user_id, ready[0], *arguments)


async def test_a_sign_in_meanwhile_is_not_overwritten_by_an_older_browser(runtime: Runtime) -> None:
    account = await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=old", "http://127.0.0.1:9")
    began_with = account.session
    await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=fresh", "http://127.0.0.1:9")
    with runtime.database.session() as session:
        late = {"cookies": [], "origins": []}
        accounts.keep_session(session, runtime.vault, runtime.user_id, account.id, late, instead_of=began_with)
    found = await runtime.database.run(accounts.choose, runtime.user_id, None)
    assert accounts.open_session(found, runtime.vault)["cookies"][0]["value"] == "fresh"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)//", "file:///etc/passwd", "notaurl", "http://vinted.fr", "https://a.b/c?d"]
)
async def test_an_address_that_is_no_marketplaces_is_refused(runtime: Runtime, address: str) -> None:
    with pytest.raises(Exception, match="address"):
        await runtime.accounts.keep_session(runtime.user_id, "marie", address, {"cookies": []})


async def test_a_reader_that_stumbles_over_one_item_keeps_no_other_from_its_seller(
    settings: Settings, closet: Path
) -> None:
    def stumble(photos: Sequence[PhotoInput]) -> ItemReading:
        if photos[0].name == "IMG_00.jpg":
            raise RuntimeError("a fault of ours")
        return t_shirt(photos)

    async with running(settings, analyzer=ScriptedReader(stumble)) as runtime:
        batch_id = await hand_in(runtime, closet, STATED)
        await watch(runtime, batch_id, quiet=True)
        found = await report(runtime, batch_id)
    assert found["state"] == "done"
    assert [d["publish_ready"] for d in found["drafts"]] == [False, True]
    assert found["drafts"][0]["warnings"] == ["reading_failed:internal"]


async def test_a_command_that_only_looks_keeps_no_server_from_its_jobs(settings: Settings, closet: Path) -> None:
    looker = """
import asyncio, sys
from backend.runtime import running
from backend.settings import Settings
from tests.fakes import ScriptedReader

async def main():
    async with running(Settings(data=sys.argv[1]), run_jobs=False, analyzer=ScriptedReader()):
        print("in", flush=True)
        sys.stdin.read()

asyncio.run(main())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", looker, str(settings.data)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    await asyncio.to_thread(process.stdout.readline)
    async with running(settings, analyzer=ScriptedReader()) as runtime:
        batch_id = await hand_in(runtime, closet, STATED)
        async with asyncio.timeout(20):
            await watch(runtime, batch_id, quiet=True)
    await asyncio.to_thread(process.communicate, b"")


async def test_the_jobs_of_a_process_that_ends_are_taken_over(settings: Settings, closet: Path) -> None:
    other = FileExecutors(settings.data / "executors")
    other.take()
    async with running(settings, if_idle=True, analyzer=ScriptedReader()) as runtime:
        batch_id = await hand_in(runtime, closet, STATED)
        assert runtime.jobs.somebody_works
        await asyncio.sleep(0.5)
        assert (await report(runtime, batch_id))["state"] == "queued"
        other.release()
        async with asyncio.timeout(30):
            await watch(runtime, batch_id, quiet=True)
        assert (await report(runtime, batch_id))["state"] == "done"


async def test_stopping_in_the_middle_leaves_the_journal_as_it_was(settings: Settings, closet: Path) -> None:
    async with running(settings, analyzer=ScriptedReader()) as runtime:
        counting = Counting()
        counting.hold.clear()
        current().routes["web"] = counting
        await stand_in_account(runtime)
        batch_id = await hand_in(runtime, closet, STATED)
        await watch(runtime, batch_id, quiet=True)
        draft_id = (await report(runtime, batch_id))["drafts"][0]["id"]
        publication = await asked(runtime, draft_id)
        async with asyncio.timeout(10):
            while (await runtime.database.run(lambda s: s.get_one(Publication, publication.id))).state != "preparing":
                await asyncio.sleep(0.05)
    async with running(settings, analyzer=ScriptedReader(), run_jobs=False) as runtime:
        kept = await runtime.database.run(lambda s: s.get_one(Publication, publication.id))
        draft = await runtime.database.run(lambda s: s.get_one(Draft, draft_id))
    assert (kept.state, kept.error, draft.state) == ("preparing", None, "open")


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "\u200b" * 6},
        {"brand": "   "},
        {"price": "1e9"},
        {"price": "NaN"},
        {"price": "-1"},
        {"price": "1.005"},
        {"price": 0},
    ],
)
def test_what_nobody_can_see_or_pay_is_refused(fields: dict) -> None:
    with pytest.raises(ValueError, match=r"seen|price"):
        FieldsPatch(**fields)


def test_text_is_tidied_and_prices_are_plain() -> None:
    patch = FieldsPatch(title=" Robe\n  rouge\x00 ", description="a\r\n\tb  c\n", price="1e3", brand="Nike\nSB")
    assert patch.changes() == {"title": "Robe rouge", "description": "a\nb c", "price": "1000", "brand": "Nike SB"}
