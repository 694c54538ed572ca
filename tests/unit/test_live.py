"""A page waits for its owner, and for nobody else; how each wait ends. The newest picture only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from backend.core.errors import ChallengeRaised, Conflict, VintedNetworkError
from backend.marketplace.port import InputEvent, OpenPage
from backend.marketplace.vinted_web.live_view import Viewer
from backend.workflows import live
from backend.workflows.live import OpenPages, wait_for_owner


class StillPage:
    """An open page whose challenge is gone after so many looks; it is lost after `dies_after`."""

    challenge = "hcaptcha"

    def __init__(self, solved_after: int = 10**6, dies_after: int = 10**6) -> None:
        self.looks = 0
        self.solved_after, self.dies_after = solved_after, dies_after

    async def frames(self) -> AsyncIterator[bytes]:
        yield b"\xff\xd8"

    async def act(self, event: InputEvent) -> None:
        raise AssertionError("nobody acts here")

    async def solved(self) -> bool:
        self.looks += 1
        if self.looks > self.dies_after:
            raise VintedNetworkError("gone")
        return self.looks > self.solved_after


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(live, "ASK_EVERY", 0.02)


ENDINGS: list[tuple[StillPage, Callable[[], Awaitable[bool]], float, type[Exception] | None, str]] = [
    (StillPage(solved_after=3), yes, 60, None, "solved"),
    (StillPage(), yes, 0.05, ChallengeRaised, "time_limit"),
    (StillPage(), no, 60, Conflict, "closed"),
    (StillPage(dies_after=2), yes, 60, VintedNetworkError, "closed"),
]


@pytest.mark.parametrize(
    ("page", "wanted", "limit", "error", "ending"), ENDINGS, ids=["solved", "time", "cancelled", "gone"]
)
async def test_each_ending_is_told_to_who_watches_and_to_who_waits(
    page: StillPage, wanted: Callable[[], Awaitable[bool]], limit: float, error: type[Exception] | None, ending: str
) -> None:
    pages = OpenPages()
    waiting = asyncio.create_task(wait_for_owner(pages, "lea", "p1", page, still_wanted=wanted, limit=limit))
    await asyncio.sleep(0)
    opening = pages.find("lea", "p1")
    assert opening is not None and opening.page is page
    assert await asyncio.wait_for(opening.wait(), 5) == ending
    if error is None:
        await waiting
    else:
        with pytest.raises(error) as raised:
            await waiting
        assert getattr(raised.value, "challenge", "hcaptcha") == "hcaptcha"
        assert error is not Conflict or getattr(raised.value, "code", "") == "journal_moved"
    assert pages.find("lea", "p1") is None and pages.of("lea") == frozenset()


async def test_a_wait_that_is_cut_off_closes_its_page() -> None:
    pages, page = OpenPages(), StillPage()
    waiting = asyncio.create_task(wait_for_owner(pages, "lea", "p1", page, still_wanted=yes, limit=60))
    await asyncio.sleep(0)
    opening = pages.find("lea", "p1")
    assert opening is not None
    waiting.cancel()
    assert await asyncio.wait_for(opening.wait(), 5) == "closed"
    assert pages.find("lea", "p1") is None


def test_nobody_elses_page_is_found() -> None:
    pages = OpenPages()
    page: OpenPage = StillPage()
    first = pages.opened("lea", "p1", page, limit=60)
    pages.opened("zoe", "p2", page, limit=60)
    assert pages.find("zoe", "p1") is None and pages.find("lea", "p2") is None and pages.find("lea", "p3") is None
    assert pages.of("lea") == {"p1"}
    again = pages.opened("lea", "p1", page, limit=60)
    assert first.ended == "closed" and pages.find("lea", "p1") is again
    pages.closed(first)
    assert pages.find("lea", "p1") is again, "an old page's end leaves the new one"


async def test_a_slow_viewer_gets_the_newest_picture_and_no_queue() -> None:
    viewer = Viewer()
    for number in range(100):
        viewer.show(bytes([number]))
    assert await viewer.next() == bytes([99])
    waiting = asyncio.create_task(viewer.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    viewer.show(b"new")
    assert await waiting == b"new"
    viewer.end()
    assert await viewer.next() is None
