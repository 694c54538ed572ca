"""Sellers with several views of each garment, made from real photos: what `bench_grouping.py --views` measures.

Owns the making of their wardrobes and the table. Does not own the pictures (`backend/sandbox/garment_views.py`).
"""

import asyncio
import csv
import random
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import get_args

import cv2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from backend.core.grouping import group_photos
from backend.core.reading import Sight
from backend.sandbox.garment_views import View, source, take
from backend.sandbox.sessions import SESSIONS, Score, score, shuffled
from backend.vision.embedded import mask

GARMENTS, LEAST, SEEDS = 6, 12, 3
"""Garments of each seller, of whom no fewer photos are there; orders each wardrobe is sorted in."""
LOOKED_AT = 4
VIEWS: tuple[View, ...] = get_args(View)
SETS: Mapping[str, tuple[View, ...] | None] = {
    "front, back, detail": ("front", "back", "detail"),
    "front, back, label": ("front", "back", "label"),
    "front, back, detail, label": ("front", "back", "detail", "label"),
    "front, elsewhere, detail": ("front", "elsewhere", "detail"),
    "front, label": ("front", "label"),
    "two to six of the six": None,
}
ARRIVALS = ("order only", "order only, backwards", "times", "times, hasty")

Look = Callable[[Sequence[Path], Sequence[str]], Awaitable[dict[str, Sight]]]


def wardrobe(garments: Path, number: int, seller: Sequence[str], look: Look) -> dict[str, Sight]:
    """What is seen on every view of a seller's garments, by seller, garment and view."""
    network = mask.load_session(1)
    pixels = [np.array(Image.open(garments / file).convert("RGB")) for file in seller]
    sources = [source(photo, mask.garment_mask(photo, network)) for photo in pixels]
    with tempfile.TemporaryDirectory() as scratch:
        paths = []
        for at, one in enumerate(sources):
            for n, view in enumerate(VIEWS):
                paths.append(Path(scratch) / f"{number:02d}-{at:02d}-{view}.jpg")
                other = sources[(at + GARMENTS // 2) % len(sources)]
                take(np.random.default_rng([number, at, n]), view, one, other).save(paths[-1], quality=88)
        return asyncio.run(look(paths, [path.stem for path in paths]))  # type: ignore[arg-type]


def chosen(garments: Path, sellers: int) -> list[list[str]]:
    """The files of so many sellers, always the same ones."""
    by_seller: dict[str, list[str]] = defaultdict(list)
    with (garments / "manifest.csv").open() as file:
        for row in csv.DictReader(file):
            by_seller[row["seller"]].append(row["file"])
    chance = random.Random(8)
    busy = sorted(seller for seller, files in by_seller.items() if len(files) >= LEAST)
    drawn = chance.sample(busy, 20)
    return [chance.sample(sorted(by_seller[seller]), GARMENTS) for seller in drawn][:sellers]


def items_of(sights: Mapping[str, Sight], views: Sequence[View] | None, rng: np.random.Generator) -> list[list[str]]:
    """The photos of each garment in the order taken; without `views` some by chance."""
    found = []
    for garment in sorted({photo[:5] for photo in sights}):
        some = views or [VIEWS[n] for n in sorted(rng.choice(len(VIEWS), rng.integers(2, 7), replace=False))]
        found.append([f"{garment}-{view}" for view in some])
    random.Random(int(rng.integers(99))).shuffle(found)
    return found


def scores(sellers: Sequence[Mapping[str, Sight]], views: Sequence[View] | None, arrival: str) -> list[Score]:
    found = []
    for sights in sellers:
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            session = SESSIONS[arrival](items_of(sights, views, rng), rng)
            found.append(score(session, group_photos(session.photos, sights=sights)))
    return found


def mixed(sellers: Sequence[Mapping[str, Sight]], views: Sequence[View] | None) -> tuple[int, int]:
    """Items of two garments or more where the photos come shuffled, and the batches."""
    bad = 0
    for sights in sellers:
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            session = shuffled(items_of(sights, views, rng), rng)
            items = group_photos(session.photos, sights=sights).items
            bad += sum(len({session.truth[photo] for photo in item.photos}) > 1 for item in items)
    return bad, len(sellers) * SEEDS


def show(console: Console, title: str, sellers: Sequence[Mapping[str, Sight]]) -> None:
    table = Table(title=f"{title}: adjusted Rand index, mean (least); borders merged; inner pauses split")
    table.add_column("views")
    for arrival in (*ARRIVALS, "shuffled: mixed items"):
        table.add_column(arrival, justify="right")
    for name, views in SETS.items():
        cells = []
        for arrival in ARRIVALS:
            found = scores(sellers, views, arrival)
            merged, borders = sum(s.merged for s in found), sum(s.borders for s in found)
            split = sum(s.split for s in found) / sum(s.inner for s in found)
            index = f"{mean(s.ari for s in found):.2f} ({min(s.ari for s in found):.2f})"
            cells.append(f"{index}; {merged} of {borders}; {split:.0%}")
        bad, batches = mixed(sellers, views)
        table.add_row(name, *cells, f"{bad} in {batches}")
    console.print(table)


cv2.setNumThreads(1)
