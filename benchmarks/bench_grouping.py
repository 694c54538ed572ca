"""How well a batch is sorted into items, beside pauses alone, and what that costs.

    python benchmarks/bench_grouping.py [GARMENTS] [--sights FOLDER] [--quick] [--views SELLERS]

Wardrobes are drawn in several orders and colours and looked at by the embedded reader; their photos then arrive as
`backend/sandbox/sessions.py` has it. GARMENTS is a folder of photos that each show another garment, in subfolders, with
a `manifest.csv` (file, label, seller): there every merge of neighbours is wrong. What was seen is kept in the folder
`--sights` and found there next time. `--quick` draws one wardrobe and looks at 60 garments. `--views` alone measures so
many sellers (20 at most) whose garments have six views each, made from these photos (`seller_views.py`).
"""

import argparse
import asyncio
import csv
import random
import statistics
import tempfile
import time
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import numpy as np
import seller_views
from rich.console import Console
from rich.table import Table

from backend.core.grouping import Grouping, group_photos
from backend.core.reading import PhotoInput, Shows, Sight
from backend.sample.drawing.designs import DESIGNS, Design
from backend.sample.wardrobe import take_picture
from backend.sandbox.sessions import SESSIONS, TEN, Score, Session, score, shuffled
from backend.vision.embedded.analyzer import EmbeddedAnalyzer

COLOURS = (
    *((0.12, 0.12, 0.13), (0.85, 0.80, 0.2), (0.25, 0.35, 0.75), (0.8, 0.3, 0.35)),
    *((0.4, 0.6, 0.35), (0.9, 0.88, 0.85), (0.55, 0.35, 0.6), (0.55, 0.5, 0.45)),
)
WARDROBES = {
    "eight": (7, 8, False),
    "eight recoloured": (21, 8, True),
    "twelve": (33, 12, True),
    "sixteen": (5, 16, True),
}
"""Seed, items, and whether in random order and colours: past eight items, garments of one cut come twice or more."""
ORDERS = 10
SIZES = (10, 30, 120)

Sights = Mapping[str, Sight]


def designs_of(seed: int, items: int, *, varied: bool) -> list[Design]:
    if not varied:
        return list(DESIGNS[:items])
    rng, kinds, found = random.Random(seed), list(DESIGNS), []
    while len(found) < items:
        rng.shuffle(kinds)
        found += [replace(design, colour=rng.choice(COLOURS)) for design in kinds[: items - len(found)]]
    return found


def draw(folder: Path, seed: int, designs: Sequence[Design]) -> list[list[Path]]:
    """The photos of each item; the number in a photo's name is its place in the wardrobe."""
    at, items = 0, []
    for item, design in enumerate(designs):
        items.append([])
        for shot in design.shots:
            at += 1
            path = folder / f"{item:02d}-{at:03d}-{shot}.jpg"
            take_picture(np.random.default_rng([seed, at]), design, shot).save(path, quality=90)
            items[-1].append(path)
    return items


async def look(paths: Sequence[Path], names: Sequence[str]) -> dict[str, Sight]:
    reader = EmbeddedAnalyzer()
    photos = [PhotoInput(name, path) for name, path in zip(names, paths, strict=True)]
    sights = dict(zip(names, await asyncio.gather(*map(reader.describe_photo, photos)), strict=True))
    await reader.aclose()
    return sights


def kept(file: Path | None, see: Callable[[], dict[str, Sight]]) -> dict[str, Sight]:
    """The sights in the file, or what `see` sees, kept there."""
    if file is not None and file.exists():
        with np.load(file) as rows:
            shows: dict[str, Shows] = {kind: kind for kind in get_args(Shows)}
            return {
                str(name): Sight(shows[str(kind)], feature, histogram, *map(float, numbers))
                for name, kind, feature, histogram, numbers in zip(
                    rows["names"], rows["shows"], rows["features"], rows["histograms"], rows["numbers"], strict=True
                )
            }
    sights = see()
    if file is not None:
        keep(file, sights)
    return sights


