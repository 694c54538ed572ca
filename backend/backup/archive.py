"""The file of a backup: a tar that any tool opens, in one pass, whose last entry holds the digest of every other.

    manifest.json                     format, schema, when, by which version
    tables/NAME.jsonl.gz              a row a line, in an order in which rows can be put back
    photos/… evidence/… incoming/…    the files as they lie in their folders
    keys/…                            the keys kept in the data folder
    checksums.json                    name → sha256: without it, or with another, the backup is damaged

Owns names, digests and bounds. Owns no table and no folder; encryption is `envelope.py`'s, around all of it.
"""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Protocol

from backend.backup.envelope import damaged
from backend.core.errors import BackupRefused

FORMAT = 1
MANIFEST, CHECKSUMS = "manifest.json", "checksums.json"
KINDS = ("tables", "photos", "evidence", "incoming", "keys")
_LONGEST_DOCUMENT = 256 << 20
_PART = re.compile(r"[\w.@+=~-][\w .@+=~-]{0,200}")
_BLOCK = 1 << 20


class Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class Hashing:
    """A stream that is hashed, and counted, while it is read."""

    def __init__(self, source: Readable) -> None:
        self._source, self._hash, self.count = source, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._source.read(size)
        except tarfile.TarError as error:
            raise damaged(str(error)) from None
        self._hash.update(data)
        self.count += len(data)
        return data

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


class ArchiveWriter:
    """Entry after entry, then `finish`."""

    def __init__(self, out: Writable) -> None:
        self._tar = tarfile.open(mode="w|", fileobj=out, format=tarfile.PAX_FORMAT)  # type: ignore[call-overload]  # noqa: SIM115
        self.checksums: dict[str, str] = {}

    def add(self, name: str, source: Readable, size: int) -> None:
        """The next `size` bytes of `source`. Raises OSError when there are fewer."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashing = Hashing(source)
        self._tar.addfile(info, hashing)
        self.checksums[name] = hashing.digest

    def add_json(self, name: str, value: Any) -> None:
        content = json.dumps(value, ensure_ascii=False, indent=1).encode()
        self.add(name, io.BytesIO(content), len(content))

    def finish(self) -> None:
        self.add_json(CHECKSUMS, dict(self.checksums))
        self._tar.close()


@dataclass(frozen=True)
class Entry:
    """`kind` is one of KINDS, `path` the rest of its name. `content` is to be read before the next entry is asked."""

    kind: str
    path: str
    size: int
    content: Hashing

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.path}"


class ArchiveReader:
    """The entries in their order; once they are through, every digest was compared. Raises BackupRefused."""

    def __init__(self, source: Readable) -> None:
        self._checked: dict[str, str] = {}
        try:
            self._tar = tarfile.open(mode="r|", fileobj=source)  # type: ignore[call-overload]  # noqa: SIM115
            self.manifest = self._read_manifest()
        except tarfile.TarError:
            raise BackupRefused("This file is no backup of VintedBot.", code="backup_unknown") from None

    def _read_manifest(self) -> dict[str, Any]:
        first = self._tar.next()
        if first is None or first.name != MANIFEST:
            raise BackupRefused("This file is no backup of VintedBot.", code="backup_unknown")
        manifest: dict[str, Any] = self._document(first)
        if manifest.get("format") != FORMAT:
            raise BackupRefused(
                f"This backup has format {manifest.get('format')!r}; this version reads {FORMAT}. Update VintedBot.",
                code="backup_too_new",
            )
        return manifest

    def entries(self) -> Iterator[Entry]:
        try:
            yield from self._entries()
        except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
            raise damaged(str(error) or "it can't be read on") from None

    def _entries(self) -> Iterator[Entry]:
        while (member := self._tar.next()) is not None:
            if member.name == CHECKSUMS:
                found = dict(self._checked)
                if found != self._document(member):
                    raise damaged("a checksum is not the one it was made with")
                while self._tar.next() is not None:
                    raise damaged("something follows its end")
                return
            entry = self._entry(member)
            yield entry
            while entry.content.read(_BLOCK):  # whatever was left of it counts for its digest
                pass
            if entry.content.count != entry.size or entry.name in self._checked:
                raise damaged(f"{entry.name!r} is not whole")
            self._checked[entry.name] = entry.content.digest
        raise damaged("its end is missing")

    def _entry(self, member: tarfile.TarInfo) -> Entry:
        """Raises BackupRefused for anything but a plain file at a plain place below one of the folders known here."""
        kind, *parts = member.name.split("/")
        plain = all(_PART.fullmatch(part) and part not in (".", "..") for part in parts)
        content = self._tar.extractfile(member) if member.isreg() else None
        if kind not in KINDS or not parts or not plain or content is None:
            raise damaged(f"it holds something unexpected: {member.name!r}")
        return Entry(kind, "/".join(parts), member.size, Hashing(content))

    def _document(self, member: tarfile.TarInfo) -> Any:
        content = self._tar.extractfile(member) if member.isreg() and member.size <= _LONGEST_DOCUMENT else None
        if content is None:
            raise damaged(f"{member.name} is no document")
        hashing = Hashing(content)
        try:
            value = json.loads(hashing.read())
        except ValueError:
            raise damaged(f"{member.name} can't be read") from None
        if not isinstance(value, dict) or hashing.count != member.size:
            raise damaged(f"{member.name} can't be read")
        self._checked[member.name] = hashing.digest
        return value


def opened_size(file: IO[bytes]) -> int:
    """How long an open file is now."""
    at = file.seek(0, io.SEEK_END)
    file.seek(0)
    return at
