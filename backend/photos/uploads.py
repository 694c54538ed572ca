"""Photos on their way here, piece by piece: an upload that was cut off goes on where it stopped.

An upload is a folder of its own, a file in it a number and the size it will have. Owns the folder, its bounds and what
can be said of a file at once: that it is no photo, too large, or here already. Owns no batch: a finished upload's files
are handed over to one.
"""

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from backend.core.errors import BadRequest, Conflict, NotFound, SetupError
from backend.db.models import new_id
from backend.photos.batches import IncomingFile
from backend.photos.intake import FORMATS, MAX_BYTES, Reason
from backend.photos.sniffing import name_format

PIECE_MOST = 8 << 20
"""Bytes one request may bring."""
KEPT_SECONDS = 24 * 3600.0
"""How long an upload nobody goes on with is kept."""
OPEN_MOST = 8
"""Uploads a user may have open at once."""
_ID = re.compile(r"[0-9a-f]{16}")
_HEAD = 4096

FileState = Literal["partial", "whole", "refused"]


@dataclass(frozen=True)
class Received:
    """How far a file is: bytes here, and once it is whole its digest; `reason` says why it is refused."""

    received: int
    state: FileState
    reason: Reason | None = None
    sha256: str | None = None


def open_upload(home: Path, user_id: str) -> str:
    """A new upload's id; those nobody went on with are cleared away. Raises Conflict for too many at once."""
    mine = home / user_id
    with _explained(home):
        mine.mkdir(parents=True, exist_ok=True)
        _clear_old(home)
        if len(list(mine.iterdir())) >= OPEN_MOST:
            raise Conflict("Too many uploads are open. Finish or cancel one first.", code="too_many_uploads")
        upload_id = new_id()
        (mine / upload_id).mkdir()
    return upload_id


def add_piece(
    home: Path, user_id: str, upload_id: str, number: int, piece: bytes, *, offset: int, size: int, most: int, room: int
) -> Received:
    """Puts a piece of `piece` bytes at `offset` of file `number`, which is `size` bytes in all. An upload holds `most`
    files and `room` bytes.

    Raises NotFound, BadRequest for a number or a piece out of bounds, Conflict where the file is at another place or
    the number is another file's (of another size)."""
    folder = folder_of(home, user_id, upload_id)
    if not 0 <= number < most:
        raise BadRequest(f"An upload takes {most} files at most.", code="too_many_files")
    if len(piece) > PIECE_MOST or offset + len(piece) > size or (not piece and size):
        raise BadRequest("This piece does not fit into its file.", code="bad_piece")
    if reason := _refusal(piece if offset == 0 else None, size):
        return Received(0, "refused", reason)
    path = folder / f"{number:05d}.{size}"
    with _explained(home):
        with _alone(folder):  # of one piece sent twice at once the second is at another place
            if any(other != path for other in folder.glob(f"{number:05d}.*")):
                raise Conflict("Another file has this number. Send this one under a new number.", code="upload_number")
            here = path.stat().st_size if path.exists() else 0
            if here != offset:
                raise Conflict(f"This file is at byte {here}, not {offset}. Go on from there.", code="upload_offset")
            if sum(file.stat().st_size for file in folder.iterdir()) + size - here > room:
                return Received(here, "refused", Reason.NO_ROOM)
            with path.open("ab") as file:
                file.write(piece)
        folder.touch()
        if here + len(piece) < size:
            return Received(here + len(piece), "partial")
        with path.open("rb") as whole:
            return Received(size, "whole", sha256=hashlib.file_digest(whole, "sha256").hexdigest())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else adds to the upload meanwhile, in this process or another."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def received(home: Path, user_id: str, upload_id: str) -> dict[int, int]:
    """Bytes here by file number. Raises NotFound."""
    return {number: path.stat().st_size for number, path in _files(folder_of(home, user_id, upload_id)).items()}


def _files(folder: Path) -> dict[int, Path]:
    """The files of an upload by their number; each is named by that and by the size it will have."""
    return {int(path.stem): path for path in sorted(folder.glob("*.*"))}


