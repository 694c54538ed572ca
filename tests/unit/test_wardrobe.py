"""The sample wardrobe: what is promised of it, and that intake and grouping find in it what was drawn."""

import hashlib
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from backend.core import catalog
from backend.core.ai_analyzer import PhotoInput
from backend.core.errors import PhotoRefused
from backend.core.grouping import group_photos
from backend.photos.intake import TakenPhoto, discover, take_in
from backend.photos.similarity import find_near_duplicates
from backend.sample.drawing.designs import DESIGNS
from backend.sample.wardrobe import DrawnItem, draw_wardrobe, take_picture

Wardrobe = tuple[Path, list[DrawnItem]]


@pytest.fixture(scope="module")
def wardrobe(tmp_path_factory: pytest.TempPathFactory) -> Wardrobe:
    folder = tmp_path_factory.mktemp("wardrobe")
    return folder, draw_wardrobe(folder)


@pytest.fixture(scope="module")
def taken(wardrobe: Wardrobe) -> dict[str, TakenPhoto | str]:
    """By name: the photo taken in, or the reason it was refused."""
    found: dict[str, TakenPhoto | str] = {}
    for path, _ in discover(wardrobe[0]):
        try:
            found[path.name] = take_in(path)
        except PhotoRefused as refused:
            found[path.name] = refused.reason
    return found


def test_eight_items_thirty_files_one_copy_one_broken_one_heic(wardrobe: Wardrobe) -> None:
    folder, items = wardrobe
    named = [name for item in items for name in (*item.photos, *item.copies, *item.broken)]
    assert sorted(named) == sorted(path.name for path in folder.iterdir())
    assert (len(items), len(named)) == (8, 30)
    assert Counter(Path(name).suffix for name in named) == {".jpg": 29, ".HEIC": 1}
    assert [len(item.copies + item.broken) for item in items] == [1, 0, 1, 0, 0, 0, 0, 0]


def test_intake_takes_all_but_the_broken_one_and_sees_the_copy(
    wardrobe: Wardrobe, taken: dict[str, TakenPhoto | str]
) -> None:
    items = wardrobe[1]
    photos = {name: photo for name, photo in taken.items() if isinstance(photo, TakenPhoto)}
    assert {name: why for name, why in taken.items() if name not in photos} == {items[1 + 1].broken[0]: "truncated"}
    assert all((photo.width, photo.height) == (1200, 1600) for photo in photos.values()), "stored upright"
    times = Counter(photo.sha256 for photo in photos.values())
    (twice,) = (digest for digest, count in times.items() if count == 2)
    original = items[0].copies[0].replace(" (1)", "")
    assert {name for name, photo in photos.items() if photo.sha256 == twice} == {original, items[0].copies[0]}
    likenesses = list(find_near_duplicates({name: photo.phash for name, photo in photos.items()}))
    assert [(pair.photo, pair.original) for pair in likenesses] == [(items[0].copies[0], original)]


def test_grouping_finds_the_items_as_drawn(wardrobe: Wardrobe, taken: dict[str, TakenPhoto | str]) -> None:
    folder, items = wardrobe
    photos = [
        PhotoInput(name, folder / name, name, "", photo.captured_at)
        for name, photo in taken.items()
        if isinstance(photo, TakenPhoto) and "(1)" not in name
    ]
    grouping = group_photos(photos)
    assert [group.photos for group in grouping.items] == [item.photos for item in items]
    assert not grouping.unsorted


def test_the_truth_speaks_the_catalogs_language(wardrobe: Wardrobe) -> None:
    for item in wardrobe[1]:
        leaf = catalog.find_leaf(item.audience, item.kind)
        assert leaf is not None
        assert catalog.find_size(leaf, item.size) is not None
        assert set(item.colours) <= set(catalog.colours())
        assert set(item.materials) <= set(catalog.materials())


def test_photos_carry_what_a_phone_writes(wardrobe: Wardrobe) -> None:
    folder, items = wardrobe
    exif = Image.open(folder / items[0].photos[3]).getexif()
    assert exif[ExifTags.Base.Orientation] == 6
    assert exif.get_ifd(ExifTags.IFD.GPSInfo), "a place, for intake to drop"
    stamp = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal]
    assert datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S").year == 2026


def test_a_picture_follows_from_the_seed_alone() -> None:
    def digest(seed: int) -> str:
        return hashlib.sha256(take_picture(np.random.default_rng(seed), DESIGNS[1], "care").tobytes()).hexdigest()

    assert digest(1) == digest(1) != digest(2)


def test_a_larger_wardrobe_begins_again_with_new_photos(tmp_path: Path) -> None:
    one = draw_wardrobe(tmp_path / "one", items=1)
    again = draw_wardrobe(tmp_path / "again", items=1)
    assert one == again
    for name in (*one[0].photos, *one[0].copies):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
