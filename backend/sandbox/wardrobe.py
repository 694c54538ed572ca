"""Draws a small sample wardrobe: photo-like pictures of garments, as a phone would leave them in a folder.

Owns the files: names, capture times, formats, and the faults a real folder has (the same photo twice, a copy cut
short). Owns no drawing (`drawing/`). For the demo and the tests; everything follows from the seed.
"""

import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image
from pillow_heif import register_heif_opener

from backend.sandbox.drawing import scenes
from backend.sandbox.drawing.designs import DESIGNS, Design, Shot

register_heif_opener()

FIRST_NUMBER = 2041
FIRST_TIME = datetime(2026, 5, 2, 10, 14, 7)
COPIED, CUT_SHORT, HEIC = 3, 11, 13
"""Which photo, counted from one, lies in the folder twice; after which one follows a broken file; which is HEIC."""

SIDEWAYS = 6
"""EXIF's orientation of a photo whose pixels lie on their side, as phones write them."""


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


class Camera:
    """A phone with its clock and its running number."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self.folder = folder
        self.rng = rng
        self.number = FIRST_NUMBER - 1
        self.clock = FIRST_TIME
        self.kept = 0

    def wait(self, least: float, most: float) -> None:
        self.clock += timedelta(milliseconds=round(self.rng.uniform(least, most) * 1000))

    def name(self) -> str:
        self.number += 1
        return f"IMG_{self.number}"

    def keep(self, picture: Image.Image) -> Path:
        """Writes a photo as a phone does: EXIF with time and place, every fourth with its pixels on their side."""
        self.kept += 1
        path = self.folder / f"{self.name()}{'.HEIC' if self.kept == HEIC else '.jpg'}"
        sideways = self.kept % 4 == 0 and self.kept != HEIC
        exif = _exif(self.clock, SIDEWAYS if sideways else 1)
        if sideways:
            picture = picture.transpose(Image.Transpose.ROTATE_90)
        if self.kept == HEIC:
            picture.save(path, quality=70, exif=exif.tobytes())
        else:
            picture.save(path, quality=90, exif=exif)
        return path


def draw_wardrobe(folder: Path, *, seed: int = 7, items: int = 8) -> list[DrawnItem]:
    """Writes the wardrobe into the folder: with eight items 30 files, of which one is a copy and one is broken.

    More than eight begin again with the first garment, photographed anew."""
    folder.mkdir(parents=True, exist_ok=True)
    camera = Camera(folder, np.random.default_rng(seed))
    return [_photograph(camera, DESIGNS[at % len(DESIGNS)]) for at in range(items)]


def _photograph(camera: Camera, design: Design) -> DrawnItem:
    """All the shots of one garment, seconds apart, after a pause to lay it out."""
    photos: list[str] = []
    copies: list[str] = []
    broken: list[str] = []
    camera.wait(55, 100)
    for shot in design.shots:
        camera.wait(4, 14)
        path = camera.keep(_take(camera.rng, design, shot))
        photos.append(path.name)
        if camera.kept == COPIED:
            copies.append(f"{path.stem} (1){path.suffix}")
            shutil.copyfile(path, path.with_name(copies[-1]))
        if camera.kept == CUT_SHORT:
            broken.append(f"{camera.name()}.jpg")
            whole = path.read_bytes()
            path.with_name(broken[-1]).write_bytes(whole[: len(whole) // 3])
    return DrawnItem(
        photos=tuple(photos),
        kind=design.kind,
        audience="women",
        brand=design.brand,
        size=design.size,
        colours=design.colours,
        materials=design.materials,
        copies=tuple(copies),
        broken=tuple(broken),
    )


def _take(rng: np.random.Generator, design: Design, shot: Shot) -> Image.Image:
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
    """What a phone notes: time with its fraction, orientation, make, and the place, which intake must not let through."""
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
