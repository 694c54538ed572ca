"""Walks through what a seller points at, in the order a person would.

Owns which files are looked at. Does not open them (`intake.py` does, and refuses what is no photo).
"""

import os
from collections.abc import Iterator
from pathlib import Path

from backend.core.errors import NotFound
from backend.core.grouping import natural_key

SIDECARS = (".xmp", ".json", ".aae")
"""Files that cameras, phones and photo programs lay beside a photo."""

LITTER = {"thumbs.db", "desktop.ini", "__macosx", "@eadir"}


def discover(path: Path) -> Iterator[tuple[Path, str]]:
    """Every file of a folder and its subfolders (or the one file), each with its subfolder's name ("" at the top,
    "a/b" further down), a folder's files before its subfolders, photo2 before photo10.

    Hidden files, sidecars and links are passed over. A subfolder that may not be read is yielded itself, so that
    intake refuses it and it does not vanish. Raises `NotFound`."""
    if path.is_dir():
        yield from _walk(path, path)
    elif path.exists():
        yield path, ""
    else:
        raise NotFound(f"There is no file or folder {path}.")


def _walk(root: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted((entry for entry in found if not _passed_over(entry)), key=lambda e: natural_key(e.name))
    except OSError:
        yield folder, _relative(root, folder.parent) if folder != root else ""
        return
    for entry in entries:
        if entry.is_file(follow_symlinks=False):
            yield Path(entry.path), _relative(root, folder)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, Path(entry.path))


def _relative(root: Path, folder: Path) -> str:
    return "" if folder == root else folder.relative_to(root).as_posix()


def _passed_over(entry: os.DirEntry[str]) -> bool:
    name = entry.name.casefold()
    return name.startswith(".") or name in LITTER or name.endswith(SIDECARS) or entry.is_symlink()
