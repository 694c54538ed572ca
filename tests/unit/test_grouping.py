"""Which photos belong together: order and time, folders, hints, and that none is ever lost."""

import random
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.grouping import Grouping, group_photos, natural_key, tell
from backend.core.grouping.items import WhyCode
from backend.core.grouping.names import put_in_order
from backend.core.reading import PhotoInput, Shows, Sight
from backend.core.texts import sentences
from backend.sandbox.sessions import adjusted_rand

TEN = datetime(2026, 5, 2, 10)


def photo(number: int, seconds: float | None = None, *, folder: str = "", name: str = "") -> PhotoInput:
    captured_at = None if seconds is None else TEN + timedelta(seconds=seconds)
    return PhotoInput(str(number), Path(), name or f"IMG_{number}.jpg", folder, captured_at)


def at(*seconds: float, folder: str = "", start: int = 1) -> list[PhotoInput]:
    return [photo(start + n, second, folder=folder) for n, second in enumerate(seconds)]


def sorted_into(grouping: Grouping) -> list[str]:
    return [" ".join(group.photos) for group in grouping.items]


def test_photos_seconds_apart_are_one_item_and_a_minute_begins_the_next() -> None:
    found = group_photos(at(0, 6, 13, 20, 90, 95, 103, 180, 188, 199))
    assert sorted_into(found) == ["1 2 3 4", "5 6 7", "8 9 10"]
    assert all(group.confidence <= 0.75 for group in found.items), "pauses alone make nobody surer"


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


def sees(thing: int, shows: Shows = "garment", *, off: float = 0.0) -> Sight:
    """A look at a thing: unlike other things but for what all photos of a seller share; `off` is another view."""
    feature, histogram = np.zeros(64, np.float32), np.zeros(512, np.float32)
    feature[[0, 1 + thing, 40 + thing]] = 0.6, 0.8 * (1 - off), 0.8 * off
    histogram[7 * thing + 3] = 1.0
    return Sight(shows, feature / np.linalg.norm(feature), histogram, 200.0, 0.5, 0.4)


def seen(*sights: Sight) -> dict[str, Sight]:
    return {str(number): sight for number, sight in enumerate(sights, 1)}


def untimed(count: int) -> list[PhotoInput]:
    return [photo(n) for n in range(1, count + 1)]


def test_untimed_photos_named_by_something_else_are_sorted_by_themselves() -> None:
    sent = [photo(n, name=f"IMG-20260502-WA000{n}.jpg") for n in range(7, 10)]
    sights = seen(*[sees(1)] * 3, *[sees(2)] * 3, *[sees(3)] * 3)
    assert sorted_into(group_photos([*at(0, 6, 13, 90, 95, 103), *sent], sights=sights)) == ["1 2 3", "4 5 6", "7 8 9"]


def test_a_flat_folder_without_times_merges_no_strangers() -> None:
    for sights in ({}, seen(*(sees(n) for n in range(5)))):
        grouping = group_photos(untimed(5), sights=sights)
        assert [(group.reason, len(group.photos)) for group in grouping.items] == [("alone", 1)] * 5
        assert tell(grouping.items[0].why, "en") == ["Nothing ties this photo to another."]


def test_without_times_labels_join_the_garment_beside_them() -> None:
    first, second, third = (sees(n) for n in range(3))
    labels = [sees(n, "label") for n in range(3)]
    last = seen(first, labels[0], labels[0], second, third, labels[2])
    assert sorted_into(group_photos(untimed(6), sights=last)) == ["1 2 3", "4", "5 6"]
    begin = seen(*(sight for n in range(4) for sight in (sees(n, "label"), sees(n), sees(n, off=0.2))))
    assert sorted_into(group_photos(untimed(12), sights=begin)) == ["1 2 3", "4 5 6", "7 8 9", "10 11 12"]


