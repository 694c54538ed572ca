"""The order an item's photos are shown in, and what its seller is told about them."""

import numpy as np

from backend.core.photo_order import in_showing_order, photo_warnings
from backend.core.reading import Role, Shows, Sight

NOTHING = np.zeros(1, np.float32)


def shot(shows: Shows, *, sharp: float = 300.0, bright: float = 0.5, cover: float = 0.4) -> Sight:
    return Sight(shows, NOTHING, NOTHING, sharp, bright, cover)


def test_the_whole_garment_comes_first_then_parts_then_labels_each_as_taken() -> None:
    sights = {"1": shot("label"), "2": shot("part"), "3": shot("garment"), "4": shot("label"), "5": shot("garment")}
    assert in_showing_order("12345", sights) == ("3", "5", "2", "1", "4")


def test_a_sound_photo_is_the_cover_before_a_blurred_dark_or_cropped_one() -> None:
    for flawed in (shot("garment", sharp=10), shot("garment", bright=0.1), shot("garment", cover=0.97)):
        sights = {"1": flawed, "2": shot("label"), "3": shot("garment")}
        assert in_showing_order("123", sights) == ("3", "1", "2")
        assert photo_warnings(("3", "1", "2"), sights) == ()


def test_the_best_view_is_the_cover_but_the_first_where_they_are_nearly_as_good() -> None:
    for poor in (shot("garment", sharp=60), shot("garment", bright=0.24), shot("garment", cover=0.08)):
        sights = {"1": poor, "2": shot("garment"), "3": shot("label")}
        assert in_showing_order("123", sights) == ("2", "1", "3")
        assert photo_warnings("123", sights) == ()
    sights = {"1": shot("garment", sharp=170), "2": shot("garment", sharp=900, bright=0.8, cover=0.7)}
    assert in_showing_order("12", sights) == ("1", "2")


def test_where_all_are_flawed_the_least_flawed_is_the_cover_and_is_warned_of() -> None:
    sights = {"1": shot("garment", sharp=10), "2": shot("garment", bright=0.1)}
    assert in_showing_order("12", sights) == ("2", "1")
    assert photo_warnings("12", sights) == ("cover_blurred",)
    assert photo_warnings("21", sights) == ("cover_dark",)


def test_photos_nobody_saw_keep_their_order_and_are_called_nothing() -> None:
    assert in_showing_order("312", {}) == ("3", "1", "2")
    assert photo_warnings("312", {}) == ()
    assert in_showing_order("123", {"3": shot("garment")}) == ("3", "1", "2")


def test_what_a_reader_says_of_photos_comes_before_what_was_seen() -> None:
    sights = {photo: shot("garment") for photo in "1245"} | {"3": shot("label"), "6": shot("part")}
    told: dict[str, Role] = {"1": "back", "2": "flaw", "3": "label", "4": "front", "5": "view"}
    assert in_showing_order("123456", sights, told) == ("4", "1", "5", "6", "3", "2")
    assert in_showing_order("123456", {}, told) == ("4", "1", "5", "6", "3", "2"), "and where nothing was seen"
    assert in_showing_order("123456", sights, told | {"5": "front"}) == ("4", "5", "1", "6", "3", "2")
    dark = sights | {"4": shot("garment", bright=0.1)}
    assert in_showing_order("123456", dark, told | {"5": "front"})[0] == "5", "the sound one of two fronts"
    assert in_showing_order("123456", dark, told)[0] == "4", "a dark front is still the front"
    assert in_showing_order("12", {}, {"1": "back", "2": "view"}) == ("2", "1"), "no front: another view"


def test_a_lone_photo_and_a_lone_view_are_told() -> None:
    assert photo_warnings("1", {"1": shot("garment")}) == ("one_photo",)
    assert photo_warnings("12", {"1": shot("garment"), "2": shot("label")}) == ("one_view",)
    assert photo_warnings("12", {"1": shot("part"), "2": shot("label")}) == ()


def test_a_close_up_out_of_focus_is_told_and_one_in_focus_is_not() -> None:
    shows: tuple[Shows, ...] = ("part", "label")
    for detail in shows:
        sights = {"1": shot("garment"), "2": shot("garment"), "3": shot(detail, sharp=8)}
        assert photo_warnings("123", sights) == ("detail_blurred",)
        assert photo_warnings("123", sights | {"3": shot(detail, sharp=30)}) == ()


def test_labels_alone_still_have_a_cover() -> None:
    assert in_showing_order("12", {"1": shot("label"), "2": shot("label")}) == ("1", "2")
