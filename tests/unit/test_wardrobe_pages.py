"""An account's wardrobe read page after page while its owner goes on selling: when what was read is all of it."""

import json
from typing import Any

import pytest

from backend.core.errors import VintedNetworkError
from backend.marketplace.port import AccountSession
from backend.marketplace.vinted_web import stored
from backend.wardrobe import pieces

ACCOUNT = AccountSession("http://127.0.0.1:9", "marie", {})


class Answers:
    """A page whose site answers one page of the wardrobe after the other, each as it stands by then."""

    url = "http://127.0.0.1:9/member/1"

    def __init__(self, *pages: tuple[list[int], dict[str, int]]) -> None:
        self.left = list(pages)

    async def evaluate(self, _script: str, _path: str) -> dict[str, Any]:
        ids, pagination = self.left.pop(0)
        body = json.dumps({"items": [{"id": one, "title": "Robe"} for one in ids], "pagination": pagination})
        return {"status": 200, "type": "application/json", "headers": {}, "body": body}


def counts(pages: int, total: int) -> dict[str, int]:
    return {"total_pages": pages, "total_entries": total}


@pytest.mark.parametrize(
    ("pages", "whole"),
    [
        ([([1, 2], counts(2, 3)), ([3], counts(2, 3))], True),
        ([([1, 2], counts(2, 4)), ([4], counts(2, 3))], False),  # 1 was deleted, 3 moved to the page read before
        ([([1, 2], counts(2, 3)), ([2, 3], counts(2, 4))], False),  # one came in: a look that is none too many
        ([([1, 2], counts(1, 5))], False),
        ([([1, 2], {"total_pages": 2}), ([3], {"total_pages": 2})], True),  # no total told
        ([([1, 2], {}), ([], {})], True),
        ([([1, 2], counts(3, 5)), ([], counts(3, 5))], False),
        ([([], counts(0, 0))], True),
    ],
)
async def test_it_is_whole_if_as_many_were_read_as_were_told(
    monkeypatch: pytest.MonkeyPatch, pages: list[tuple[list[int], dict[str, int]]], whole: bool
) -> None:
    monkeypatch.setattr(stored, "_BETWEEN_PAGES", 0)
    so_far: list[int] = []

    async def progress(count: int) -> None:
        so_far.append(count)

    site: Any = Answers(*pages)
    read = await stored._read_pages(site, ACCOUNT, "/member/1", progress)
    assert (read.whole, site.left) == (whole, [])
    assert so_far[-1] == len(read.items) == len({one for ids, _ in pages for one in ids})


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("12,50", 1250),
        ("12.5", 1250),
        ("12,50\u00a0€", 1250),
        ("€ 1 234", 123400),
        ("", None),
        ("abc", None),
        ("-1", None),
        ("1,234", None),
    ],
)
def test_a_price_is_read_as_somebody_writes_it(typed: str, cents: int | None) -> None:
    assert pieces.cents_typed(typed) == cents


async def test_a_first_page_that_shows_none_of_what_it_counts_was_not_read() -> None:
    site: Any = Answers(([], counts(1, 3)))
    with pytest.raises(VintedNetworkError, match="shows none"):
        await stored._read_page(site, ACCOUNT, "/member/1", 1)
