"""Model files on this machine: checked before use, written once, opened with a bounded number of threads.

Owns the cache folder's place and how files get into it. Does not own what a model is for.
"""

import hashlib
import os
from functools import cache
from pathlib import Path

import onnxruntime
from loguru import logger

from backend.core.errors import SetupError
from backend.core.files import replacing


def default_cache_dir() -> Path:
    """`vintedbot` in the user's cache folder, as the XDG rules have it."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "vintedbot"


@cache
def verify(path: Path, sha256: str) -> None:
    """Raises `SetupError` unless the file is there and is the very one this software was measured with."""
    found = digest(path)
    if found != sha256:
        raise SetupError(f"{path} is not the expected file (sha256 {found}): install the package it belongs to again")


def digest(path: Path) -> str:
    """The file's SHA-256. Raises `SetupError` where it can't be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SetupError(f"{path} can't be read: install the package it belongs to again") from error


def keep(target: Path, content: bytes) -> None:
    """Puts a whole file in place; of several processes doing so at once the last wins, and none sees half a file.

    A cache that can't be written costs time at the next start, no more."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            file.write(content)
    except OSError as error:
        logger.warning("cache_not_written: {}: {}", target.parent, error)


def session(model: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    """A model that computes on `threads` threads a call and gives its memory back between calls."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