def test_without_times_photos_that_look_alike_join() -> None:
    things = [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]
    grouping = group_photos(untimed(10), sights=seen(*(sees(n, off=0.15 * (at % 2)) for at, n in enumerate(things))))
    assert sorted_into(grouping) == ["1 2 3", "4 5", "6 7 8", "9 10"]
    assert grouping.items[0].reason == "looks"
    assert tell(grouping.items[0].why, "fr") == [
        "Elles se ressemblent plus que les photos d’articles différents de ce lot."
    ]


def test_looks_outweigh_a_middling_pause_but_not_a_long_one() -> None:
    for pause, items in ((23, 1), (400, 2)):
        photos = at(0, 8, 8 + pause, 16 + pause)
        assert len(group_photos(photos).items) == 2
        assert len(group_photos(photos, sights=seen(*[sees(1)] * 4)).items) == items


def test_a_garment_unlike_the_last_begins_an_item_though_it_followed_at_once() -> None:
    things = [thing for thing in range(6) for _ in range(3)]
    photos = at(*(shot * 9 + shot % 3 for shot in range(18)))
    assert len(group_photos(photos).items) == 1
    assert len(group_photos(photos, sights=seen(*(sees(n) for n in things))).items) == 6


def test_what_a_judge_says_decides_a_doubtful_place() -> None:
    photos = at(0, 8, 31, 39)
    grouping = group_photos(photos)
    doubt = next(doubt for doubt in grouping.doubts if doubt.right[0] == "3")
    assert (doubt.left, doubt.right) == (("1", "2"), ("3", "4"))
    assert len(grouping.items) == 2
    joined = group_photos(photos, judged={"3": 0.97})
    assert sorted_into(joined) == ["1 2 3 4"]
    assert "3" not in {doubt.right[0] for doubt in joined.doubts}
    assert "The vision model was asked about a doubtful place." in tell(joined.items[0].why, "en")


def test_cards_between_items_are_the_sellers_word_and_in_no_item() -> None:
    sights = seen(*[sees(1)] * 3, sees(9, "separator"), sees(1), sees(1), sees(9, "separator"), sees(2), sees(3))
    grouping = group_photos(untimed(9), sights=sights)
    assert sorted_into(grouping) == ["1 2 3", "5 6", "8 9"]
    assert grouping.reasons == {"4": "separator", "7": "separator"}
    assert {group.reason for group in grouping.items} == {"separator"}


def test_a_lone_card_only_divides() -> None:
    sights = seen(sees(1), sees(1), sees(9, "separator"), sees(1), sees(2), sees(2))
    assert sorted_into(group_photos(untimed(6), sights=sights)) == ["1 2", "4", "5 6"]


def shots(things: Sequence[int], *, each: int = 3, first: int = 2041) -> tuple[list[str], list[float]]:
    """Names and seconds of a phone's photos: each thing's a few seconds apart, a minute between things."""
    names = [f"IMG_{first + n}.jpg" for n in range(each * len(things))]
    return names, [at * 75.0 + step * 6 for at in range(len(things)) for step in range(each)]


