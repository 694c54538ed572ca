"""Photos to items with the help of whoever reads them: looked at first, sorted, and asked about where in doubt.

Owns running the looks and the questions, and what becomes of their failures: a photo that can't be seen is sorted by
time and order, a judge that fails is asked no more. Owns no decision what belongs together (`grouping`) and no
order within an item (`photo_order.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from loguru import logger

from backend.core.errors import SetupError, VintedBotError
from backend.core.grouping import Doubt, Grouping, group_photos
from backend.core.reading import Analyzer, BoundaryJudge, PhotoDescriber, PhotoInput, Sight

LOOKS_AT_ONCE = 4
ASKED_AT_ONCE = 4
MOST_ASKED = 40
"""Doubtful places a judge is asked about in one batch, the most doubtful first."""

Keep = Callable[[Mapping[str, Sight | None]], Awaitable[None]]


async def sort_photos(
    analyzer: Analyzer,
    photos: Sequence[PhotoInput],
    *,
    known: Mapping[str, Sight | None] | None = None,
    keep: Keep | None = None,
) -> tuple[Grouping, dict[str, Sight]]:
    """The photos' grouping, and what was seen on them.

    `known` are sights from before, None for a photo that can't be seen; `keep` is handed each new one as soon as it is
    there. Raises SetupError when the analyzer can't work at all."""
    seen = dict(known or {})
    if isinstance(analyzer, PhotoDescriber):
        seen |= await _looks(analyzer, [photo for photo in photos if photo.id not in seen], keep)
    sights = {photo: sight for photo, sight in seen.items() if sight is not None}
    grouping = await asyncio.to_thread(group_photos, photos, sights=sights)
    if grouping.doubts and isinstance(analyzer, BoundaryJudge):
        by_id = {photo.id: photo for photo in photos}
        if said := await _judged(analyzer, grouping.doubts, by_id):
            grouping = await asyncio.to_thread(group_photos, photos, sights=sights, judged=said)
    return grouping, sights


async def _looks(analyzer: PhotoDescriber, photos: Iterable[PhotoInput], keep: Keep | None) -> dict[str, Sight | None]:
    """A few looks are under way at any time; none waits for another to end."""
    seen: dict[str, Sight | None] = {}
    waiting = iter(photos)

    async def look_on() -> None:
        for photo in waiting:
            seen[photo.id] = await _look(analyzer, photo)
            if keep is not None:
                await keep({photo.id: seen[photo.id]})

    workers = [asyncio.create_task(look_on()) for _ in range(LOOKS_AT_ONCE)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return seen


async def _look(analyzer: PhotoDescriber, photo: PhotoInput) -> Sight | None:
    try:
        return await analyzer.describe_photo(photo)
    except SetupError:
        raise
    except VintedBotError as error:
        logger.warning("photo_unseen: {} is sorted without: {}", photo.name or photo.id, error)
    except Exception:  # noqa: BLE001 - one photo a reader stumbles over must not keep the others from being sorted
        logger.exception("look_crashed")
    return None


async def _judged(judge: BoundaryJudge, doubts: Sequence[Doubt], photos: Mapping[str, PhotoInput]) -> dict[str, float]:
    """How likely the photo after each doubtful place shows the item before it, where the judge could say.

    The places of one round are asked at once; after a round with a failure no more are asked."""
    said: dict[str, float] = {}
    asked = doubts[:MOST_ASKED]
    for start in range(0, len(asked), ASKED_AT_ONCE):
        few = asked[start : start + ASKED_AT_ONCE]
        questions = (judge.same_item([photos[i] for i in d.left], [photos[i] for i in d.right]) for d in few)
        answers = await asyncio.gather(*questions, return_exceptions=True)
        for doubt, answer in zip(few, answers, strict=True):
            if isinstance(answer, int | float):
                said[doubt.right[0]] = answer
        if failed := [answer for answer in answers if isinstance(answer, BaseException)]:
            logger.warning("judge_failed: asked no more about doubtful places: {}", failed[0])
            _raise_what_is_ours(failed)
            break
    return said


def _raise_what_is_ours(failures: Sequence[BaseException]) -> None:
    """A service's failure is no reason to stop; a cancelled job or a fault in the code is."""
    for failure in failures:
        if not isinstance(failure, VintedBotError):
            raise failure
