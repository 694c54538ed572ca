"""`batch_analyze_photos`: every photo comes back, one failure stays one, and what happened is measured."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from backend.core.ai_analyzer import ITEMS_AT_ONCE, batch_analyze_photos, load_analyzer, look_at, read_one_item
from backend.core.errors import AIAnalysisError, PhotoRefused, SetupError
from backend.core.listing import Evidence, Field
from backend.core.metrics import photo_analyze_duration_seconds, photo_analyze_total
from backend.core.reading import ItemReading, PhotoInput, Refusal
from backend.core.retry_utils import waiting_by
from backend.photos.intake import Reason

START = datetime(2026, 5, 1, 12, 0)


class Reader:
    """Names the first photo as the title; fails with `failures` first, by the first photo's id."""

    name = "fake"

    def __init__(self, failures: dict[str, list[Exception]] | None = None, *, slow: bool = False) -> None:
        self.failures = failures or {}
        self.slow = slow
        self.calls: list[tuple[tuple[str, ...], str]] = []
        self.at_once = self.most_at_once = 0
        self.closed = False

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        ids = tuple(photo.id for photo in photos)
        self.calls.append((ids, language))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        for _ in range(20 if self.slow else 0):
            await asyncio.sleep(0)
        self.at_once -= 1
        if self.failures.get(ids[0]):
            raise self.failures[ids[0]].pop(0)
        return ItemReading(ids, {"title": Field(ids[0], 0.9, evidence=(Evidence("image", ids[0]),))})

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def waits():
    waits: list[float] = []
    with waiting_by(waits.append):
        yield waits


def items(count: int, each: int = 2) -> list[PhotoInput]:
    """Photos of `count` items, ten minutes apart, five seconds between the photos of one."""
    return [
        PhotoInput(f"i{n}p{k}", Path("unread"), captured_at=START + timedelta(minutes=10 * n, seconds=5 * k))
        for n in range(count)
        for k in range(each)
    ]


def counts() -> tuple[float, float, float]:
    done, failed = (photo_analyze_total.labels(status=s)._value.get() for s in ("completed", "failed"))
    timed = next(
        s.value for m in photo_analyze_duration_seconds.collect() for s in m.samples if s.name.endswith("_count")
    )
    return done, failed, timed


def counted_since(before: tuple[float, float, float]) -> tuple[float, ...]:
    return tuple(now - then for now, then in zip(counts(), before, strict=True))


async def test_photos_are_sorted_into_items_and_each_is_read_in_the_given_language() -> None:
    before, reader = counts(), Reader()
    batch = await batch_analyze_photos(items(3), analyzer=reader, language="en")
    assert [item.photos for item in batch.items] == [(f"i{n}p0", f"i{n}p1") for n in range(3)]
    assert sorted(reader.calls) == [((f"i{n}p0", f"i{n}p1"), "en") for n in range(3)]
    assert (batch.unsorted, batch.refused) == ((), ())
    assert counted_since(before) == (3, 0, 3)


async def test_without_grouping_all_photos_are_one_item() -> None:
    photos = items(3)
    batch = await batch_analyze_photos(photos, auto_grouping=False, analyzer=Reader())
    assert [item.photos for item in batch.items] == [tuple(photo.id for photo in photos)]


async def test_no_photos_is_an_empty_batch_and_loads_no_reader() -> None:
    assert (await batch_analyze_photos([])).items == ()
    assert (await batch_analyze_photos([], auto_grouping=False)).items == ()


async def test_a_reading_that_falters_is_tried_again(waits: list[float]) -> None:
    before = counts()
    reader = Reader({"i0p0": [AIAnalysisError("busy", retry_after=9)]})
    batch = await batch_analyze_photos(items(1), analyzer=reader)
    assert batch.items[0].fields["title"].value == "i0p0"
    assert waits == [9]
    assert counted_since(before) == (1, 0, 1)


async def test_one_item_that_fails_loses_no_photo_and_no_other_item(waits: list[float]) -> None:
    before = counts()
    reader = Reader({"i1p0": [AIAnalysisError("down")] * 5, "i2p0": [PhotoRefused("damaged")]})
    batch = await batch_analyze_photos(items(4), analyzer=reader)
    assert [item.photos[0] for item in batch.items] == ["i0p0", "i1p0", "i2p0", "i3p0"]
    assert [item.warnings for item in batch.items] == [
        (),
        ("reading_failed:ai_analysis",),
        ("reading_failed:damaged",),
        (),
    ]
    assert [bool(item.fields) for item in batch.items] == [True, False, False, True]
    assert len(waits) == 1
    assert counted_since(before) == (2, 2, 4)


