"""Drafts to the marketplace: the publish workflow with a real browser against the sandbox."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.cli.photos import hand_in, report, watch
from backend.cli.publishing import publish_drafts
from backend.core.errors import Conflict
from backend.core.retry_utils import waiting_by
from backend.db.models import Account
from backend.publications import service
from backend.publications.service import Order
from backend.runtime import Runtime, running
from backend.sandbox.server import Sandbox, running_sandbox
from backend.settings import Settings
from backend.workflows.parts import Patience
from tests.fakes import ScriptedReader, older_listing, signed_in

STATED = {"audience": "women", "condition": "very-good"}


@pytest.fixture
async def runtime(settings: Settings, reader: ScriptedReader) -> AsyncIterator[Runtime]:
    """With jobs, and little patience: a click is held to be over after four seconds."""
    patience = Patience(click_within=4, looks_after=(0.3, 1.0, 5.0))
    async with running(settings, run_jobs=True, analyzer=reader, patience=patience) as built:
        yield built


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as site:
        yield site


@pytest.fixture
async def account(runtime: Runtime, sandbox: Sandbox) -> Account:
    return await signed_in(runtime, sandbox)


@pytest.fixture
async def ready(runtime: Runtime, closet: Path) -> list[str]:
    batch_id = await hand_in(runtime, closet, STATED)
    await watch(runtime, batch_id, quiet=True)
    return [row["id"] for row in (await report(runtime, batch_id))["drafts"] if row["publish_ready"]]


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """The seconds that would have been waited."""
    waited: list[float] = []
    with waiting_by(waited.append):
        yield waited


async def test_ready_drafts_are_saved_once_each_and_read_back_equal(
    runtime: Runtime, sandbox: Sandbox, account: Account, ready: list[str]
) -> None:
    done = await publish_drafts(runtime, ready, "draft", quiet=True)
    assert [(p["state"], p["differences"]) for p in done["publications"]] == [("confirmed", [])] * 2
    listings = sandbox.received()["items"]
    assert len(listings) == 2
    assert {str(listing["id"]) for listing in listings} == {p["listing_id"] for p in done["publications"]}
    in_order = [int(p["listing_id"]) for p in done["publications"]]
    assert in_order == sorted(in_order), "in the order sent"
    by_id = {p["listing_id"]: p["sheet"] for p in done["publications"]}
    for listing in listings:
        sent = by_id[str(listing["id"])]
        assert listing["title"] == sent["title"]
        assert len(listing["photos"]) == sent["photos"] == 3
    first = done["publications"][0]
    events = await runtime.database.look(service.events_of, runtime.user_id, first["id"])
    assert [e.state for e in events] == ["queued", "preparing", "filled", "submitting", "confirmed"]
    again = await publish_drafts(runtime, ready[:1], "draft", quiet=True)
    assert again["publications"][0]["id"] == first["id"], "asking twice is asking once"
    with pytest.raises(Conflict, match="already has a listing"):
        await runtime.publish(runtime.user_id, Order(ready[0], account.id, "publish"))
    assert len(sandbox.received()["items"]) == 2


async def test_a_dry_run_leaves_nothing_and_keeps_the_picture(
    runtime: Runtime, sandbox: Sandbox, account: Account, ready: list[str]
) -> None:
    done = await publish_drafts(runtime, ready[:1], "dry_run", quiet=True)
    [publication] = done["publications"]
    assert publication["state"] == "rehearsed"
    assert sandbox.received()["items"] == []


async def test_an_expired_session_waits_for_its_owner_and_goes_on(
    runtime: Runtime, sandbox: Sandbox, account: Account, ready: list[str]
) -> None:
    sandbox.expire_sessions("marie")
    done = await publish_drafts(runtime, ready[:1], "draft", quiet=True)
    [publication] = done["publications"]
    assert (publication["state"], publication["error_code"]) == ("needs_person", "session_expired")
    await signed_in(runtime, sandbox)  # what waited for it goes on by itself
    done = await publish_drafts(runtime, ready[:1], "draft", quiet=True)
    assert done["publications"][0]["state"] == "confirmed"
    assert len(sandbox.received()["items"]) == 1


async def test_a_listing_whose_answer_was_lost_is_found_and_adopted(
    runtime: Runtime, sandbox: Sandbox, account: Account, ready: list[str], waits: list[float]
) -> None:
    sandbox.set_fault("dropped_after", "submit")
    [found] = (await publish_drafts(runtime, ready[:1], "draft", quiet=True))["publications"]
    [listing] = sandbox.received()["items"]
    assert (found["state"], found["listing_id"]) == ("reconciled", str(listing["id"]))
    again = await publish_drafts(runtime, ready[:1], "draft", quiet=True)
    assert again["publications"][0]["id"] == found["id"]
    assert len(sandbox.received()["items"]) == 1


async def test_a_submission_that_surely_never_arrived_is_tried_again(
    runtime: Runtime, sandbox: Sandbox, account: Account, ready: list[str], waits: list[float]
) -> None:
    older = older_listing(sandbox, "marie")
    sandbox.set_fault("dropped_before", "submit")
    [done] = (await publish_drafts(runtime, ready[:1], "draft", quiet=True))["publications"]
    assert done["state"] == "confirmed"
    events = await runtime.database.run(service.events_of, runtime.user_id, done["id"])
    states = [e.state for e in events]
    assert states.count("submitting") == 2
    assert states[states.index("uncertain") + 1] == "queued"
    assert sorted(str(item["id"]) for item in sandbox.received()["items"]) == sorted((older, done["listing_id"]))


@pytest.mark.parametrize("had_one", [True, False])
async def test_a_wardrobe_that_shows_nothing_is_no_proof_that_nothing_was_stored(
    runtime: Runtime, sandbox: Sandbox, account: Account, ready: list[str], waits: list[float], had_one: bool
) -> None:
    """The listing is there, and at every look the site answers that the wardrobe is empty."""
    if had_one:
        older_listing(sandbox, "marie")
    sandbox.set_fault("dropped_after", "submit")
    sandbox.set_fault("empty_wardrobe", times=-1, skip=1)
    [doubt] = (await publish_drafts(runtime, ready[:1], "draft", quiet=True))["publications"]
    assert (doubt["state"], doubt["error_code"]) == ("needs_person", "uncertain")
    assert "shows no listing from before" in doubt["error"]
    assert len(sandbox.received()["items"]) == 1 + had_one, "it was not sent again"


async def test_a_doubt_nobody_can_settle_waits_for_its_owner(
    runtime: Runtime, sandbox: Sandbox, account: Account, ready: list[str], waits: list[float]
) -> None:
    sandbox.set_fault("dropped_after", "submit")
    sandbox.set_fault("server_error", "wardrobe", times=-1, skip=1)
    [doubt] = (await publish_drafts(runtime, ready[:1], "draft", quiet=True))["publications"]
    assert (doubt["state"], doubt["error_code"]) == ("needs_person", "uncertain")
    with pytest.raises(Conflict, match="adopt"):
        await runtime.resume(runtime.user_id, doubt["id"])
    with pytest.raises(Conflict, match="adopt"):
        await runtime.database.run(service.cancel, runtime.user_id, doubt["id"])
    with pytest.raises(Conflict, match="may have one"):
        await runtime.publish(runtime.user_id, Order(ready[0], account.id, "publish"))
    [listing] = sandbox.received()["items"]
    adopted = await runtime.adopt(runtime.user_id, doubt["id"], str(listing["id"]))
    assert (adopted.state, adopted.listing_id) == ("reconciled", str(listing["id"]))
    assert str(listing["id"]) in (adopted.listing_url or "")
