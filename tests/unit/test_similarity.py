"""Copies of a picture are found, other garments are not taken for copies."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.photos.similarity import find_near_duplicates, phash
from backend.sample.drawing.designs import DESIGNS
from backend.sample.wardrobe import take_picture

GARMENTS = Path(__file__).parents[2].parent / "shared/data/garments"


@pytest.fixture(scope="module")
def fronts() -> list[Image.Image]:
    return [take_picture(np.random.default_rng(5), design, "front") for design in DESIGNS[:4]]


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(out)


def test_recompressed_and_resized_copies_are_found(fronts: list[Image.Image]) -> None:
    for image in fronts:
        for copy in (recompressed(image, 30), image.resize((300, 400)), recompressed(image.resize((600, 800)), 60)):
            assert len(list(find_near_duplicates({"original": phash(image), "copy": phash(copy)}))) == 1


def test_different_garments_are_not_copies(fronts: list[Image.Image]) -> None:
    assert not list(find_near_duplicates({str(n): phash(image) for n, image in enumerate(fronts)}))


def test_the_earlier_photo_is_the_original_and_the_closest_one_is_named() -> None:
    found = list(find_near_duplicates({"a": 0b1111 << 40, "b": 0b1, "c": 0b1111 << 40 | 0b11, "d": 0b1}))
    assert [(f.photo, f.original, f.distance) for f in found] == [("c", "a", 2), ("d", "b", 0)]
    assert not list(find_near_duplicates({}))


def test_the_hash_fits_a_signed_64_bit_column(fronts: list[Image.Image]) -> None:
    assert all(0 <= phash(image) < 2**63 for image in [*fronts, Image.new("RGB", (80, 80), "white")])


@pytest.mark.skipif(not GARMENTS.is_dir(), reason="the real garment photos are not on this machine")
def test_on_real_garments_false_copies_are_rarer_than_one_pair_in_a_hundred_thousand() -> None:
    rows = list(csv.DictReader((GARMENTS / "manifest.csv").open()))[::9]
    hashes = {row["file"]: phash(Image.open(GARMENTS / row["file"])) for row in rows}
    pairs = len(hashes) * (len(hashes) - 1) / 2
    assert len(list(find_near_duplicates(hashes))) / pairs < 1e-5
