"""What went wrong once and must not again: found by a reviewer who tried to break it."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from dbos import DBOS
from sqlmodel import Session

from backend.accounts import service as accounts
from backend.cli.photos import hand_in, report, watch
from backend.core import metrics, runs
from backend.core.errors import Conflict, SetupError, UncertainError
from backend.core.modes import Mode
from backend.core.reading import ItemReading, PhotoInput
from backend.core.retry_utils import waiting_by
from backend.db.models import Draft, Publication
from backend.drafts import service as drafts
from backend.drafts.schemas import FieldsPatch
from backend.key_rotation import rotate_key
from backend.marketplace.port import (
    AccountSession,
    AskOwner,
    BeforeSubmit,
    Difference,
    Filled,
    ListingSheet,
    Outcome,
    Progress,
    WardrobeItem,
)
from backend.notifications.service import notifications_of
from backend.publications import queue, service
from backend.publications.service import Order
from backend.runtime import Runtime, running
from backend.settings import Settings
from backend.workflows import publish, settle
from backend.workflows.executors import FileExecutors
from backend.workflows.job import acting_as
from backend.workflows.parts import current
from tests.fakes import ScriptedReader, stand_in_account, t_shirt

STATED = {"audience": "women", "condition": "very-good"}
ROOT = Path(__file__).parents[2]


class Counting:
    """A route that clicks without a browser; `clicks` is what the marketplace got, `trouble` what comes of a look,
    `late_trouble` what comes after a click; `swallows` so many clicks, and answers none."""

    name = "counting"

    def __init__(self) -> None:
        self.clicks = self.looks = 0
        self.stored: list[WardrobeItem] = []
        self.trouble: Exception | None = None
        self.late_trouble: Exception | None = None
        self.swallows = 0
        self.reached = asyncio.Event()
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
        self.reached.set()
        await self.hold.wait()
        permit = await before_submit(Filled(b"form", listings_before=("old",)))
        assert not permit.expired
        self.clicks += 1
        if self.swallows:
            self.swallows -= 1
            raise UncertainError("no answer")
        self.stored.append(WardrobeItem(str(self.clicks), sheet.title, sheet.price, mode == "draft"))
        if self.late_trouble is not None:
            raise self.late_trouble
        return Outcome(str(self.clicks), f"http://127.0.0.1:9/items/{self.clicks}", b"listing")

    async def list_wardrobe(self, account: AccountSession) -> list[WardrobeItem]:
        self.looks += 1
        if self.trouble is not None:
            raise self.trouble
        return [*self.stored, WardrobeItem("old", "Jupe", None, False)]

    async def read_back(
        self, account: AccountSession, sheet: ListingSheet, shown: Mapping[str, str], listing_id: str
    ) -> tuple[Difference, ...]:
        return ()

    def listing_url(self, account: AccountSession, listing_id: str, mode: Mode) -> str:
        return f"{account.base_url}/items/{listing_id}"

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


@pytest.fixture
def stumble(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes telling an owner, as one of these modules does it, fail once."""

    def fail_in(*modules: ModuleType) -> None:
        for module in modules:
            errors = iter([ZeroDivisionError("a fault of ours")])
            plain = module.tell

            def tell(
                session: Session, publication: Publication, plain: Any = plain, errors: Iterator[Exception] = errors
            ) -> None:
                if (error := next(errors, None)) is not None:
                    raise error
                plain(session, publication)

            monkeypatch.setattr(module, "tell", tell)

    return fail_in


@pytest.fixture
def at_once() -> Iterator[None]:
    with waiting_by(lambda _: None):
        yield


def counted() -> dict[str, float]:
    found = ((status, metrics.registry.get_sample_value("vintedbot_publish_total", {"status": status})) for status in
             ("success", "fail", "captcha", "timeout"))  # fmt: skip
    return {status: value or 0.0 for status, value in found}


@pytest.mark.parametrize("where", ["writing", "the route"])
async def test_a_proof_that_is_lost_after_the_click_is_found_again_and_counted_once(
    runtime: Runtime, route: Counting, ready: list[str], stumble: Callable[..., None], at_once: None, where: str
) -> None:
    before = counted()
    if where == "writing":
        stumble(publish)
    else:
        route.late_trouble = ZeroDivisionError("a fault of ours")
    found = await ended(runtime, (await asked(runtime, ready[0])).id)
    assert (found.state, found.listing_id, route.clicks) == ("reconciled", "1", 1)
    assert counted() == before | {"success": before["success"] + 1}


async def test_what_goes_wrong_while_a_doubt_is_settled_is_left_to_a_person(
    runtime: Runtime, route: Counting, ready: list[str], stumble: Callable[..., None], at_once: None
) -> None:
    """Once: else it would be taken up again and look at the site, every few seconds."""
    stumble(publish)
    route.trouble = ZeroDivisionError("a fault of ours")
    found = await ended(runtime, (await asked(runtime, ready[0])).id)
    assert (found.state, found.error_code, route.clicks, route.looks) == ("needs_person", "uncertain", 1, 1)
    assert "a fault of ours" in (found.error or "")
    notices = await runtime.database.run(notifications_of, runtime.user_id)
    assert [notice.kind for notice in notices if notice.publication_id == found.id] == ["uncertain"]


@pytest.mark.parametrize(("machine", "state", "clicks"), [("here", "confirmed", 2), ("elsewhere", "needs_person", 1)])
async def test_what_another_machine_may_still_send_is_not_clicked_again(
    runtime: Runtime, route: Counting, ready: list[str], at_once: None, monkeypatch: pytest.MonkeyPatch,
    machine: str, state: str, clicks: int,
) -> None:  # fmt: skip
    own = runs.this_run()
    other = {**own, "run": "another", "machine": own["machine"] if machine == "here" else machine}
    monkeypatch.setattr(publish, "runs", SimpleNamespace(this_run=lambda: other))
    route.swallows = 1
    found = await ended(runtime, (await asked(runtime, ready[0])).id)
    assert (found.state, route.clicks) == (state, clicks)


