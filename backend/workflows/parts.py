"""What the workflows work with, handed in by the runtime. Owns nothing itself."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from backend.accounts.vault import Vault
from backend.core.reading import Readers
from backend.db.engine import Database
from backend.marketplace.port import Route
from backend.photos.store import PhotoStore
from backend.workflows.executors import Executors
from backend.workflows.live import OpenPages
from backend.workflows.reconcile import LOOKS_AFTER


@dataclass(frozen=True)
class Patience:
    """How long jobs wait, in seconds.

    `click_within` bounds the time from the committed point of no return to the click; `looks_after` are the waits
    before each look at the account's listings, together far longer: by the last look nobody can click any more. `owner`
    is how long a challenge's page stays open. An item whose photos were moved is read again once its seller has left it
    alone for `sorting`."""

    click_within: float = 10.0
    looks_after: tuple[float, ...] = LOOKS_AFTER
    owner: float = 12 * 3600.0
    sorting: float = 2.0

    def __post_init__(self) -> None:
        assert sum(self.looks_after) > 1.5 * self.click_within, "the last look must come after the last possible click"


@dataclass(frozen=True)
class Parts:
    database: Database
    store: PhotoStore
    vault: Vault
    readers: Readers
    routes: dict[str, Route]
    executors: Executors
    evidence: Path
    incoming: Path
    """Where uploaded files wait to be taken in."""
    evidence_kept: timedelta = timedelta(days=30)
    patience: Patience = Patience()
    troubles: dict[str, str] = field(default_factory=dict)
    """Batch id → what stopped it, for when not even that can be stored."""
    jobs: set[asyncio.Task[Any]] = field(default_factory=set)
    """The jobs under way in this process."""
    claims: set[str] = field(default_factory=set)
    """The claims on publications that jobs of this process hold."""
    something_new: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something was queued or a job has ended: the next publication need not wait for the engine's turn."""
    live: OpenPages = field(default_factory=OpenPages)
    """The pages that wait for their account's owner in this process."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Inside, the task is known as a job that must be stopped before the parts are closed."""
        task = asyncio.current_task()
        assert task is not None, "a job runs in a task"
        self.jobs.add(task)
        try:
            yield
        finally:
            self.jobs.discard(task)
            self.something_new.set()


_current: Parts | None = None


def use(parts: Parts | None) -> None:
    """Sets what workflows find: the job engine itself is one a process, so its parts are too."""
    global _current  # noqa: PLW0603
    _current = parts


def current() -> Parts:
    assert _current is not None, "a workflow ran before the runtime handed in its parts"
    return _current
