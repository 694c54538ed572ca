"""Sorting with the help of a reader: what is looked at, what is asked, and that no failure of either stops it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backend.core.errors import AIAnalysisError, PhotoRefused, SetupError
from backend.core.reading import ItemReading, PhotoInput, Sight
from backend.core.sorting import ASKED_AT_ONCE, LOOKS_AT_ONCE, sort_photos
from tests.unit.test_grouping import sees

TEN = datetime(2026, 5, 2, 10)


class Timed:
    """Reads; can neither look at single photos nor judge."""

    name = "timed"

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        raise AssertionError("sorting reads no item")

    async def aclose(self) -> None:
        return None


class Looking(Timed):
    """Sees these things, or fails so, by photo id."""

    def __init__(self, sights: Mapping[str, Sight | Exception | None]) -> None:
        self.sights = sights
        self.looked: list[str] = []

    async def describe_photo(self, photo: PhotoInput) -> Sight | None:
        self.looked.append(photo.id)
        sight = self.sights.get(photo.id)
        if isinstance(sight, Exception):
            raise sight
        return sight


class Judge(Timed):
    """Answers in turn, or fails so; then says nothing."""

    def __init__(self, *answers: float | Exception | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    async def same_item(self, left: Sequence[PhotoInput], right: Sequence[PhotoInput]) -> float | None:
        self.asked.append((left[-1].id, right[0].id))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


def photos(*seconds: float | None) -> list[PhotoInput]:
    return [
        PhotoInput(
            f"p{n:02d}", Path("unread"), f"IMG_{n:04d}.jpg", "", None if s is None else TEN + timedelta(seconds=s)
        )
        for n, s in enumerate(seconds)
    ]


SIX = photos(*[None] * 6)
THINGS = {f"p{n:02d}": sees(n // 3) for n in range(6)}


async def test_photos_are_looked_at_and_sorted_by_what_is_seen() -> None:
    reader = Looking(THINGS)
    grouping, sights = await sort_photos(reader, SIX)
    assert [group.photos for group in grouping.items] == [("p00", "p01", "p02"), ("p03", "p04", "p05")]
    assert sorted(reader.looked) == sorted(sights) == sorted(THINGS)


async def test_what_was_seen_before_is_not_looked_at_again_and_new_sights_are_handed_on() -> None:
    reader, kept = Looking(THINGS), []

    async def keep(new: Mapping[str, Sight | None]) -> None:
        assert len(new) <= LOOKS_AT_ONCE
        kept.extend(new)

    grouping, _ = await sort_photos(reader, SIX, known={"p00": THINGS["p00"], "p04": None}, keep=keep)
    assert sorted(reader.looked) == sorted(kept) == ["p01", "p02", "p03", "p05"]
    assert sum(len(group.photos) for group in grouping.items) == 6


@pytest.mark.parametrize("failure", [PhotoRefused("damaged"), AIAnalysisError("down"), ZeroDivisionError()])
async def test_a_photo_that_cant_be_seen_is_sorted_all_the_same(failure: Exception) -> None:
    grouping, sights = await sort_photos(Looking({**THINGS, "p01": failure}), SIX)
    assert sorted(i for group in grouping.items for i in group.photos) == sorted(THINGS)
    assert "p01" not in sights


async def test_a_reader_without_its_models_says_so() -> None:
    with pytest.raises(SetupError, match="model"):
        await sort_photos(Looking({"p00": SetupError("the model is missing")}), SIX)


async def test_a_judge_is_asked_about_doubtful_places_only_and_its_word_counts() -> None:
    batch = photos(0, 8, 31, 39, 400, 408)
    alone, _ = await sort_photos(Timed(), batch)
    assert [len(group.photos) for group in alone.items] == [4, 2]
    judge = Judge(0.05)
    grouping, _ = await sort_photos(judge, batch)
    assert judge.asked[0] == ("p01", "p02")
    assert ("p03", "p04") not in judge.asked
    assert [len(group.photos) for group in grouping.items] == [2, 2, 2]


async def test_a_judge_that_fails_stops_nothing_and_is_asked_no_more() -> None:
    batch = photos(*(n * 21.0 for n in range(30)))
    judge = Judge(*[AIAnalysisError("down")] * 99)
    grouping, _ = await sort_photos(judge, batch)
    assert grouping == (await sort_photos(Timed(), batch))[0]
    assert len(judge.asked) == ASKED_AT_ONCE


async def test_a_judge_that_cant_say_changes_nothing() -> None:
    batch = photos(0, 8, 31, 39)
    assert (await sort_photos(Judge(), batch))[0] == (await sort_photos(Timed(), batch))[0]
