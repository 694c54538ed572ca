"""Files that are there whole or not at all, whatever dies meanwhile. Owns how one gets its name; owns no folder."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PARTIAL = ".partial-"
"""Part of the name of a file that is still being written, or was when its process died."""


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """A new file, for its owner alone, that takes the name `target` once it is whole and on the disk."""
    with _partial(target) as (file, partial):
        yield file
        _to_disk(file)
        partial.replace(target)
    _sync_folder(target.parent)


def write_first(target: Path, content: bytes) -> None:
    """Makes the file unless it is there. Of several processes doing so at once the first wins, and none sees half."""
    with _partial(target) as (file, partial):
        file.write(content)
        _to_disk(file)
        with suppress(FileExistsError):
            os.link(partial, target)
    _sync_folder(target.parent)


@contextmanager
def _partial(target: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A file beside the target, gone afterwards unless it got its name."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}{PARTIAL}")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, Path(name)
    finally:
        with suppress(OSError):
            Path(name).unlink()


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Makes the new name itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
