"""What the workflows work with, handed in by the runtime. Owns nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.accounts.vault import Vault
from backend.core.reading import Analyzer
from backend.db.engine import Database
from backend.marketplace.port import Route
from backend.photos.store import PhotoStore


@dataclass(frozen=True)
class Parts:
    database: Database
    store: PhotoStore
    vault: Vault
    analyzer: Analyzer
    routes: Mapping[str, Route]
    troubles: dict[str, str] = field(default_factory=dict)


_current: Parts | None = None


def use(parts: Parts | None) -> None:
    """Sets what workflows find: the job engine itself is one a process, so its parts are too."""
    global _current  # noqa: PLW0603
    _current = parts


def current() -> Parts:
    assert _current is not None, "a workflow ran before the runtime handed in its parts"
    return _current
