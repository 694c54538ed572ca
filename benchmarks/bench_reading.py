"""What reading a photo offline costs, stage by stage, beside running the OCR package on it as its own page shows.

    python benchmarks/bench_reading.py [FOLDER] [--photos 24]

FOLDER holds JPEG photos; without it garments and labels are drawn, two garment photos to each label. The stages are
timed one photo at a time on one thread (processor time, so that other work on the machine matters little); the whole
reader as it runs, two photos at once (clock time). Models are loaded before anything is timed.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rapidocr import RapidOCR
from rich.console import Console
from rich.table import Table

from backend.core.reading import PhotoInput
from backend.sample.drawing.designs import DESIGNS
from backend.sample.wardrobe import take_picture
from backend.vision.embedded import colour, features, mask, model_files, ocr
from backend.vision.embedded.analyzer import EmbeddedAnalyzer
from backend.vision.embedded.photo_facts import Models, open_photo

SHOTS = ("front", "back", "brand")


def draw_photos(folder: Path, count: int) -> list[Path]:
    rng = np.random.default_rng(7)
    paths = [folder / f"IMG_{at}.jpg" for at in range(count)]
    for at, path in enumerate(paths):
        take_picture(rng, DESIGNS[at // len(SHOTS) % len(DESIGNS)], SHOTS[at % len(SHOTS)]).save(path, quality=90)
    return paths


def milliseconds(work: Callable[[], object]) -> float:
    """Processor time of one call on this thread."""
    start = time.thread_time()
    work()
    return (time.thread_time() - start) * 1000


def time_stages(paths: list[Path]) -> dict[str, list[float]]:
    models = Models(model_files.default_cache_dir(), threads=1)
    as_shown = RapidOCR(params={"Global.log_level": "error", "EngineConfig.onnxruntime.intra_op_num_threads": 1})
    nothing = np.zeros((64, 64, 3), np.uint8)
    features.extract(models.features, nothing)
    mask.garment_mask(nothing, models.mask)
    taken: dict[str, list[float]] = {}
    for path in paths:
        rgb = open_photo(path)
        step = max(1, max(rgb.shape) // 400)
        small = np.ascontiguousarray(rgb[::step, ::step])
        stages: dict[str, Callable[[], object]] = {
            "open": lambda path=path: open_photo(path),
            "features (three views)": lambda small=small: features.extract(models.features, small),
            "text": lambda rgb=rgb: ocr.read_lines(models.ocr, rgb),
            "text, the package as its page shows": lambda rgb=rgb: as_shown(rgb[..., ::-1]),
            "garment mask, U²-Net": lambda small=small: mask.garment_mask(small, models.mask),
            "garment mask, GrabCut": lambda small=small: mask.garment_mask(small, None),
            "colour vote": lambda small=small: colour.vote(small, np.ones(small.shape[:2], bool)),
        }
        for name, work in stages.items():
            taken.setdefault(name, []).append(milliseconds(work))
    return taken


async def time_reader(paths: list[Path]) -> tuple[float, float]:
    """Clock and processor seconds for all photos, each an item of its own, models loaded."""
    reader = EmbeddedAnalyzer()
    try:
        await reader.read_item([PhotoInput("warm", paths[0])])
        clock, processor = time.perf_counter(), time.process_time()
        await asyncio.gather(*(reader.read_item([PhotoInput(str(path), path)]) for path in paths[1:]))
        return time.perf_counter() - clock, time.process_time() - processor
    finally:
        await reader.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--photos", type=int, default=24)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as drawn:
        if arguments.folder:
            paths = sorted(arguments.folder.rglob("*.jpg"))[: arguments.photos]
        else:
            paths = draw_photos(Path(drawn), arguments.photos)
        clock, processor = asyncio.run(time_reader(paths))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        taken = time_stages(paths)

    table = Table("stage", "median ms", "worst ms", title=f"{len(paths)} photos, one thread")
    for name, times in taken.items():
        table.add_row(name, f"{statistics.median(times):.0f}", f"{max(times):.0f}")
    console = Console()
    console.print(table)
    count = len(paths) - 1
    console.print(
        f"whole reader, two photos at once: {count / clock:.2f} photos/s ({clock / count:.2f} s a photo, "
        f"{processor / count:.2f} s of processor); {memory:.0f} MB at most"
    )


if __name__ == "__main__":
    main()
