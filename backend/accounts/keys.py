"""Changing the key that sessions, and the kept key of a model's service, are encrypted with, so that a crash at any
point leaves each of them readable.

Owns the key file (`secret.key`: one key a line, newest first, mode 0600) and the order of a rotation. Owns no
encryption (`vault.py`). A key is never logged and never returned.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.fernet import InvalidToken
from sqlmodel import Session, col, select

from backend.accounts.vault import Vault, parse_keys
from backend.core.errors import Conflict, SetupError
from backend.core.files import replacing
from backend.db.engine import Database
from backend.db.models import Account, ModelChoice

Step = Literal["key_added", "sealing", "sealed", "old_keys_dropped"]


@dataclass(frozen=True)
class Rotation:
    """What a rotation did. `sessions` counts the model's key too; `unreadable` ones fit no key there was: their owners
    sign in, or give the key, again."""

    sessions: int
    unreadable: int
    keys_dropped: int


class KeyFile:
    """The keys in the data folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[str]:
        """Newest first. Raises SetupError when there is none, or it can't be read."""
        try:
            return parse_keys(self._path.read_text())
        except OSError as error:
            raise SetupError(f"The key file {self._path} can't be read: {error.strerror}.") from error

    def write(self, keys: list[str]) -> None:
        """Replaces the file as a whole, on the disk before this returns. Raises SetupError."""
        try:
            with replacing(self._path) as file:
                file.write("".join(f"{key}\n" for key in keys).encode())
        except OSError as error:
            raise SetupError(f"The key file {self._path} can't be written: {error.strerror}.") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One rotation at a time. Raises Conflict."""
        with self._path.with_name(f"{self._path.name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict("Another process is changing the key just now.", code="rotating") from None
            for left in self._path.parent.glob(f".{self._path.name}*"):
                left.unlink(missing_ok=True)  # by a process that died while it wrote
            yield


def rotate(database: Database, file: KeyFile, *, after: Callable[[Step], None] = lambda _: None) -> Rotation:
    """Makes a new key, encrypts every session with it in one transaction, then drops the old keys.

    `after` is told each step as it is done (`sealing`: done but not committed). Until the old keys are dropped both
    they and the new one read everything. Raises SetupError, Conflict."""
    with file.locked():
        before = file.read()
        keys = [Vault.new_key(), *before]
        file.write(keys)
        after("key_added")
        vault = Vault("\n".join(keys))
        with database.session() as session:
            sessions, unreadable = reseal(session, vault)
            after("sealing")
        after("sealed")
        with database.session() as session:  # what a process that had read the keys before ours has written since
            late, unreadable = reseal(session, vault)
        file.write(keys[:1])
        after("old_keys_dropped")
    return Rotation(sessions + late, unreadable, len(before))


def reseal(session: Session, vault: Vault) -> tuple[int, int]:
    """Encrypts everybody's sessions and the model's key with the vault's first key; how many were, and how many fit
    none of its keys."""
    resealed = unreadable = 0
    accounts = select(Account).where(col(Account.session).is_not(None)).with_for_update()
    choices = select(ModelChoice).where(col(ModelChoice.key).is_not(None)).with_for_update()
    kept = [(row, "session") for row in session.exec(accounts)] + [(row, "key") for row in session.exec(choices)]
    for row, column in kept:
        try:
            sealed = vault.reseal(getattr(row, column))
        except InvalidToken:
            unreadable += 1
            continue
        if sealed is not None:
            setattr(row, column, sealed)
            resealed += 1
    session.flush()
    return resealed, unreadable


def count_unreadable(session: Session, vault: Vault) -> int:
    """How many kept sessions, the model's key among them, fit none of the vault's keys."""
    kept = [*session.exec(select(Account.session)), *session.exec(select(ModelChoice.key))]
    return sum(not vault.fits(sealed) for sealed in kept if sealed is not None)
