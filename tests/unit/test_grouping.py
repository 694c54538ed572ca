"""Which photos belong together: order and time, folders, hints, and that none is ever lost."""

import random
from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from math import comb
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.ai_analyzer import PhotoInput
from backend.core.grouping import Grouping, PhotoHint, group_photos, natural_key

TEN = datetime(2026, 5, 2, 10)


def photo(number: int, seconds: float | None = None, *, folder: str = "", name: str = "") -> PhotoInput:
    captured_at = None if seconds is None else TEN + timedelta(seconds=seconds)
    return PhotoInput(str(number), Path(), name or f"IMG_{number}.jpg", folder, captured_at)


def at(*seconds: float, folder: str = "", start: int = 1) -> list[PhotoInput]:
    return [photo(start + n, second, folder=folder) for n, second in enumerate(seconds)]


def sorted_into(grouping: Grouping) -> list[str]:
    return [" ".join(group.photos) for group in grouping.items]


def test_photos_seconds_apart_are_one_item_and_a_minute_begins_the_next() -> None:
    assert sorted_into(group_photos(at(0, 6, 13, 20, 90, 95, 103, 180, 188, 199))) == ["1 2 3 4", "5 6 7", "8 9 10"]


def test_the_clock_decides_not_the_order_given() -> None:
    photos = at(0, 6, 13, 90, 95, 103)
    random.Random(3).shuffle(photos)
    assert sorted_into(group_photos(photos)) == ["1 2 3", "4 5 6"]


def test_photos_of_one_instant_keep_their_name_order_and_parts_of_a_second_count() -> None:
    names = [photo(1, 0, name="b10.jpg"), photo(2, 0, name="b9.jpg"), photo(3, 0.25, name="a.jpg")]
    assert sorted_into(group_photos(names)) == ["2 1 3"]


def test_a_fast_seller_is_split_at_shorter_pauses_than_a_slow_one() -> None:
    fast = [item * 16 + step for item in range(12) for step in (0, 1.5, 3, 4.5)]
    slow = [item * 290 + step for item in range(12) for step in (0, 40, 80, 120)]
    for seconds in (fast, slow):
        assert [len(group.photos) for group in group_photos(at(*seconds)).items] == [4] * 12


def test_more_than_three_minutes_always_split() -> None:
    assert len(group_photos(at(*(second * 200 for second in range(10)))).items) == 10


def test_an_even_pace_of_one_item_is_not_torn_apart() -> None:
    assert len(group_photos(at(0, 7, 15, 21, 30)).items) == 1


def test_folders_never_merge() -> None:
    photos = at(0, 5, 10, folder="robe") + at(12, 17, 22, folder="jean", start=4)
    assert sorted_into(group_photos(photos)) == ["4 5 6", "1 2 3"]


def test_one_folder_an_item_is_the_sellers_word_even_with_a_late_photo() -> None:
    photos = at(0, 5, 900, folder="robe") + at(40, 45, 50, folder="jean", start=4)
    robe = group_photos(photos).items[1]
    assert (robe.photos, robe.reason, robe.warnings) == (("1", "2", "3"), "folder", ("long_pause",))


def test_a_lone_subfolder_with_times_is_a_session_to_split() -> None:
    assert sorted_into(group_photos(at(0, 6, 13, 90, 95, 103, folder="samedi"))) == ["1 2 3", "4 5 6"]


def test_a_subfolder_without_times_is_one_item_up_to_a_listings_worth() -> None:
    assert len(group_photos([photo(n, folder="robe") for n in range(20)]).items) == 1
    heap = group_photos([photo(n, folder="robe") for n in range(21)])
    assert not heap.items
    assert len(heap.unsorted) == 21
    assert set(heap.reasons.values()) == {"folder_too_large"}


def test_an_untimed_photo_joins_only_where_its_neighbours_by_name_agree() -> None:
    photos = [photo(1, 0), photo(2), photo(3), photo(4, 12), photo(5), photo(6, 90), photo(7, 95), photo(8)]
    grouping = group_photos(photos)
    assert sorted_into(grouping) == ["1 2 3 4", "6 7"]
    assert grouping.unsorted == ("5", "8")
    assert grouping.reasons == {"5": "between_items", "8": "between_items"}


def test_a_flat_folder_without_times_merges_no_strangers() -> None:
    grouping = group_photos([photo(n) for n in range(5)])
    assert [(group.reason, len(group.photos)) for group in grouping.items] == [("alone", 1)] * 5
    assert max(group.confidence for group in grouping.items) < 0.5