def _is_whole(path: Path | None) -> bool:
    return path is not None and path.stat().st_size == int(path.suffix[1:])


def hand_over(
    home: Path, user_id: str, upload_id: str, files: Sequence[tuple[int, str]], target: Path
) -> list[IncomingFile]:
    """The upload's files, named by their number, in the folder `target` too, for a batch; the upload stays as it is
    until it is cancelled, and may be handed over again. Raises NotFound, BadRequest."""
    here = _files(folder_of(home, user_id, upload_id))
    missing = [name for number, name in files if not _is_whole(here.get(number))]
    if missing:
        raise BadRequest(f"{missing[0]} has not been sent whole yet.", code="upload_unfinished")
    with _explained(home):
        target.mkdir(parents=True, exist_ok=True)
        for number, _ in files:
            _link(here[number], target / f"{number:05d}")
    return incoming(files, target)


def incoming(files: Sequence[tuple[int, str]], target: Path) -> list[IncomingFile]:
    """An upload's files as a batch has them, out of the folder `target`."""
    return [IncomingFile(target / f"{number:05d}", *_shown_name(name), owned=True) for number, name in files]


def _link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the disk knows no such thing."""
    try:
        os.link(source, target)
    except FileExistsError:
        if target.stat().st_size != source.stat().st_size:
            shutil.copyfile(source, target)
    except OSError:
        shutil.copyfile(source, target)


def cancel(home: Path, user_id: str, upload_id: str) -> None:
    """Forgets an upload and what came of it so far. Raises NotFound."""
    shutil.rmtree(folder_of(home, user_id, upload_id), ignore_errors=True)  # what stays goes with the old ones


def folder_of(home: Path, user_id: str, upload_id: str) -> Path:
    """Raises NotFound for an upload that isn't this user's, or that was cleared away."""
    folder = home / user_id / upload_id
    if not _ID.fullmatch(upload_id) or not folder.is_dir():
        raise NotFound(f"There is no upload {upload_id!r} of yours.")
    return folder


def keep_files(folder: Path, files: Iterable[tuple[str, BinaryIO]]) -> list[IncomingFile]:
    """Copies whole files into the new folder, each under a name of ours: theirs is only shown. Raises SetupError."""
    kept = []
    with _explained(folder.parent):
        folder.mkdir(parents=True)
        for number, (name, file) in enumerate(files):
            target = folder / f"{number:05d}"
            with target.open("wb") as out:
                shutil.copyfileobj(file, out, 1 << 20)
            kept.append(IncomingFile(target, *_shown_name(name or f"photo-{number + 1}"), owned=True))
    return kept


def _shown_name(filename: str) -> tuple[str, str]:
    """The name without control characters, and the subfolder (browsers send one for a dropped folder)."""
    parts = Path("".join(c for c in filename.replace("\\", "/") if c.isprintable())).parts
    parts = tuple(part for part in parts if part not in ("/", "..", "."))
    return (parts[-1] if parts else "photo")[:200], "/".join(parts[:-1])[:200]


def _refusal(head: bytes | None, size: int) -> Reason | None:
    """What can be said of a file by its size and first bytes."""
    if size == 0:
        return Reason.EMPTY
    if size > MAX_BYTES:
        return Reason.TOO_LARGE
    if head is None:
        return None
    found = name_format(head[:_HEAD])
    if found in FORMATS or found == "MPO":
        return None
    return Reason.UNSUPPORTED_FORMAT if found else Reason.NOT_A_PHOTO


def _clear_old(home: Path) -> None:
    for folder in left_behind(home, "*/*"):
        shutil.rmtree(folder, ignore_errors=True)


def left_behind(home: Path, pattern: str = "*") -> list[Path]:
    """The folders that nobody has touched for as long as an upload is kept."""
    found = []
    for folder in home.glob(pattern):
        with suppress(FileNotFoundError):  # gone meanwhile
            if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                found.append(folder)
    return found


class _explained:  # noqa: N801 - reads as a statement
    """A disk that can't take it is said so."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise SetupError(
                f"The upload can't be kept in {self.place} ({error.strerror}). Free some space.",
                code="upload_not_kept",
            ) from error