async def test_a_listing_that_was_seen_is_named_to_the_person_who_is_asked(
    runtime: Runtime, route: Counting, ready: list[str], stumble: Callable[..., None], at_once: None
) -> None:
    stumble(publish, settle)
    found = await ended(runtime, (await asked(runtime, ready[0])).id)
    assert (found.state, found.error_code, route.clicks) == ("needs_person", "uncertain", 1)
    assert "the listing 1" in (found.error or "")


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


@pytest.mark.parametrize("change", ["discarded", "edited"])
async def test_a_draft_changed_while_its_form_waits_is_not_published_as_it_was(
    runtime: Runtime, route: Counting, ready: list[str], change: str
) -> None:
    """As during a challenge: the form is filled with what the draft was."""
    route.hold.clear()
    publication = await asked(runtime, ready[0])
    async with asyncio.timeout(20):
        await route.reached.wait()
    if change == "discarded":
        await runtime.database.run(drafts.discard, runtime.user_id, ready[0])
    else:
        await runtime.database.run(drafts.edit, runtime.user_id, ready[0], publication.draft_revision, {"size": "L"})
    route.hold.set()
    stopped = await ended(runtime, publication.id)
    code = {"discarded": "draft_discarded", "edited": "stale_revision"}[change]
    assert (stopped.state, stopped.error_code, route.clicks) == ("failed", code, 0)


async def test_a_listing_that_is_another_publications_is_not_adopted(
    runtime: Runtime, route: Counting, ready: list[str], stumble: Callable[..., None], at_once: None
) -> None:
    """It looks the same, and was not among what was seen before the click."""
    first = await ended(runtime, (await asked(runtime, ready[0])).id)
    stumble(publish)
    second = await ended(runtime, (await asked(runtime, ready[1])).id)
    assert [(p.state, p.listing_id) for p in (first, second)] == [("confirmed", "1"), ("reconciled", "2")]


async def test_nobody_else_is_at_an_account_while_it_publishes_or_is_looked_at(
    runtime: Runtime, route: Counting, ready: list[str]
) -> None:
    route.hold.clear()
    publication = await asked(runtime, ready[0])
    async with asyncio.timeout(20):
        await route.reached.wait()
    visits: list[str] = []

    class Web:
        async def check_session(self, account: AccountSession) -> str:
            await runtime.accounts.change(runtime.user_id, publication.account_id, paused=False)
            waits = await runtime.database.run(queue.waiting, runtime.user_id)
            visits.append(waits[waiting.id].code)
            return "marie"

    looking = replace(runtime.accounts, web=Web())  # type: ignore[arg-type]
    for visit in (looking.check(runtime.user_id, None), looking.fetch_catalog(runtime.user_id, None, [])):
        with pytest.raises(Conflict) as refused:
            await visit
        assert refused.value.code == "account_busy"
    route.hold.set()
    await ended(runtime, publication.id)
    await runtime.accounts.change(runtime.user_id, publication.account_id, paused=True)
    waiting = await asked(runtime, ready[1])
    assert (await looking.check(runtime.user_id, None)).visiting_until is None
    assert visits == ["under_way"]
    assert (await ended(runtime, waiting.id)).state == "confirmed", "and goes on by itself"


async def test_a_key_changed_during_a_visit_costs_no_session(runtime: Runtime) -> None:
    account = await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=old", "http://127.0.0.1:9")
    place = acting_as(runtime.database, runtime.vault, account)
    await rotate_key(runtime.settings, runtime.database, runtime.vault)
    assert place.keep is not None
    for value in ("rotated", "again"):
        await place.keep({"cookies": [{"name": "access_token_web", "value": value}], "origins": []})
        found = await runtime.database.run(accounts.choose, runtime.user_id, None)
        assert accounts.open_session(found, runtime.vault)["cookies"][0]["value"] == value


async def test_an_engine_that_failed_to_start_starts_at_the_next_try(
    settings: Settings, closet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, failures = DBOS.register_queue_async, [SetupError("the disk is full")]

    async def register(*arguments: Any, **options: Any) -> Any:
        if failures:
            raise failures.pop()
        return await plain(*arguments, **options)

    monkeypatch.setattr(DBOS, "register_queue_async", register)
    other = FileExecutors(settings.data / "executors")
    other.take()
    async with running(settings, if_idle=True, analyzer=ScriptedReader()) as runtime:
        batch_id = await hand_in(runtime, closet, STATED)
        other.release()
        async with asyncio.timeout(60):
            await watch(runtime, batch_id, quiet=True)
        assert (failures, (await report(runtime, batch_id))["state"]) == ([], "done")


async def test_a_discarded_draft_is_restored_before_it_is_changed(runtime: Runtime, ready: list[str]) -> None:
    await runtime.database.run(drafts.discard, runtime.user_id, ready[0])
    for change in (drafts.edit, drafts.approve):
        arguments = (1, {"size": "L"}) if change is drafts.edit else ()
        with pytest.raises(Conflict, match="Restore it first"):
            await runtime.database.run(change, runtime.user_id, ready[0], *arguments)


async def test_a_sign_in_meanwhile_is_not_overwritten_by_an_older_browser(runtime: Runtime) -> None:
    account = await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=old", "http://127.0.0.1:9")
    began_with = accounts.open_session(account, runtime.vault)
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
