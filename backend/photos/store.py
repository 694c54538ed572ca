"""Keeps photos under the name of their content.

Owns the port and its local implementation: atomic, idempotent, nothing half-written. Owns no tables: who a
photo belongs to is `batches.py`'s to know, whether a picture is still wanted `workflows/pictures.py`'s.
"""

import errno
import hashlib
import re
from pathlib import Path
from typing import Protocol

from backend.core.errors import BadRequest, SetupError
from backend.core.files import replacing

KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}\.[a-z0-9]{1,8}")
SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class PhotoStore(Protocol):
    """Where photos lie. A key names a content: the same bytes always get the same key."""

    def put(self, content: bytes, suffix: str) -> str:
        """Keeps the bytes and returns their key; again is fine. Raises `SetupError` when it can't be written."""
        ...

    def path(self, key: str) -> Path:
        """A local file to read. A remote store fetches it to a cache first."""
        ...

    def exists(self, key: str) -> bool: ...

    def size(self, key: str) -> int:
        """Bytes of the content; 0 where there is none."""
        ...

    def delete(self, key: str) -> None:
        """Forgets the content; one already gone is fine."""
        ...


class LocalStore:
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, content: bytes, suffix: str) -> str:
        if not SUFFIX.fullmatch(suffix):
            raise BadRequest(f"{suffix!r} is no file ending, such as .jpg.")
        digest = hashlib.sha256(content).hexdigest()
        key = f"{digest[:2]}/{digest[2:]}{suffix}"
        if not self.exists(key):
            try:
                self._write(self.path(key), content)
            except OSError as error:
                raise self._explain(error) from error
        return key

    def path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise BadRequest(f"{key!r} is no photo's key.")
        return self.root / key

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def size(self, key: str) -> int:
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            return 0

    def delete(self, key: str) -> None:
        try:
            self.path(key).unlink(missing_ok=True)
        except OSError as error:
            raise self._explain(error) from error

    def _write(self, target: Path, content: bytes) -> None:
        """On disk in full before it gets its name, so that a name always means a whole photo."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            file.write(content)

    def _explain(self, error: OSError) -> SetupError:
        if error.errno in FULL:
            return SetupError(f"The disk is full: no room for photos in {self.root}. Free some space, then try again.")
        return SetupError(
            f"Photos can't be kept in {self.root} ({error.strerror or error}). Make the folder writable for this "
            "user, or choose another data folder."
        )