def keep(file: Path, sights: Sights) -> None:
    seen = list(sights.values())
    np.savez_compressed(
        file,
        names=list(sights),
        shows=[sight.shows for sight in seen],
        features=[sight.feature for sight in seen],
        histograms=[sight.histogram for sight in seen],
        numbers=[(sight.sharpness, sight.brightness, sight.cover_share) for sight in seen],
    )


def wardrobe(name: str, folder: Path | None) -> tuple[list[list[str]], dict[str, Sight]]:
    seed, items, varied = WARDROBES[name]

    def see() -> dict[str, Sight]:
        with tempfile.TemporaryDirectory() as scratch:
            paths = [
                path for item in draw(Path(scratch), seed, designs_of(seed, items, varied=varied)) for path in item
            ]
            return asyncio.run(look(paths, [path.stem for path in paths]))

    sights = kept(folder / f"{name.replace(' ', '-')}.npz" if folder else None, see)
    found: dict[str, list[str]] = defaultdict(list)
    for photo in sorted(sights):
        found[photo[:2]].append(photo)
    return list(found.values()), sights


def orders(items: Sequence[Sequence[str]]) -> list[list[Sequence[str]]]:
    """The items in several orders; two of one cut may come to lie beside each other."""
    found = []
    for seed in range(ORDERS):
        shuffled = list(items)
        random.Random(seed).shuffle(shuffled)
        found.append(shuffled)
    return found


def show_wardrobes(console: Console, names: Sequence[str], folder: Path | None) -> None:
    drawn = {name: wardrobe(name, folder) for name in names}
    table = Table(title=f"Drawn wardrobes, each in {ORDERS} orders of its garments: adjusted Rand index, mean (least)")
    table.add_column("photos arrive with")
    for name in names:
        table.add_column(name, justify="right")
    for heading in ("borders merged", "inner split", "by pauses alone"):
        table.add_column(heading, justify="right")
    for kind in SESSIONS:
        scores = {name: run(kind, *drawn[name]) for name in names}
        blind = [one.ari for name in names for one in run(kind, drawn[name][0], {})]
        flat = [one for found in scores.values() for one in found]
        table.add_row(
            kind,
            *(f"{statistics.mean(s.ari for s in f):.3f} ({min(s.ari for s in f):.2f})" for f in scores.values()),
            f"{sum(s.merged for s in flat) / sum(s.borders for s in flat):.1%}",
            f"{sum(s.split for s in flat) / sum(s.inner for s in flat):.1%}",
            f"{statistics.mean(blind):.3f}",
        )
    console.print(table)
    show_shuffled(console, drawn)


def run(kind: str, items: Sequence[Sequence[str]], sights: Sights) -> list[Score]:
    found = []
    for seed, order in enumerate(orders(items)):
        session = SESSIONS[kind](order, np.random.default_rng(seed))
        found.append(score(session, group_photos(session.photos, sights=sights)))
    return found


