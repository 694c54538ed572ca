"""How quickly photos are taken in, beside what one would write first: open, decode in full, make a thumbnail.

    python benchmarks/bench_photos.py [--photos 12] [--rounds 3]

Both sides read the same drawn 12-megapixel photos and produce a picture of about 2048 px and one of 400 px, upright
and without metadata; `take_in` also hashes the file, sniffs it, reads the capture time, converts colour profiles and
computes the perceptual hash. Prints the best of the rounds, one process, one photo at a time.
"""

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table

from backend.photos.intake import take_in
from backend.sample.drawing.designs import DESIGNS
from backend.sample.wardrobe import take_picture

TWELVE_MEGAPIXELS = (3024, 4032)


def take_in_naively(source: Path) -> tuple[bytes, bytes]:
    """What a first version does."""
    image = ImageOps.exif_transpose(Image.open(source).convert("RGB"))
    results = []
    for longest, quality in ((2048, 88), (400, 80)):
        small = image.copy()
        small.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=None)
        out = io.BytesIO()
        small.save(out, "JPEG", quality=quality)
        results.append(out.getvalue())
    return results[0], results[1]


def draw_photos(folder: Path, count: int) -> list[Path]:
    """Drawn garments at a phone's resolution, with the sensor noise that makes real files several megabytes."""
    rng = np.random.default_rng(7)
    noise = rng.normal(0, 3, (TWELVE_MEGAPIXELS[1], TWELVE_MEGAPIXELS[0], 1)).astype(np.float32)
    paths = []
    for at in range(count):
        drawn = take_picture(rng, DESIGNS[at % len(DESIGNS)], "front").resize(
            TWELVE_MEGAPIXELS, Image.Resampling.BICUBIC
        )
        noisy = np.clip(np.asarray(drawn, np.float32) + noise, 0, 255).astype(np.uint8)
        paths.append(folder / f"IMG_{at}.jpg")
        Image.fromarray(noisy).save(paths[-1], quality=92)
    return paths


def best_seconds(work: Callable[[Path], object], paths: list[Path], rounds: int) -> float:
    """The quickest of several rounds over all photos."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for path in paths:
            work(path)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description="Photos a second, taken in and naively.")
    parser.add_argument("--photos", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = draw_photos(Path(name), options.photos)
        megabytes = sum(path.stat().st_size for path in paths) / 1e6 / len(paths)
        ours = best_seconds(take_in, paths, options.rounds)
        naive = best_seconds(take_in_naively, paths, options.rounds)
    table = Table(title=f"{options.photos} photos of 12 megapixels, {megabytes:.1f} MB each")
    for heading in ("way", "photos/s", "ms a photo", "times as quick"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for label, seconds in (("open, decode, thumbnail", naive), ("take_in", ours)):
        table.add_row(
            label, f"{options.photos / seconds:.1f}", f"{1000 * seconds / options.photos:.0f}", f"{naive / seconds:.1f}"
        )
    Console().print(table)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, drawing included")


if __name__ == "__main__":
    main()
