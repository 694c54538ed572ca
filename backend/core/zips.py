"""A ZIP written while it is read: never all of it in memory, nothing on disk. Owns no choice of what goes in."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_CHUNK = 65_536


class _Outbox:
    """A file to write to that keeps only what nobody has taken yet."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        return None

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def zip_stream(entries: Iterable[tuple[str, Path | bytes]]) -> Iterator[bytes]:
    """The entries, each a name and a file or its content, in pieces. A file that is gone by its turn is left out."""
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, content in entries:
            if isinstance(content, bytes):
                archive.writestr(name, content)
                yield outbox.take()
                continue
            try:
                source = content.open("rb")
            except OSError:
                continue
            with source, archive.open(name, "w") as entry:
                while piece := source.read(_CHUNK):
                    entry.write(piece)
                    yield outbox.take()
    yield outbox.take()
