"""Draws a small sample wardrobe: photo-like pictures of garments, as a phone would leave them in a folder.

Owns the files: names, capture times, formats, and the faults a real folder has (the same photo twice, a copy cut
short). Owns no drawing (`drawing/`). Everything follows from the seed.
"""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image
from pillow_heif import register_heif_opener

from backend.sample.drawing import scenes
from backend.sample.drawing.designs import DESIGNS, Design, Shot

register_heif_opener()

FIRST_NUMBER = 2041
FIRST_TIME = datetime(2026, 5, 2, 10, 14, 7)
COPIED, CUT_SHORT, HEIC = 3, 11, 13
"""Which photo, counted from one, lies in the folder twice; after which one follows a broken file; which is HEIC."""

LYING = 6
"""EXIF's orientation of a photo whose pixels lie on their side, as phones write every so many."""


@dataclass(frozen=True)
class DrawnItem:
    """The truth about one item. `photos` are file names in the order taken; `copies` are exact duplicates of some of
    them and `broken` files that can't be decoded, both in the folder too. `materials` are those a label shows."""

    photos: tuple[str, ...]
    kind: str
    audience: str
    brand: str
    size: str
    colours: tuple[str, ...]
    materials: tuple[str, ...]
    copies: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exposure:
    """One press of the button. `at` counts them from one."""

    at: int
    design: Design
    shot: Shot
    name: str
    when: datetime


def draw_wardrobe(
    folder: Path, *, seed: int = 7, items: int = 8, still_wanted: Callable[[], bool] = lambda: True
) -> list[DrawnItem]:
    """Writes the wardrobe into the folder: with eight items 30 files, of which one is a copy and one is broken.

    More than eight begin again with the first garment, photographed anew. Two photos are drawn at a time.
    Raises InterruptedError once it is wanted no more."""
    folder.mkdir(parents=True, exist_ok=True)
    sessions = _plan(seed, items)

    def expose(exposure: Exposure) -> None:
        if not still_wanted():
            raise InterruptedError("the wardrobe is wanted no more")
        _expose(folder, seed, exposure)

    with ThreadPoolExecutor(max_workers=2) as both:  # Pillow, OpenCV and NumPy work outside Python's lock
        for _ in both.map(expose, [e for session in sessions for e in session]):
            pass
    return [_finish(folder, session) for session in sessions]


def _plan(seed: int, items: int) -> list[list[Exposure]]:
    """All the shots of one garment seconds apart, then a pause to lay out the next."""
    chance = np.random.default_rng(seed)
    now, at, number = FIRST_TIME, 0, FIRST_NUMBER
    sessions: list[list[Exposure]] = []
    for design in islice(cycle(DESIGNS), items):
        now += timedelta(milliseconds=int(chance.integers(50_000, 90_000)))
        session = []
        for shot in design.shots:
            at += 1
            now += timedelta(milliseconds=int(chance.integers(4_000, 14_000)))
            session.append(Exposure(at, design, shot, f"IMG_{number}.{'HEIC' if at == HEIC else 'jpg'}", now))
            number += 2 if at == CUT_SHORT else 1
        sessions.append(session)
    return sessions


def _expose(folder: Path, seed: int, exposure: Exposure) -> None:
    """Draws one photo and writes it as a phone does: with time and place, some with their pixels on their side."""
    picture = take_picture(np.random.default_rng([seed, exposure.at]), exposure.design, exposure.shot)
    lying = exposure.at % 4 == 0
    exif = _exif(exposure.when, LYING if lying else 1)
    if exposure.at == HEIC:
        picture.save(folder / exposure.name, quality=70, exif=exif.tobytes())
    else:
        turned = picture.transpose(Image.Transpose.ROTATE_90) if lying else picture
        turned.save(folder / exposure.name, quality=90, exif=exif)


def _finish(folder: Path, session: Sequence[Exposure]) -> DrawnItem:
    """Adds what goes wrong in a real folder, and says what is in it."""
    copies, broken = [], []
    for exposure in session:
        path = folder / exposure.name
        if exposure.at == COPIED:
            copies.append(f"{path.stem} (1){path.suffix}")
            shutil.copyfile(path, folder / copies[-1])
        if exposure.at == CUT_SHORT:
            broken.append(f"IMG_{int(path.stem.removeprefix('IMG_')) + 1}.jpg")
            whole = path.read_bytes()
            (folder / broken[-1]).write_bytes(whole[: len(whole) // 3])
    design = session[0].design
    return DrawnItem(
        photos=tuple(exposure.name for exposure in session),
        kind=design.kind,
        audience="women",
        brand=design.brand,
        size=design.size,
        colours=design.colours,
        materials=design.materials,
        copies=tuple(copies),
        broken=tuple(broken),
    )


def take_picture(rng: np.random.Generator, design: Design, shot: Shot) -> Image.Image:
    match shot:
        case "brand":
            return scenes.label_at_the_collar(rng, design.weave, design.colour, design.surface, design.label)
        case "care":
            assert design.care is not None, f"the {design.kind} has no care label"
            return scenes.label_at_the_seam(rng, design.weave, design.colour, design.surface, design.care)
        case "side":
            assert design.side is not None, f"the {design.kind} has no side view"
            return scenes.whole(rng, design.side, design.colour, design.surface, scenes.SIDEWAYS_ON)
        case "detail":
            near = design.framing.closer(*design.detail)
            return scenes.whole(rng, design.draw, design.colour, design.surface, near)
        case "front" | "back":
            return scenes.whole(rng, design.draw, design.colour, design.surface, design.framing, back=shot == "back")


def _exif(when: datetime, orientation: int) -> Image.Exif:
    """What a phone notes: time with its fraction, orientation, make, and the place, which intake must drop."""
    base, gps = ExifTags.Base, ExifTags.GPS
    exif = Image.Exif()
    stamp = when.strftime("%Y:%m:%d %H:%M:%S")
    exif[base.Orientation] = orientation
    exif[base.Make], exif[base.Model] = "VintedBot", "Sample wardrobe"
    exif[base.DateTime] = stamp
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[base.DateTimeOriginal] = stamp
    details[base.SubsecTimeOriginal] = f"{when.microsecond // 1000:03d}"
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[gps.GPSLatitudeRef], place[gps.GPSLatitude] = "N", (48.0, 51.0, 24.0)
    place[gps.GPSLongitudeRef], place[gps.GPSLongitude] = "E", (2.0, 21.0, 3.0)
    return exif
