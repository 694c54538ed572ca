"""Bundles of evidence on disk: one folder a failure, below a folder for each publication.

Owns their names, how they are written (whole or not at all), how many and how big they may be, and clearing them away.
Owns neither what is in a bundle nor who may read it.
"""

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEPT = 6
"""Bundles a publication; the newest stay."""
BUNDLE_LIMIT = 15_000_000
TOTAL_LIMIT = 1_000_000_000
STALE = timedelta(hours=1)
"""A bundle still being written after so long belongs to a process that died."""
_NAME = re.compile(r"(\d{8}T\d{12})-([a-z0-9_]{1,40})")
_FILE = re.compile(r"[a-z]{1,20}\.(?:txt|jpg|html|jsonl|zip)")
_TIME = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True)
class Bundle:
    """What is kept of one failure. `files` are names and sizes in bytes."""

    name: str
    at: datetime
    code: str
    folder: Path
    files: Mapping[str, int]

    @property
    def size(self) -> int:
        return sum(self.files.values())


def write(folder: Path, code: str, files: Mapping[str, bytes], *, at: datetime | None = None) -> Path:
    """A new bundle below `folder`, complete at once. Empty files are left out, and from the first one on that would
    make it too big, that one, which `error.txt` then names. Older bundles than the newest `KEPT` go. Raises OSError."""
    name = f"{at or datetime.now(UTC):{_TIME}}-{re.sub(r'[^a-z0-9_]', '_', code.lower())[:40]}"
    staging = folder / f".{name}-{secrets.token_hex(4)}"
    staging.mkdir(parents=True, mode=0o700)
    try:
        for file, content in _within_limit(files).items():
            with os.fdopen(os.open(staging / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
                opened.write(content)
        staging.rename(folder / name)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    for old in bundles_in(folder)[KEPT:]:
        shutil.rmtree(old.folder, ignore_errors=True)
    return folder / name


def _within_limit(files: Mapping[str, bytes]) -> dict[str, bytes]:
    taken: dict[str, bytes] = {}
    left_out = []
    for name, content in files.items():
        if content and sum(map(len, taken.values())) + len(content) <= BUNDLE_LIMIT:
            taken[name] = content
        elif content:
            left_out.append(name)
    if left_out:
        taken["error.txt"] = taken.get("error.txt", b"") + f"Too big to keep: {', '.join(left_out)}\n".encode()
    return taken


def bundles_in(folder: Path) -> list[Bundle]:
    """The complete bundles of one publication, newest first."""
    try:
        found = [_read(path) for path in folder.iterdir()]
    except OSError:
        return []
    return sorted((b for b in found if b is not None), key=lambda b: b.name, reverse=True)


def find_file(folder: Path, bundle: str, file: str) -> Path | None:
    """A file of a bundle below `folder`, or None: the names are looked up among those there are, never joined."""
    of = next((b for b in bundles_in(folder) if b.name == bundle), None)
    return of.folder / file if of is not None and file in of.files else None


def prune(root: Path, older_than: timedelta, *, limit: int = TOTAL_LIMIT, now: datetime | None = None) -> int:
    """Clears away, below the folders in `root`, bundles older than this, the oldest until all fit into `limit` bytes,
    and what a killed process left half-written. Returns how many bundles went; what can't be removed stays."""
    now = now or datetime.now(UTC)
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    found = sorted((b for folder in folders for b in bundles_in(folder)), key=lambda b: b.name)
    total, gone = sum(b.size for b in found), 0
    for bundle in found:
        if bundle.at < now - older_than or total > limit:
            shutil.rmtree(bundle.folder, ignore_errors=True)
            total, gone = total - bundle.size, gone + 1
    for folder in folders:
        _tidy(folder, now)
    return gone


def _tidy(folder: Path, now: datetime) -> None:
    try:
        for path in folder.iterdir():
            if path.name.startswith(".") and datetime.fromtimestamp(path.stat().st_mtime, UTC) < now - STALE:
                shutil.rmtree(path, ignore_errors=True)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError:
        return  # written to or gone meanwhile: the next round looks again


def _read(path: Path) -> Bundle | None:
    named = _NAME.fullmatch(path.name)
    if named is None or path.is_symlink() or not path.is_dir():
        return None
    at = datetime.strptime(named[1], _TIME).replace(tzinfo=UTC)
    files = {f.name: f.stat().st_size for f in sorted(path.iterdir()) if _is_file(f)}
    return Bundle(path.name, at, named[2], path, files)


def _is_file(path: Path) -> bool:
    return _FILE.fullmatch(path.name) is not None and path.is_file() and not path.is_symlink()
