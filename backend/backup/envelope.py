"""A stream encrypted under a passphrase, in chunks: written and read a piece at a time, whatever its length.

    head:   8 bytes of signature, log2 n, r, p (a byte each), 16 bytes of salt, 16 bytes that tell a wrong passphrase
    chunk:  1 MiB of content and 16 bytes of tag (ChaCha20-Poly1305), the last one shorter or empty

The key is scrypt's. A chunk's nonce is its number and whether it is the last, its associated data the head: no chunk
can be left out, moved, repeated or cut off unseen. A salt is used once, so a nonce
is too. Owns no file and no passphrase.
"""

import hmac
import secrets
import struct
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from backend.core.errors import BackupRefused, BadRequest

SIGNATURE = b"VBSEALED"
CHUNK = 1 << 20
TAG = 16
LOG_N, R, P = 17, 8, 1
"""128 MB and a fraction of a second for one guess."""
SHORTEST_PASSPHRASE = 8
_HEAD = struct.Struct("8sBBB16s16s")


def is_sealed(beginning: bytes) -> bool:
    return beginning.startswith(SIGNATURE)


class SealingWriter:
    """Encrypts what is written to it into `out`. Only `close` makes it whole."""

    def __init__(self, out: IO[bytes], passphrase: str) -> None:
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise BadRequest(f"A passphrase has {SHORTEST_PASSPHRASE} characters or more.", code="short_passphrase")
        salt = secrets.token_bytes(16)
        key, proof = _derive(passphrase, salt, LOG_N, R, P)
        self._out, self._aead = out, ChaCha20Poly1305(key)
        self._head = _HEAD.pack(SIGNATURE, LOG_N, R, P, salt, proof)
        self._waiting, self._number = bytearray(), 0
        out.write(self._head)

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) > CHUNK:  # the last chunk is written by `close`, and never full by chance
            self._put(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def close(self) -> None:
        self._put(bytes(self._waiting), last=True)

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._out.write(self._aead.encrypt(_nonce(self._number, last=last), chunk, self._head))
        self._number += 1


class OpeningReader:
    """Reads what `SealingWriter` wrote. Raises BackupRefused: `backup_passphrase` or `backup_damaged`."""

    def __init__(self, source: IO[bytes], passphrase: str) -> None:
        self._source = source
        self._head = source.read(_HEAD.size)
        if len(self._head) < _HEAD.size:
            raise damaged("it ends in its first bytes")
        _, log_n, r, p, salt, proof = _HEAD.unpack(self._head)
        if not (10 <= log_n <= 20 and 1 <= r <= 16 and 1 <= p <= 4):
            raise damaged("its head makes no sense")
        key, expected = _derive(passphrase, salt, log_n, r, p)
        if not hmac.compare_digest(proof, expected):
            raise BackupRefused("This is not the backup's passphrase.", code="backup_passphrase")
        self._aead = ChaCha20Poly1305(key)
        self._next = source.read(CHUNK + TAG)
        self._ready, self._number, self._over = bytearray(), 0, False

    def read(self, size: int = -1) -> bytes:
        while not self._over and (size < 0 or len(self._ready) < size):
            self._open_one()
        taken = bytes(self._ready[:size] if size >= 0 else self._ready)
        del self._ready[: len(taken)]
        return taken

    def _open_one(self) -> None:
        chunk, self._next = self._next, self._source.read(CHUNK + TAG)
        self._over = not self._next
        try:
            self._ready += self._aead.decrypt(_nonce(self._number, last=self._over), chunk, self._head)
        except InvalidTag:
            raise damaged(f"its part {self._number + 1} was changed, or the rest is missing") from None
        self._number += 1


def damaged(why: str) -> BackupRefused:
    return BackupRefused(
        f"The backup is damaged or cut off ({why}). Nothing was changed. Use another copy.", code="backup_damaged"
    )


def _derive(passphrase: str, salt: bytes, log_n: int, r: int, p: int) -> tuple[bytes, bytes]:
    """The key, and the proof of it that stands in the head."""
    made = Scrypt(salt=salt, length=48, n=1 << log_n, r=r, p=p).derive(passphrase.encode())
    return made[:32], made[32:]


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
