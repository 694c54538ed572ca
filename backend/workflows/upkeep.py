"""What is tidied up by itself, now and then: the engine's history of jobs that ended, evidence past its time, and
uploaded files that no batch waits for.

The journal and everything of the seller's is kept. Owns what is old enough to go.
"""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta

from dbos import DBOSClient
from loguru import logger

from backend.core import bundles
from backend.photos import batches, uploads
from backend.workflows.parts import Parts

EVERY_SECONDS = 3600.0
HISTORY_KEPT = timedelta(days=7)
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_AT_A_TIME = 500


async def tidy(parts: Parts, client: DBOSClient) -> None:
    """One round; safe to run in several processes at once."""
    before = (datetime.now(UTC) - HISTORY_KEPT).isoformat()
    ended = await client.list_workflows_async(
        status=_ENDED, completed_before=before, limit=_AT_A_TIME, load_input=False, load_output=False
    )
    gone = await asyncio.to_thread(bundles.prune, parts.evidence, parts.evidence_kept)
    if gone:
        logger.bind(bundles=gone).info("evidence_pruned")
    await clear_incoming(parts)
    if ended:
        await client.delete_workflows_async([job.workflow_id for job in ended])
        logger.bind(jobs=len(ended)).info("history_pruned")


async def clear_incoming(parts: Parts) -> None:
    """What a process that died left of handing photos in, or of taking them in."""
    for folder in await asyncio.to_thread(uploads.left_behind, parts.incoming):
        if not await parts.database.look(batches.pending_photos, folder.name):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            logger.bind(batch=folder.name).info("incoming_cleared")
