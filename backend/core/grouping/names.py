"""What a file's name tells about when a photo was taken: its place among the others, its camera, sometimes the time.

Owns the reading of names, and whether those of a batch put its photos in order at all. Does not own what follows from
them (`arrange.py`).
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

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
_SENT = re.compile(
    r"-wa\d|whatsapp|signal|telegram|messenger|viber|^photo_20\d\d-\d\d-\d\d_|^received_"
    r"|(?:^|-)photo-20\d\d(?:-\d\d){5}"
)
"""Names given by messengers: the moment in them, if any, is when it was sent or kept, not taken."""
_DATED = re.compile(r"20\d\d[-._]?(?:0\d|1[0-2])[-._]?[0-3]\d(?!\d)")
_WORDS = re.compile(r"(?:[^\W\d_]+[\W_]*)+\d{0,3}[\W_]*")
COUNTER_GAP = 50
"""Two runs of numbers further apart than this may be two cameras'; names whose numbers mostly are, were not counted."""
MOST = 0.8
"""How many of a batch's names must tell a place for the others to be oddities."""


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
    stem = _stem(name)
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


def put_in_order(names: Sequence[str]) -> bool:
    """Whether these names say which photo came before which: most hold a date, or a number that was counted on. Names
    that are all alike, or that a program drew at random, don't."""
    dated = sum(bool(_DATED.search(_stem(name))) for name in names)
    if len(names) < 2 or (dated >= MOST * len(names) and len(set(names)) > 1):
        return True
    series: dict[str, set[int]] = defaultdict(set)
    for name in names:
        if found := re.search(r"^(.*?)(\d{1,12})(\D*)$", _stem(name)):
            series[found[1].rstrip("0123456789") + "#" + found[3]].add(int(found[2]))
    counted = sum(len(numbers) for numbers in series.values() if _counted_on(sorted(numbers)))
    return counted >= MOST * len(names)


def are_words(names: Sequence[str]) -> bool:
    """Whether somebody gave these names, so that those next to each other by the alphabet have something in common."""
    worded = {name for name in names if _WORDS.fullmatch(_stem(name))}
    return len(worded) > 1 and len(worded) >= MOST * len(names)


def _counted_on(numbers: Sequence[int]) -> bool:
    return len(numbers) > 1 and median(b - a for a, b in pairwise(numbers)) <= COUNTER_GAP


def _stem(name: str) -> str:
    own = name.rpartition("/")[2].casefold()
    return own.rpartition(".")[0] or own


def _parts(text: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple(_number_key(part) if part[0] in "0123456789" else (1, 0, part) for part in parts)


def _number_key(digits: str) -> tuple[int, int, str]:
    significant = digits.lstrip("0")
    return 0, len(significant), significant
