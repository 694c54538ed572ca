"""Further views of one photographed garment: what must hold for them to stand in for a seller's own."""

from typing import get_args

import numpy as np
import pytest

from backend.sandbox.garment_views import TALL, Mask, Pixels, Source, View, source, take

RED, FLOOR, WHITE = (180, 30, 40), (120, 110, 90), (250, 250, 250)


def garment() -> tuple[Pixels, Mask]:
    """A red square with a white print in its middle, on a floor."""
    photo = np.full((400, 300, 3), FLOOR, np.uint8)
    mask = np.zeros((400, 300), bool)
    mask[80:320, 50:250] = True
    photo[mask] = RED
    photo[180:210, 130:170] = WHITE
    return photo, mask


@pytest.fixture(scope="module")
def both() -> tuple[Source, Source]:
    photo, mask = garment()
    return source(photo, mask), source(np.full_like(photo, (20, 60, 120)), mask)


def seen(view: View, both: tuple[Source, Source]) -> Pixels:
    return np.asarray(take(np.random.default_rng(1), view, *both))


def share(picture: Pixels, colour: tuple[int, int, int]) -> float:
    """Of the pixels, those of about this colour."""
    return float((np.abs(picture.astype(int) - colour).max(axis=2) < 60).mean())


@pytest.mark.parametrize("view", get_args(View))
def test_each_view_follows_from_its_seed_and_shows_the_garment(view: View, both: tuple[Source, Source]) -> None:
    picture = seen(view, both)
    assert picture.shape[:2] == (TALL[::-1] if view in ("detail", "label") else (400, 300))
    assert np.array_equal(picture, seen(view, both))
    assert share(picture, RED) > 0.1


def test_a_back_has_no_print_a_fold_is_smaller_another_room_is_another_and_a_label_is_paper(
    both: tuple[Source, Source],
) -> None:
    assert share(seen("front", both), WHITE) > 0.005 > share(seen("back", both), WHITE)
    assert share(seen("folded", both), RED) < 0.75 * share(seen("front", both), RED)
    assert share(seen("elsewhere", both), FLOOR) < 0.1 < share(seen("front", both), FLOOR)
    assert share(seen("label", both), WHITE) > 0.15


def test_what_the_garment_hid_is_made_up_from_the_room_around_it(both: tuple[Source, Source]) -> None:
    assert share(both[0].room, FLOOR) > 0.99