def show_strangers(console: Console, garments: Path, folder: Path | None, count: int) -> None:
    """Every photo another garment: order only, no times."""
    with (garments / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    by_seller: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_seller[row["seller"]].append(row["file"])
    chance = random.Random(1)
    busy = sorted(seller for seller, files in by_seller.items() if len(files) >= 12)
    chosen = chance.sample(busy, 4 if count < 100 else 8)
    of_sellers = [file for seller in chosen for file in by_seller[seller][:16]]
    at_random = chance.sample([row["file"] for row in rows], count)
    table = Table(title="Photos of different garments, in order, without times: neighbours wrongly merged")
    for heading in ("photos", "batches of", "pairs", "merged", "share"):
        table.add_column(heading, justify="right")
    for title, files in (("at random", at_random), ("seller by seller", of_sellers)):
        file = folder / f"garments-{title.replace(' ', '-')}-{count}.npz" if folder else None
        sights = kept(file, lambda files=files: asyncio.run(look([garments / f for f in files], files)))
        for size in SIZES:
            if size <= len(files):
                merged, pairs = strangers_merged(files, sights, size)
                table.add_row(title, str(size), str(pairs), str(merged), f"{merged / pairs:.1%}")
    console.print(table)


def strangers_merged(files: Sequence[str], sights: Sights, size: int) -> tuple[int, int]:
    merged = pairs = 0
    for start in range(0, len(files) - size + 1, size):
        batch = files[start : start + size]
        session = SESSIONS["order only"]([[file] for file in batch], np.random.default_rng(0))
        result = score(session, group_photos(session.photos, sights=sights))
        merged, pairs = merged + result.merged, pairs + result.borders
    return merged, pairs


def show_shuffled(console: Console, drawn: Mapping[str, tuple[list[list[str]], dict[str, Sight]]]) -> None:
    """Photos without times in an order that mixes the items; names count on all the same."""
    table = Table(title="Without times, 12 heaps each: items of two garments or more where the order mixes them, and")
    for heading in ("garments a heap", "mixed items", "the same in order: mixed", "index in order"):
        table.add_column(heading, justify="right")
    for size in (2, 3, 4, 8):
        found: dict[str, list[tuple[int, float]]] = {"shuffled": [], "in order": []}
        for items, sights in drawn.values():
            for seed in range(12):
                few = random.Random(seed).sample(items, size)
                for name, arrive in (("shuffled", shuffled), ("in order", SESSIONS["order only"])):
                    session = arrive(few, np.random.default_rng(seed))
                    grouping = group_photos(session.photos, sights=sights)
                    bad = sum(len({session.truth[p] for p in item.photos}) > 1 for item in grouping.items)
                    found[name].append((bad, score(session, grouping).ari))
        bad, good = found["shuffled"], found["in order"]
        index = f"{statistics.mean(ari for _, ari in good):.2f}"
        table.add_row(str(size), f"{sum(n for n, _ in bad)} in {len(bad)}", f"{sum(n for n, _ in good)}", index)
    console.print(table)


def show_views(console: Console, garments: Path, folder: Path | None, sellers: int) -> None:
    """The first sellers were looked at while the rules were made, the others only measured."""
    seen = []
    for number, files in enumerate(seller_views.chosen(garments, sellers)):
        file = folder / f"views-{number:02d}.npz" if folder else None
        seen.append(kept(file, lambda n=number, f=files: seller_views.wardrobe(garments, n, f, look)))
    first = seller_views.LOOKED_AT
    for title, half in (("Looked at", seen[:first]), ("Held back", seen[first:])):
        if half:
            seller_views.show(console, f"{title}, {len(half)} sellers of {seller_views.GARMENTS} garments", half)


def show_pauses(console: Console) -> None:
    """Sessions of 5 to 40 items with 3 to 6 photos, sorted by pauses alone."""
    table = Table(title="60 simulated sessions each, sorted by pauses alone")
    for heading in (
        "pauses within, between",
        "index",
        "items exact",
        "borders merged",
        "inner split",
        "exact where ≥ 0.7",
    ):
        table.add_column(heading, justify="right")
    for within, between in (((3, 25), (20, 120)), ((3, 15), (40, 200)), ((1, 4), (6, 30))):
        found, sure = [], []
        for seed in range(60):
            session = paced(np.random.default_rng(seed), within, between)
            grouping = group_photos(session.photos)
            found.append((score(session, grouping), *exact(session, grouping)))
            sure += [right for group, right in whole(session, grouping) if group >= 0.7]
        flat = [one for one, _, _ in found]
        table.add_row(
            f"{within[0]}-{within[1]} s, {between[0]}-{between[1]} s",
            f"{statistics.mean(one.ari for one in flat):.3f}",
            f"{sum(right for _, right, _ in found) / sum(items for _, _, items in found):.0%}",
            f"{sum(one.merged for one in flat) / sum(one.borders for one in flat):.1%}",
            f"{sum(one.split for one in flat) / sum(one.inner for one in flat):.1%}",
            f"{sum(sure) / len(sure):.0%}",
        )
    console.print(table)


def paced(rng: np.random.Generator, within: tuple[int, int], between: tuple[int, int]) -> Session:
    """Pauses evenly drawn, 3 % of them of the other kind."""
    photos, truth, now = [], {}, TEN
    for item in range(int(rng.integers(5, 41))):
        for shot in range(int(rng.integers(3, 7))):
            inner = (shot > 0) != (rng.random() < 0.03)
            now += timedelta(seconds=float(rng.uniform(*(within if inner else between))))
            photo = PhotoInput(f"p{len(photos):04d}", Path("unread"), f"IMG_{2041 + len(photos)}.jpg", "", now)
            photos.append(photo)
            truth[photo.id] = item
    return Session(tuple(photos), truth)


def whole(session: Session, grouping: Grouping) -> list[tuple[float, bool]]:
    """Each group's confidence, and whether it is exactly an item."""
    size = Counter(session.truth.values())
    return [
        (
            g.confidence,
            len({session.truth[p] for p in g.photos}) == 1 and size[session.truth[g.photos[0]]] == len(g.photos),
        )
        for g in grouping.items
    ]


def exact(session: Session, grouping: Grouping) -> tuple[int, int]:
    return sum(right for _, right in whole(session, grouping)), len(set(session.truth.values()))


def show_cost(console: Console) -> None:
    table = Table(title="Sorting alone, what was seen given: processor time and peak memory of its own")
    for heading in ("photos", "times: seconds", "order only: seconds", "memory, MB"):
        table.add_column(heading, justify="right")
    for photos in (250, 1000, 2000, 4000):
        items, sights = made_up(photos)
        seconds = [_timed(kind, items, sights) for kind in ("times", "order only")]
        session = SESSIONS["times"](items, np.random.default_rng(0))
        tracemalloc.start()
        group_photos(session.photos, sights=sights)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        table.add_row(str(photos), *(f"{s:.1f}" for s in seconds), f"{peak / 1e6:.0f}")
    console.print(table)


def _timed(kind: str, items: Sequence[Sequence[str]], sights: Sights) -> float:
    session = SESSIONS[kind](items, np.random.default_rng(0))
    start = time.process_time()
    group_photos(session.photos, sights=sights)
    return time.process_time() - start


def made_up(photos: int) -> tuple[list[list[str]], dict[str, Sight]]:
    """Items of four photos with looks of the real ones' size."""
    rng = np.random.default_rng(3)
    items = [[f"{item}-{shot}" for shot in range(4)] for item in range(photos // 4)]
    sights = {}
    for item in items:
        form, colours = rng.random(1280, np.float32), rng.random(512, np.float32) ** 8
        for shot, photo in enumerate(item):
            feature = form + 0.4 * rng.random(1280, np.float32)
            kind: Shows = "label" if shot == 3 else "garment"
            sights[photo] = Sight(kind, feature / np.linalg.norm(feature), colours / colours.sum(), 200.0, 0.5, 0.4)
    return items, sights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("garments", nargs="?", type=Path)
    parser.add_argument("--sights", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--views", type=int, default=0)
    given = parser.parse_args()
    console = Console(width=160)
    if given.sights:
        given.sights.mkdir(parents=True, exist_ok=True)
    if given.views and given.garments:
        show_views(console, given.garments, given.sights, given.views)
        return
    show_cost(console)
    show_pauses(console)
    show_wardrobes(console, list(WARDROBES)[: 1 if given.quick else None], given.sights)
    if given.garments:
        show_strangers(console, given.garments, given.sights, 60 if given.quick else 120)


if __name__ == "__main__":
    main()
