"""The first steps and the sample wardrobe: ticked by what is in the tables, taken in for one user, removed whole."""

import asyncio
import dataclasses
import shutil
from pathlib import Path

import httpx
import pytest
from sqlmodel import Session, select

from backend.db.models import Account, Batch, Draft, DraftPhoto, Photo, Piece, Publication
from backend.publications import journal
from backend.runtime import Runtime
from backend.sample import once
from backend.settings import Settings
from backend.workflows import sample
from tests.conftest import draw_one
from tests.forms import form, without_tags
from tests.integration.test_api import finished, upload


@pytest.fixture
def client(page_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return page_client


@pytest.fixture(autouse=True)
def wardrobe(settings: Settings) -> Path:
    """A small wardrobe that was drawn before: two items."""
    folder = settings.data / "sample-wardrobe"
    for n in range(4):
        draw_one(folder / f"IMG_{n}.jpg", seed=f"sample{n}", seconds=n // 2 * 600 + n % 2 * 8)
    return folder


def runtime_of(client: httpx.AsyncClient) -> Runtime:
    return client._transport.app.state.runtime  # type: ignore[attr-defined]


async def bring_sample(client: httpx.AsyncClient) -> None:
    """Presses the button, and waits until the sample is read."""
    runtime = runtime_of(client)
    await client.get("/")
    assert (await client.post("/sample", data={"token": client.cookies["vintedbot_token"]})).status_code == 303
    await asyncio.gather(*runtime.samples.coming.values())
    batch = await runtime.database.run(sample.find, runtime.user_id)
    assert batch is not None
    await finished(client, f"/api/v1/bulk/jobs/{batch.id}")


def done(page: httpx.Response) -> int:
    return page.text.count('<li class="done">')


async def test_steps_are_ticked_by_the_tables_and_put_away(client: httpx.AsyncClient) -> None:
    first = await client.get("/")
    assert ("Premiers pas" in without_tags(first), done(first)) == (True, 0)
    assert form(first, "/sample"), "there is a button for it"
    await bring_sample(client)
    page = await client.get("/")
    assert done(page) == 1
    draft = (await client.get("/api/v1/drafts")).json()[0]
    change = {"revision": draft["revision"], "fields": {"title": "Mine"}}
    assert (await client.patch(f"/api/v1/drafts/{draft['id']}", json=change)).status_code == 200
    page = await client.get("/")
    assert done(page) == 2
    answer = await client.post("/guide", data=form(page, "/guide") | {"do": "put_away"})
    assert answer.headers["location"] == "/?said=guide_away"
    away = await client.get("/")
    assert "Premiers pas" not in without_tags(away)
    await client.post("/guide", data=form(away, "/guide") | {"do": "show"})
    assert done(await client.get("/")) == 2


async def test_the_sample_goes_whole_and_nothing_else(client: httpx.AsyncClient, closet: Path) -> None:
    await finished(client, await upload(client, closet))
    mine = (await client.get("/api/v1/drafts")).json()
    await bring_sample(client)
    runtime = runtime_of(client)
    assert len((await client.get("/api/v1/drafts")).json()) == len(mine) + 2
    await runtime.samples.ask(runtime.user_id, "fr")
    await asyncio.gather(*runtime.samples.coming.values())
    assert len((await client.get("/api/v1/drafts")).json()) == len(mine) + 2, "it is here: it does not come twice"
    keys = await runtime.database.run(_rehearse)
    page = await client.get("/")
    assert (await client.post("/sample/remove", data=form(page, "/sample/remove"))).status_code == 303
    assert (await client.get("/api/v1/drafts")).json() == mine
    assert not any(runtime.store.exists(key) for key in keys), "its photos are gone from the disk"
    for photo in (photo for draft in mine for photo in draft["photos"]):
        assert (await client.get(photo["url"])).status_code == 200
    await bring_sample(client)
    assert len((await client.get("/api/v1/drafts")).json()) == len(mine) + 2, "it can come again"


def _rehearse(session: Session) -> list[str]:
    """A dry run of the sample's first draft, with its journal; and where its photos are kept."""
    batch = session.exec(select(Batch).where(Batch.source == sample.SOURCE)).one()
    draft = session.exec(select(Draft).where(Draft.batch_id == batch.id)).first()
    assert draft is not None
    account = Account(user_id=batch.user_id, username="m", base_url="http://127.0.0.1:9", state="ready")
    session.add(account)
    session.flush()
    row = Publication(user_id=batch.user_id, draft_id=draft.id, draft_revision=1, account_id=account.id, route="web",
                      mode="dry_run", state="rehearsed")  # fmt: skip
    journal.open_journal(session, row)
    query = select(Photo.store_key).join(DraftPhoto).where(Photo.batch_id == batch.id)
    return [key for key in session.exec(query) if key]


async def test_a_double_press_brings_the_sample_once(client: httpx.AsyncClient) -> None:
    runtime = runtime_of(client)
    samples = runtime.samples
    await asyncio.gather(*(samples.ask(runtime.user_id, "fr") for _ in range(4)))
    await asyncio.gather(*samples.coming.values())
    other = dataclasses.replace(samples, coming={})  # as another process of the same server has it
    files = once.drawn_once(samples.folder)
    await other.take_in(runtime.user_id, files, "fr")
    assert len(await runtime.database.run(lambda s: list(s.exec(select(Batch))))) == 1
    assert not samples.coming and not samples.troubles


async def test_a_disk_that_takes_no_sample_is_told(client: httpx.AsyncClient) -> None:
    runtime = runtime_of(client)
    shutil.rmtree(runtime.samples.folder)
    (runtime.settings.data / "file").write_bytes(b"")
    hindered = dataclasses.replace(runtime.samples, folder=runtime.settings.data / "file" / "wardrobe")
    await hindered.ask(runtime.user_id, "fr")
    await asyncio.gather(*hindered.coming.values())
    assert hindered.troubles[runtime.user_id].code == "sample_not_drawn"
    assert "dessiné" in without_tags(await client.get("/"))


async def test_a_sample_that_is_published_stays(client: httpx.AsyncClient) -> None:
    await bring_sample(client)

    def publish(session: Session) -> None:
        _rehearse(session)
        row = session.exec(select(Publication)).one()
        row.state, row.mode, row.live_key = "confirmed", "draft", "one"

    await runtime_of(client).database.run(publish)
    refused = await client.post("/sample/remove", data=form(await client.get("/"), "/sample/remove"))
    assert refused.status_code == 409
    assert "se trouve sur le site" in without_tags(refused)
    assert len((await client.get("/api/v1/drafts")).json()) == 2


@pytest.mark.parametrize("listing", [None, "4711"])
async def test_the_sample_goes_though_its_drafts_were_in_the_wardrobe(
    client: httpx.AsyncClient, listing: str | None
) -> None:
    await bring_sample(client)
    runtime = runtime_of(client)

    def ask_and_cancel(session: Session) -> None:
        """A publication that was asked for and is over; the seller has noted something of its piece."""
        _rehearse(session)
        row = session.exec(select(Publication)).one()
        row.mode, row.state = "publish", "cancelled"
        session.add(Piece(user_id=row.user_id, account_id=row.account_id, draft_id=row.draft_id, listing_id=listing,
                          state="waiting", notes="in the attic"))  # fmt: skip

    await runtime.database.run(ask_and_cancel)
    await runtime.samples.remove(runtime.user_id)
    assert (await client.get("/api/v1/drafts")).json() == []
    pieces = await runtime.database.run(lambda s: list(s.exec(select(Piece))))
    assert [(piece.listing_id, piece.draft_id) for piece in pieces] == ([(listing, None)] if listing else [])


def test_a_folder_of_that_name_is_no_sample(tmp_path: Path) -> None:
    """`vintedbot ingest sample` names its batch by the path, which never ends in a slash."""
    assert str(Path("sample/")) != sample.SOURCE
    assert str(tmp_path / sample.SOURCE) != sample.SOURCE


def test_a_drawing_that_is_wanted_no_more_ends_at_once(tmp_path: Path) -> None:
    with pytest.raises(InterruptedError):
        once.drawn_once(tmp_path / "w" / "wardrobe", lambda: False)
    assert list((tmp_path / "w").iterdir()) == [], "nothing half drawn is left"


def test_a_drawing_that_another_process_ended_first_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "w" / "wardrobe"

    def draw_while_another_does(place: Path, *, still_wanted: object) -> None:
        for drawn in (place, folder):
            drawn.mkdir()
            (drawn / "IMG_0.jpg").write_bytes(b"the same")

    monkeypatch.setattr("backend.sample.wardrobe.draw_wardrobe", draw_while_another_does)
    assert once.drawn_once(folder) == [folder / "IMG_0.jpg"]
    assert list((tmp_path / "w").iterdir()) == [folder]
