"""Does the reader read? One real reading of a small picture drawn for it, as an item's photos are read.

Owns the picture, another one each time, so that no kept answer stands in for the reader. Owns no reader and no count:
where a model is asked, the call is the ledger's like any other, and the budgets hold for it.
"""

import asyncio
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from backend.core.errors import VintedBotError
from backend.core.reading import Analyzer, PhotoInput
from backend.vision.fallback import FallbackAnalyzer

SIDE = 128


@dataclass(frozen=True)
class Trial:
    """Whether the reader answered, in how many seconds; where not, why (`code` and a sentence)."""

    ok: bool
    seconds: float
    code: str = ""
    reason: str = ""


async def try_reader(analyzer: Analyzer) -> Trial:
    """Asks the model itself where there is one, not what stands in for it."""
    asked = analyzer.primary if isinstance(analyzer, FallbackAnalyzer) else analyzer
    with tempfile.TemporaryDirectory(prefix="vintedbot-") as folder:
        picture = Path(folder) / "test.jpg"
        await asyncio.to_thread(_draw, picture)
        started = time.perf_counter()
        try:
            await asked.read_item([PhotoInput("test", picture, picture.name)])
        except VintedBotError as error:
            return Trial(False, time.perf_counter() - started, error.code, str(error))
        return Trial(True, time.perf_counter() - started)


def _draw(path: Path) -> None:
    """A T-shirt on a table, more or less."""
    chance = random.Random()  # noqa: S311 - no secret
    image = Image.effect_noise((SIDE, SIDE), chance.uniform(20, 40)).convert("RGB")
    shirt = [(24, 40), (48, 24), (80, 24), (104, 40), (92, 60), (86, 54), (86, 108), (42, 108), (42, 54), (36, 60)]
    ImageDraw.Draw(image).polygon(shirt, fill=tuple(chance.randrange(40, 216) for _ in range(3)))
    image.save(path, quality=90)
