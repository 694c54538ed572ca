"""The sample wardrobe on disk: drawn the first time it is wanted, and then kept.

Light to import: what draws is loaded only when something is to be drawn.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

STATED = {"audience": "women", "condition": "very-good"}
"""What is true of all of it and shows on no photo."""


def drawn_once(folder: Path, still_wanted: Callable[[], bool] = lambda: True) -> list[Path]:
    """The wardrobe's files; every drawing of it is the same. Raises InterruptedError once it is wanted no more."""
    if not folder.exists():
        from backend.sample.wardrobe import draw_wardrobe  # noqa: PLC0415

        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as place:
            draw_wardrobe(Path(place) / "wardrobe", still_wanted=still_wanted)
            try:
                (Path(place) / "wardrobe").rename(folder)
            except OSError:
                if not folder.exists():  # else another process has drawn the same meanwhile
                    raise
    return sorted(folder.iterdir())