def test_a_clock_that_jumps_back_does_not_mix_what_the_camera_counted() -> None:
    names, seconds = shots(range(8))
    jumped = [second - (200 if n >= 13 else 0) for n, second in enumerate(seconds)]
    photos = [photo(n, second, name=name) for n, (name, second) in enumerate(zip(names, jumped, strict=True))]
    assert [len(group.photos) for group in group_photos(photos).items] == [3, 3, 3, 3, 1, 2, 3, 3, 3]
    sights = {str(n): sees(n // 3) for n in range(24)}
    assert [len(group.photos) for group in group_photos(photos, sights=sights).items] == [3] * 8


def test_two_phones_that_take_turns_are_sorted_apart() -> None:
    (names, seconds), (others, later) = shots(range(5)), shots(range(5), first=7310)
    mine = [photo(n, second, name=name) for n, (name, second) in enumerate(zip(names, seconds, strict=True))]
    theirs = [photo(50 + n, s + 5, name=name) for n, (name, s) in enumerate(zip(others, later, strict=True))]
    found = {frozenset(group.photos) for group in group_photos([*mine, *theirs]).items}
    assert found == {frozenset(str(start + n) for n in range(3)) for start in (*range(0, 15, 3), *range(50, 65, 3))}


def test_moments_in_names_count_where_the_photo_has_none() -> None:
    stamps = ("101407", "101412", "101419", "101533", "101540")
    for name in ("PXL_20260502_{}123.jpg", "20260502_{}.jpg", "IMG_20260502_{}.jpg"):
        photos = [photo(n, name=name.format(stamp)) for n, stamp in enumerate(stamps)]
        assert sorted_into(group_photos(photos)) == ["0 1 2", "3 4"]
    for name in ("WhatsApp Image 2026-05-02 at 10.14.0{}.jpeg", "PHOTO-2026-05-02-10-14-0{}.jpg"):
        assert len(group_photos([photo(n, name=name.format(n)) for n in range(4)]).items) == 4


def test_times_a_copying_program_wrote_are_no_times() -> None:
    photos = [photo(n, 0.1 * n) for n in range(1, 7)]
    assert len(group_photos(photos).items) == 6
    assert sorted_into(group_photos(photos, sights=seen(*(sees(n // 3) for n in range(6))))) == ["1 2 3", "4 5 6"]


def test_times_at_a_programs_even_pace_are_no_times() -> None:
    even = at(*(2.0 * shot for shot in range(12)))
    assert [len(group.photos) for group in group_photos(even).items] == [1] * 12
    sights = seen(*(sees(n // 3) for n in range(12)))
    assert [len(group.photos) for group in group_photos(even, sights=sights).items] == [3] * 4


def drawn_names(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [f"{chance.getrandbits(64):016x}.jpg" for _ in range(count)]


def handed_in(names: Sequence[str], things: Sequence[int]) -> tuple[list[PhotoInput], dict[str, Sight]]:
    """Photos of these things as they were handed in: two views, a part and a label of each; ids in no order."""
    kinds: list[Shows] = ["garment", "garment", "part", "label"]
    ids = drawn_names(len(names), 99)
    photos = [PhotoInput(i, Path(), name, position=n) for n, (i, name) in enumerate(zip(ids, names, strict=True))]
    of_one: dict[int, int] = defaultdict(int)
    sights = {}
    for photo, thing in zip(ids, things, strict=True):
        sights[photo] = sees(thing, kinds[of_one[thing] % 4], off=0.1 * (of_one[thing] % 3))
        of_one[thing] += 1
    return photos, sights


IN_TURN = [thing for thing in range(4) for _ in range(4)]


@pytest.mark.parametrize("names", [["image.jpg"] * 16, drawn_names(16, 1)], ids=["alike", "drawn"])
def test_where_names_tell_nothing_photos_come_as_they_were_handed_in(names: list[str]) -> None:
    photos, sights = handed_in(names, IN_TURN)
    found = group_photos(photos, sights=sights)
    assert [group.photos for group in found.items] == [tuple(p.id for p in photos[n : n + 4]) for n in (0, 4, 8, 12)]


@pytest.mark.parametrize("names", [["image.jpg"] * 16, drawn_names(16, 1)], ids=["alike", "drawn"])
def test_where_nothing_tells_an_order_each_photo_is_alone_and_unsure(names: list[str]) -> None:
    photos, sights = handed_in(names, IN_TURN)
    for nowhere in (
        [replace(photo, position=None) for photo in photos],
        [replace(p, position=n) for n, p in enumerate(sorted(photos, key=lambda p: p.name))]
        if names[0] != names[1]
        else [],
    ):
        assert all(
            len(item.photos) == 1 and item.confidence <= 0.3 for item in group_photos(nowhere, sights=sights).items
        )


def wardrobe(items: int, seed: int) -> list[tuple[int, Sight]]:
    """Two views, a part and a label of each garment, in order, each view a little other than the last."""
    chance, found = np.random.default_rng(seed), []
    kinds: tuple[Shows, ...] = ("garment", "garment", "part", "label")
    for item in range(items):
        form, histogram = chance.normal(0, 1, 48), np.zeros(512, np.float32)
        histogram[chance.choice(512, 3)] = 1 / 3
        for kind in kinds:
            feature = np.append(6.0, form + chance.normal(0, 0.6, 48)).astype(np.float32)
            found.append((item, Sight(kind, feature / np.linalg.norm(feature), histogram, 200.0, 0.5, 0.4)))
    return found


def counted(sights: Sequence[Sight]) -> Grouping:
    """Photos whose names count on, without times."""
    return group_photos(untimed(len(sights)), sights=seen(*sights))


@pytest.mark.parametrize("items", [3, 4, 25])
def test_an_order_that_mixes_garments_joins_none_though_the_names_count_on(items: int) -> None:
    mixed = 0
    for seed in range(6):
        in_order = wardrobe(items, seed)
        assert [len(item.photos) for item in counted([sight for _, sight in in_order]).items] == [4] * items
        shuffled = random.Random(seed).sample(in_order, len(in_order))
        found = counted([sight for _, sight in shuffled]).items
        mixed += sum(len({shuffled[int(photo) - 1][0] for photo in item.photos}) > 1 for item in found)
        if len(found) == len(shuffled):
            assert {item.confidence for item in found} == {0.3}
            assert "no more alike than in any other order" in tell(found[0].why, "en")[0]
    assert mixed <= 2


def test_labels_that_lie_apart_tell_an_order_where_no_two_garments_look_alike() -> None:
    """One view and one label of each: the label's colours alone tie it, as weakly in any order."""
    photos = [sight for at, (_, sight) in enumerate(wardrobe(8, 3)) if at % 4 in (0, 3)]
    assert [len(item.photos) for item in counted(photos).items] == [2] * 8
    mixed = random.Random(2).sample(photos, 16)
    assert {len(item.photos) for item in counted(mixed).items} == {1}


def test_photos_of_one_garment_are_one_item_in_any_order() -> None:
    (_, front), (_, back), (_, part), (_, label) = wardrobe(1, 1)
    for seed in range(4):
        shuffled = random.Random(seed).sample([front, back, front, part, back, label, front], 7)
        assert [len(item.photos) for item in counted(shuffled).items] == [7]


def test_untimed_photos_slip_in_by_no_name_that_tells_nothing() -> None:
    names = sorted(drawn_names(6, 5))
    photos = [photo(n, None if n == 2 else 6.0 * n, name=name) for n, name in enumerate(names)]
    assert group_photos(photos).unsorted == ("2",)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["IMG_2041.JPG", "IMG_2042.JPG", "IMG_E2043.JPG", "IMG_2090.JPG", "IMG_2101.JPG"], True),
        (["IMG-20260502-WA0003.jpg", "IMG-20260502-WA0011.jpg"], True),
        (["PHOTO-2026-05-02-10-14-07.jpg", "PHOTO-2026-05-02-10-15-01.jpg"], True),
        (["robe (1).jpg", "robe (2).jpg", "jean 1.jpg", "jean 2.jpg"], True),
        (["1.jpg", "2.jpg", "10.jpg"], True),
        (["image.jpg", "image.jpg", "image.jpg"], False),
        (["7d3a88e9-2fb3-4044.jpg", "e58c2375-a9cb-4226.jpg", "39a1562b-9f9f-4e70.jpg"], False),
        (["Snapchat-1938472610.jpg", "Snapchat-201938475.jpg", "Snapchat-88273645.jpg"], False),
        (["469842304_122_n.jpg", "471120093_987_n.jpg", "470553018_456_n.jpg"], False),
    ],
)
def test_which_names_put_photos_in_order(names: list[str], told: bool) -> None:
    assert put_in_order(names) is told


def test_reversed_names_and_messengers_names_keep_items_together() -> None:
    things = [thing for thing in range(6) for _ in range(3)]
    kinds: list[Shows] = ["garment", "garment", "label"]
    sights = [sees(n, kinds[at % 3], off=0.1 * (at % 3)) for at, n in enumerate(things)]
    for order in (sights, sights[::-1]):
        photos = [photo(n, name=f"IMG-20260502-WA{n:04d}.jpg") for n in range(1, 19)]
        found = group_photos(photos, sights=seen(*order))
        assert [len(group.photos) for group in found.items] == [3] * 6


def test_too_many_photos_stay_together_with_a_warning() -> None:
    (group,) = group_photos(at(*(shot * 3 + shot % 2 for shot in range(22)))).items
    assert len(group.photos) == 22
    assert group.warnings == ("too_many_photos",)


def test_every_reason_has_its_sentence_in_both_languages_and_none_is_idle() -> None:
    for language in ("fr", "en"):
        assert set(sentences(language)["grouping"]) == set(get_args(WhyCode))


def test_names_sort_as_a_person_sorts_them() -> None:
    names = ["photo10.jpg", "Photo2.jpg", "photo1 (1).jpg", "photo1.jpg", "9" * 5000, "²", "é", "٣"]
    assert sorted(names, key=natural_key)[1:5] == ["photo1.jpg", "photo1 (1).jpg", "Photo2.jpg", "photo10.jpg"]


@st.composite
def batches(draw: st.DrawFn) -> list[PhotoInput]:
    times = st.none() | st.integers(0, 4000).map(lambda n: TEN + timedelta(seconds=n / 4))
    rows = draw(st.lists(st.tuples(times, st.sampled_from(["", "a", "b/c"]), st.text(max_size=6)), max_size=25))
    return [PhotoInput(str(n), Path(), name, folder, when) for n, (when, folder, name) in enumerate(rows)]


sight_maps = st.dictionaries(
    st.integers(0, 40).map(str),
    st.builds(sees, st.integers(0, 5), st.sampled_from(["garment", "label", "part", "separator"])),
)


@settings(max_examples=50)
@given(batches(), sight_maps, st.dictionaries(st.integers(0, 40).map(str), st.floats(0, 1)), st.randoms())
def test_every_photo_ends_in_exactly_one_place(
    photos: list[PhotoInput], sights: dict[str, Sight], judged: dict[str, float], chance: random.Random
) -> None:
    grouping = group_photos(photos, sights=sights, judged=judged)
    placed = [photo for group in grouping.items for photo in group.photos] + list(grouping.unsorted)
    assert sorted(placed) == sorted(photo.id for photo in photos)
    assert all(group.photos and 0 <= group.confidence <= 1 for group in grouping.items)
    assert all(tell(group.why, language) for group in grouping.items for language in ("fr", "en"))
    assert set(grouping.reasons) == set(grouping.unsorted)
    folders = {photo.id: photo.folder for photo in photos}
    assert all(len({folders[photo] for photo in group.photos}) == 1 for group in grouping.items)
    shuffled = list(photos)
    chance.shuffle(shuffled)
    assert group_photos(shuffled, sights=sights, judged=judged) == grouping


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
        assert max(group.confidence for group in group_photos(photos).items if len(group.photos) > 1) <= 0.75
        place = {id_: at for at, group in enumerate(group_photos(photos).items) for id_ in group.photos}
        scores.append(adjusted_rand(truth, [place[p.id] for p in photos]))
    assert sum(scores) / len(scores) >= least


def test_a_thousand_photos_take_seconds_and_little_memory() -> None:
    rng = np.random.default_rng(3)
    photos = at(*(item * 80.0 + shot * 6 for item in range(250) for shot in range(4)))
    forms = rng.random((250, 1280), np.float32)
    sights = {}
    for n, one in enumerate(photos):
        feature = forms[n // 4] + 0.4 * rng.random(1280, np.float32)
        colours = np.full(512, 1 / 512, np.float32)
        sights[one.id] = Sight("label" if n % 4 == 3 else "garment", feature / np.linalg.norm(feature), colours)
    tracemalloc.start()
    started = time.process_time()
    grouping = group_photos(photos, sights=sights)
    seconds, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [len(group.photos) for group in grouping.items] == [4] * 250
    assert seconds < 30, "1 to 4 s here"
    assert peak < 60e6, "20 MB here"
