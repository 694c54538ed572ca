"""What a file's name tells about when a photo was taken: its place among the others, its camera, sometimes the time.

Owns the reading of names. Does not own what follows from them (`arrange.py`).
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

NameKey = tuple[tuple[tuple[int, int, str], ...], str]

_CAMERAS = re.compile(
    r"(?P<maker>img|dsc[nf]?|dscpdc|pxl|mvimg|p|pict|pic|photo|image|sam|gopr|dji|wp|cimg|imgp|hpim|s)?[ _-]*e?"
    r"(?P<number>\d{3,})(?P<rest>.*)"
)
"""How cameras and phones number their photos; the E is the iPhone's mark of an edited one."""
_STAMP = re.compile(
    r"(?:img|pxl|mvimg|photo|image|p|wp|pano|burst|00\w*burst)?[ _-]*"
    r"(20\d\d)[-.]?(\d\d)[-.]?(\d\d)[ _-]?(\d\d)[-.]?(\d\d)[-.]?(\d\d)(?:[._-]?(\d{3}))?(?!\d)"
)
"""A moment as phones write it into the name of what they take: 20260502_101407, PXL_20260502_101407123."""
_SENT = re.compile(r"-wa\d|whatsapp|signal|telegram|messenger|viber|^photo_20\d\d-\d\d-\d\d_|^received_")
"""Names given by messengers: the moment in them, if any, is when it was sent or kept, not taken."""


@dataclass(frozen=True)
class Name:
    """`camera` is the same for photos one camera may have numbered ("" where no camera named it), `number` its
    counter, `taken` the moment the camera wrote into the name."""

    camera: str = ""
    number: int | None = None
    taken: datetime | None = None


def natural_key(name: str) -> NameKey:
    """Sorts as a person does: photo2 before photo10, photo before "photo (1)", whatever the case and the ending."""
    stem, dot, ending = unicodedata.normalize("NFC", name).casefold().rpartition(".")
    return _parts(stem if dot else ending), ending


def read_name(name: str) -> Name:
    stem = name.rpartition(".")[0].casefold() or name.casefold()
    if _SENT.search(stem):
        return Name("messenger")
    if stamp := _STAMP.match(stem):
        year, month, day, hour, minute, second, thousandths = (int(part or 0) for part in stamp.groups())
        try:
            return Name("stamp", None, datetime(year, month, day, hour, minute, second, thousandths * 1000))
        except ValueError:
            pass  # digits that are no moment: a counter, then
    if numbered := _CAMERAS.match(stem):
        return Name(numbered["maker"] or "number", int(numbered["number"][:12]))
    return Name()


def _parts(text: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple(_number_key(part) if part[0] in "0123456789" else (1, 0, part) for part in parts)


def _number_key(digits: str) -> tuple[int, int, str]:
    significant = digits.lstrip("0")
    return 0, len(significant), significant
