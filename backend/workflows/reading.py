"""Reading photos without keeping them: what `vintedbot analyze` and `POST /api/v1/ai/analyze` share.

Owns the way from files to a reader's input and the JSON of a reading. Stores nothing.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from backend.core.errors import PhotoRefused
from backend.core.reading import BatchReading, PhotoInput, Refusal
from backend.drafts.schemas import FIELDS
from backend.photos.intake import take_in


def prepared(sources: Iterable[tuple[Path, str, str]], folder: Path) -> tuple[list[PhotoInput], list[Refusal]]:
    """Cleans each (file, name, subfolder) into `folder`. Returns what can be read, and what can't with the reason."""
    photos: list[PhotoInput] = []
    refused: list[Refusal] = []
    for number, (path, name, subfolder) in enumerate(sources):
        shown = f"{subfolder}/{name}" if subfolder else name
        try:
            taken = take_in(path)
        except PhotoRefused as error:
            refused.append(Refusal(shown, error.reason))
            continue
        target = folder / f"{number:05d}.jpg"
        target.write_bytes(taken.jpeg)
        photos.append(PhotoInput(target.stem, target, shown, subfolder, taken.captured_at, position=number))
    return photos, refused


def shown_reading(reading: BatchReading, photos: Sequence[PhotoInput], refused: Sequence[Refusal]) -> dict[str, Any]:
    """`{"items": [{"photos": [names], "fields": {…}, "warnings": […]}], "unsorted": [names], "refused": […]}`."""
    names = {photo.id: photo.name for photo in photos}

    def fields(stored: dict[str, Any]) -> dict[str, Any]:
        for field in stored.values():
            for evidence in field["evidence"]:
                evidence["photo"] = names.get(evidence["photo"], evidence["photo"])
        return stored

    return {
        "items": [
            {
                "photos": [names[photo] for photo in item.photos],
                "fields": fields(FIELDS.dump_python(item.fields, mode="json")),
                "warnings": list(item.warnings),
            }
            for item in reading.items
        ],
        "unsorted": [names[photo] for photo in reading.unsorted],
        "refused": [{"file": r.file, "reason": r.reason} for r in (*refused, *reading.refused)],
    }
