"""How a sandbox marketplace is set up. Owns the options and their defaults, nothing else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Widgets = Literal["new", "old"]
Language = Literal["fr", "en", "de", "es", "it", "nl", "pt", "pl"]

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class SandboxOptions:
    """`widgets` chooses the newer size and colour tiles or the older lists; `banner` whether a fresh visitor
    meets the consent banner. `state_file` makes accounts, sessions, photos, listings and counts survive the
    sandbox's own death. `photo_budget` bounds the photo bytes that are kept, in bytes: beyond it the hash,
    size and order of a photo are still kept."""

    language: Language = "fr"
    currency: str = "EUR"
    widgets: Widgets = "new"
    banner: bool = True
    state_file: Path | None = None
    photo_budget: int = 256 * MEGABYTE