async def test_a_reader_that_is_not_set_up_says_so_at_once() -> None:
    missing = SetupError("set OPENAI_API_KEY")
    reader = Reader({f"i{n}p0": [missing] for n in range(12)}, slow=True)
    with pytest.raises(SetupError, match="OPENAI_API_KEY"):
        await batch_analyze_photos(items(12), analyzer=reader)
    assert len(reader.calls) < 12


async def test_a_fault_of_ours_is_not_taken_for_a_failed_reading() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await batch_analyze_photos(items(1), analyzer=Reader({"i0p0": [KeyError("bug")]}))
    assert isinstance(raised.value.exceptions[0], KeyError)


async def test_only_a_few_items_are_read_at_once() -> None:
    reader = Reader(slow=True)
    await batch_analyze_photos(items(3 * ITEMS_AT_ONCE), analyzer=reader)
    assert reader.most_at_once == ITEMS_AT_ONCE


async def test_a_given_reader_stays_open() -> None:
    reader = Reader()
    await batch_analyze_photos(items(1), analyzer=reader)
    assert not reader.closed


async def test_two_photos_with_one_id_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="same id"):
        await batch_analyze_photos([PhotoInput("a", Path("1")), PhotoInput("a", Path("2"))], analyzer=Reader())


async def test_one_item_alone_gives_a_reading_or_the_reason_why_not() -> None:
    photos = items(1)
    assert isinstance(await read_one_item(Reader(), photos), ItemReading)
    failing = Reader({"i0p0": [AIAnalysisError("x")] * 2})
    assert await read_one_item(failing, photos) == Refusal("i0p0, i0p1", "ai_analysis")


def draw(path: Path, taken: datetime | None = None) -> Path:
    exif = Image.Exif()
    if taken:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken.strftime("%Y:%m:%d %H:%M:%S")
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (80, 60), "red").save(path, exif=exif)
    return path


async def test_paths_are_looked_at_and_sorted_by_their_capture_time(tmp_path: Path) -> None:
    paths: list[Path | str] = [
        draw(tmp_path / f"{n}{k}.jpg", START + timedelta(minutes=10 * n, seconds=5 * k)) for n in (1, 0) for k in (0, 1)
    ]
    paths[0] = str(paths[0])
    batch = await batch_analyze_photos([*paths, paths[1]], analyzer=Reader())
    assert [item.photos for item in batch.items] == [("00.jpg", "01.jpg"), ("10.jpg", "11.jpg")]


async def test_files_that_are_no_photos_are_refused_with_a_reason_and_stop_nothing(tmp_path: Path) -> None:
    good = draw(tmp_path / "good.jpg", START)
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "cut.jpg").write_bytes(good.read_bytes()[:-300])
    names = ["good.jpg", "empty.jpg", "text.jpg", "cut.jpg", "gone.jpg"]
    batch = await batch_analyze_photos([tmp_path / name for name in names], auto_grouping=False, analyzer=Reader())
    assert [item.photos for item in batch.items] == [("good.jpg",)]
    assert {Path(r.file).name: r.reason for r in batch.refused} == {
        "empty.jpg": "empty",
        "text.jpg": "not_a_photo",
        "cut.jpg": "damaged",
        "gone.jpg": "unreadable",
    }
    assert {r.reason for r in batch.refused} <= set(Reason)


async def test_only_refused_files_make_a_batch_without_items(tmp_path: Path) -> None:
    batch = await batch_analyze_photos([tmp_path / "gone.jpg"], analyzer=Reader())
    assert (batch.items, len(batch.refused)) == ((), 1)


async def test_files_of_one_name_in_two_folders_stay_apart(tmp_path: Path) -> None:
    paths = [draw(tmp_path / folder / "1.jpg") for folder in ("dress", "coat")]
    batch = await batch_analyze_photos(paths, analyzer=Reader())
    assert sorted(item.photos for item in batch.items) == sorted((path.as_posix(),) for path in paths)


def test_a_photo_without_a_readable_time_has_none(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.jpg")
    assert look_at(path).captured_at is None
    assert look_at(draw(path, START)).captured_at == START


def test_a_time_has_its_parts_of_a_second_and_broken_metadata_refuses_no_photo(tmp_path: Path) -> None:
    path, exif = tmp_path / "a.jpg", Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal], details[ExifTags.Base.SubsecTimeOriginal] = "2026:05:02 10:14:07", "25"
    Image.new("RGB", (80, 60), "red").save(path, exif=exif)
    assert look_at(path).captured_at == datetime(2026, 5, 2, 10, 14, 7, 250_000)
    Image.new("RGB", (80, 60), "red").save(path, exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12")
    assert look_at(path).captured_at is None


def test_an_analyzer_nobody_installed_is_named_with_those_there_are() -> None:
    with pytest.raises(SetupError, match=r"no analyzer 'gpt'.*embedded, openai"):
        load_analyzer("gpt")
