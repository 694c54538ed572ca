"""The reader of photos by itself, for a look that keeps nothing. Owns what has to run for that; owns no reading."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.building import build_analyzer
from backend.chosen_reader import at_rest
from backend.core.model_calls import Unmetered, on_behalf_of
from backend.core.reading import Analyzer
from backend.runtime import running
from backend.settings import Settings


@asynccontextmanager
async def reader_alone(settings: Settings) -> AsyncIterator[Analyzer]:
    """The reader for a look without keeping anything; what a model's calls cost is counted all the same."""
    chosen = await asyncio.to_thread(at_rest, settings)
    if chosen.settings.reader == "embedded":
        analyzer = build_analyzer(chosen.settings, Unmetered())
        try:
            yield analyzer
        finally:
            await analyzer.aclose()
        return
    async with running(settings, run_jobs=False) as runtime:
        with on_behalf_of(runtime.user_id):
            async with runtime.chosen.reading() as analyzer:
                yield analyzer
