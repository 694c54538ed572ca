"""One story out of the kept log lines: those of a publication, a batch or a request, in order.

Owns the reading of the files `core/logs.py` writes and which lines belong to what. Owns no shape of a line.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from backend.core.logs import SEVERITY
from backend.db.models import Publication
from backend.publications.service import events_of

Line = Mapping[str, Any]
Wanted = Callable[[Line], bool]
LOOKED_THROUGH = 32_000_000
"""Bytes of kept lines one look at the newest goes back: days of a busy server."""
_BLOCK = 65_536


def kept_lines(folder: Path, since: datetime | None = None, places: dict[Path, int] | None = None) -> Iterator[Line]:
    """Every kept line, oldest file first; from the day of `since` on. A line cut off by a crash is passed over.

    `places` remembers how far each file was read: handed in again, only what came since is given."""
    first, read = since.strftime("%Y-%m-%d") if since else "", {} if places is None else places
    for path in sorted(folder.glob("*.jsonl")):
        if path.stem < first:
            continue
        with path.open("rb") as file:
            file.seek(read.get(path, 0))
            for text in file:
                if not text.endswith(b"\n"):  # still being written
                    break
                read[path] = read.get(path, 0) + len(text)
                if (line := _parsed(text.decode("utf-8", "replace"))) is not None:
                    yield line


def last_lines(folder: Path, wanted: Wanted, most: int) -> list[Line]:
    """The newest lines of this kind, newest first. Reads backwards, and no further than `LOOKED_THROUGH` bytes."""
    found: list[Line] = []
    left = LOOKED_THROUGH
    for path in sorted(folder.glob("*.jsonl"), reverse=True):
        for text in _backwards(path, left):
            left -= len(text) + 1
            line = _parsed(text.decode("utf-8", "replace"))
            if line is not None and wanted(line):
                found.append(line)
            if len(found) == most or left <= 0:
                return found
    return found


def _backwards(path: Path, most: int) -> Iterator[bytes]:
    """The file's lines from the last on, as far as about so many bytes."""
    with path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        end, rest = at, b""
        while at > 0 and end - at < most:
            size = min(_BLOCK, at)
            at -= size
            file.seek(at)
            first, *lines = (file.read(size) + rest).split(b"\n")
            yield from filter(None, reversed(lines))
            rest = first
        if at == 0 and rest:
            yield rest


def _parsed(text: str) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "at" in line else None


def about(field: str, value: str) -> Wanted:
    """Lines that carry this."""
    return lambda line: line.get(field) == value


def at_least(level: str) -> Wanted:
    return lambda line: SEVERITY.get(str(line.get("level")), 0) >= SEVERITY[level]


def of_publication(publication: Publication) -> Wanted:
    """Its own lines, and those of the request that asked for it."""
    request = publication.origin.get("request")

    def wanted(line: Line) -> bool:
        if line.get("publication") == publication.id:
            return True
        return request is not None and line.get("request") == request and "publication" not in line

    return wanted


def journal_lines(session: Session, publication: Publication) -> list[Line]:
    """The publication's journal as lines: what is true, beside what was said."""
    lines: list[Line] = []
    for event in events_of(session, publication.user_id, publication.id):
        at = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        moved = {"from": event.from_state} if event.from_state else {}
        told = {name: event.detail[name] for name in ("code", "error", "verdict", "listing") if event.detail.get(name)}
        lines.append(
            {"at": at, "level": "JOURNAL", "event": event.state, "publication": publication.id, **moved, **told}
        )
    return lines


def in_order(*sources: Iterable[Line]) -> list[Line]:
    """All of them by time; what has the same time stays in the order given."""
    return sorted((line for source in sources for line in source), key=lambda line: str(line["at"]))