def test_without_times_labels_join_the_garment_beside_them() -> None:
    photos = [photo(n) for n in range(1, 7)]
    label = PhotoHint(is_label=True)
    following = {"2": label, "3": label, "6": label}
    leading = {"1": label, "3": label, "4": label}
    assert sorted_into(group_photos(photos, hints=following)) == ["1 2 3", "4", "5 6"]
    assert sorted_into(group_photos(photos, hints=leading)) == ["1 2", "3 4 5", "6"]
    assert len(group_photos(photos, hints={str(n): label for n in range(1, 7)}).items) == 6


def test_without_times_only_a_sure_look_alike_joins() -> None:
    hints = {"2": PhotoHint(same_as_previous=0.9), "3": PhotoHint(same_as_previous=0.6)}
    assert sorted_into(group_photos([photo(n) for n in range(1, 4)], hints=hints)) == ["1 2", "3"]


def test_a_look_alike_outweighs_a_middling_pause() -> None:
    photos = at(0, 8, 31, 39)
    assert len(group_photos(photos).items) == 2
    assert len(group_photos(photos, hints={"3": PhotoHint(same_as_previous=0.95)}).items) == 1


def test_too_many_photos_stay_together_with_a_warning() -> None:
    (group,) = group_photos(at(*range(0, 66, 3))).items
    assert len(group.photos) == 22
    assert group.warnings == ("too_many_photos",)


def test_names_sort_as_a_person_sorts_them() -> None:
    names = ["photo10.jpg", "Photo2.jpg", "photo1 (1).jpg", "photo1.jpg", "9" * 5000, "²", "é", "٣"]
    assert sorted(names, key=natural_key)[1:5] == ["photo1.jpg", "photo1 (1).jpg", "Photo2.jpg", "photo10.jpg"]


@st.composite
def batches(draw: st.DrawFn) -> list[PhotoInput]:
    times = st.none() | st.integers(0, 4000).map(lambda n: TEN + timedelta(seconds=n / 4))
    rows = draw(st.lists(st.tuples(times, st.sampled_from(["", "a", "b/c"]), st.text(max_size=6)), max_size=40))
    return [PhotoInput(str(n), Path(), name, folder, when) for n, (when, folder, name) in enumerate(rows)]


hint_maps = st.dictionaries(
    st.integers(0, 40).map(str), st.builds(PhotoHint, st.booleans(), st.none() | st.floats(0, 1))
)


@settings(max_examples=150, deadline=None)
@given(batches(), hint_maps, st.randoms())
def test_every_photo_ends_in_exactly_one_place(
    photos: list[PhotoInput], hints: dict[str, PhotoHint], chance: random.Random
) -> None:
    grouping = group_photos(photos, hints=hints)
    placed = [photo for group in grouping.items for photo in group.photos] + list(grouping.unsorted)
    assert sorted(placed) == sorted(photo.id for photo in photos)
    assert all(group.photos and 0 <= group.confidence <= 1 for group in grouping.items)
    assert set(grouping.reasons) == set(grouping.unsorted)
    folders = {photo.id: photo.folder for photo in photos}
    assert all(len({folders[photo] for photo in group.photos}) == 1 for group in grouping.items)
    shuffled = list(photos)
    chance.shuffle(shuffled)
    assert group_photos(shuffled, hints=hints) == grouping


def adjusted_rand(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """Agreement of two sortings, by pairs: 1 is perfect, 0 is chance."""
    both, true, seen = (
        sum(comb(n, 2) for n in Counter(labels).values()) for labels in (zip(truth, found, strict=True), truth, found)
    )
    expected = true * seen / comb(len(truth), 2)
    return (both - expected) / ((true + seen) / 2 - expected)


def session(seed: int, within: tuple[float, float], between: tuple[float, float]) -> tuple[list[PhotoInput], list[int]]:
    """A simulated shooting session of 20 items, and which photo shows which."""
    chance = random.Random(seed)
    photos, truth, now = [], [], 0.0
    for item in range(20):
        for shot in range(chance.randint(3, 6)):
            now += chance.uniform(*(within if shot else between))
            photos.append(photo(2041 + len(photos), now))
            truth.append(item)
    return photos, truth


@pytest.mark.parametrize(
    ("within", "between", "least"), [((3, 25), (20, 120), 0.85), ((3, 15), (40, 200), 0.99), ((1, 4), (6, 30), 0.93)]
)
def test_plausible_sessions_are_sorted_as_well_as_measured(
    within: tuple[float, float], between: tuple[float, float], least: float
) -> None:
    scores = []
    for seed in range(10):
        photos, truth = session(seed, within, between)
        place = {id_: at for at, group in enumerate(group_photos(photos).items) for id_ in group.photos}
        scores.append(adjusted_rand(truth, [place[p.id] for p in photos]))
    assert sum(scores) / len(scores) >= least
