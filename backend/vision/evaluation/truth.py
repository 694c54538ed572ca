"""What is really on the photos: a CSV file a person wrote, read and checked.

Owns the file's columns and when an answer agrees with it. Does not own the arithmetic (`metrics.py`).

Columns, any of them but `file` left out: `file` (the photo's path below the folder), `item` (photos with the same
word are one item; without the column each photo is one), `category` (or `label`), `brand`, `size`, `colours`,
`materials`, `audience`, `country` (two letters). Others are not looked at. A blank cell is not judged; `-` says there
is nothing to be seen, so that a value is an invention. Several accepted answers are divided by `|`, several colours or
materials by spaces: of the colours each is accepted, of the materials all are expected. One row of an item is enough to
say a thing.
"""

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from backend.core import catalog
from backend.core.errors import BadRequest
from backend.core.search_words import bare

FIELDS = ("category", "brand", "size", "colours", "materials", "audience", "country")
_ALSO_CALLED = {"label": "category", "kind": "category", "colors": "colours", "colour": "colours", "color": "colours"}
_LISTS = frozenset({"colours", "materials"})
NOTHING = "-"

Expected = tuple[str, ...] | None
"""The accepted answers; None where there is nothing to be seen."""


@dataclass(frozen=True)
class Truth:
    """`items` gives each photo's item by its path; `fields` what is expected of an item, judged fields alone."""

    items: Mapping[str, str]
    fields: Mapping[str, Mapping[str, Expected]]
    grouped: bool
    """Whether the file says which photos belong together."""

    def photos_of(self, item: str) -> list[str]:
        return [photo for photo, its in self.items.items() if its == item]


def nothing_on(photos: Iterable[str]) -> Truth:
    """The truth about photos that show neither a garment nor a label: every value is an invention."""
    names = list(photos)
    return Truth({name: name for name in names}, {name: dict.fromkeys(FIELDS) for name in names}, grouped=False)


def find_truth(folder: Path) -> Path:
    """`truth.csv` or `manifest.csv` in the folder. Raises BadRequest where there is neither."""
    for name in ("truth.csv", "manifest.csv"):
        if (folder / name).is_file():
            return folder / name
    raise BadRequest(f"There is neither a truth.csv nor a manifest.csv in {folder}: name the truth with --truth FILE.")


def read_truth(path: Path) -> Truth:
    """Raises BadRequest with the line where the file can't be used."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            columns = {_ALSO_CALLED.get(name.strip(), name.strip()): name for name in reader.fieldnames or ()}
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"{path} can't be read as a CSV file: {error}") from None
    if "file" not in columns:
        raise BadRequest(f"{path} has no column `file`.")
    items: dict[str, str] = {}
    fields: dict[str, dict[str, Expected]] = {}
    for number, row in enumerate(rows, 2):
        file = PurePosixPath((row[columns["file"]] or "").strip()).as_posix()
        item = (row.get(columns.get("item", "")) or "").strip() or file
        items[file] = item
        said = {name: (row[columns[name]] or "").strip() for name in FIELDS if name in columns}
        fields.setdefault(item, {}).update(
            {name: _expected(name, cell, f"{path}, line {number}") for name, cell in said.items() if cell}
        )
    return Truth(items, fields, grouped="item" in columns)


def _expected(name: str, cell: str, where: str) -> Expected:
    if cell == NOTHING:
        return None
    words = cell.replace("|", " ").split() if name in _LISTS else [part.strip() for part in cell.split("|")]
    known = _options(name)
    if known and (strange := [word for word in words if word not in known]):
        raise BadRequest(f"{where}: {strange[0]!r} is no {name} of the catalog; it has {', '.join(known)}.")
    return tuple(words)


def _options(name: str) -> Collection[str]:
    """The catalog's values of a field; none where it may hold anything."""
    match name:
        case "category":
            return catalog.kinds()
        case "colours":
            return catalog.colours()
        case "materials":
            return catalog.materials()
        case "audience":
            return catalog.AUDIENCES
        case _:
            return ()


def agrees(name: str, expected: tuple[str, ...], answer: Any) -> bool:
    """Whether the answer is one of those accepted.

    A kind may be finer or coarser than the one expected (jeans are trousers); of two colours both must be accepted;
    materials must be all those expected and no other; capitals and accents of a brand make no difference."""
    match name:
        case "category":
            kinds = catalog.kinds()
            return any(answer == e or kinds[e].parent == answer or _parent(answer) == e for e in expected)
        case "colours":
            return bool(answer) and set(answer) <= set(expected)
        case "materials":
            return set(answer) == set(expected)
        case "brand":
            return bare(str(answer)) in {bare(e) for e in expected}
        case _:
            return str(answer) in expected


def _parent(kind: str) -> str | None:
    known = catalog.kinds().get(kind)
    return known.parent if known else None
