"""What the job engine has in hand, for whoever looks after the server.

Owns the look and the words for its states. The truth about a job is in our own tables, and history is pruned: what
failed long ago is not told. Owns no queue (`engine.py`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from dbos import DBOSClient

JobState = Literal["under_way", "waiting", "failed"]
_STATUSES: dict[JobState, list[str]] = {
    "under_way": ["PENDING"],
    "waiting": ["ENQUEUED", "DELAYED"],
    "failed": ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
}
MOST = 50
"""Of each state."""


@dataclass(frozen=True)
class EngineJob:
    """`about` is the batch's or publication's id, `name` the workflow's."""

    state: JobState
    name: str
    about: str
    since: datetime
    executor: str
    attempts: int


async def engine_jobs(client: DBOSClient) -> list[EngineJob]:
    """The latest first, state by state."""
    found: list[EngineJob] = []
    for state, statuses in _STATUSES.items():
        rows = await client.list_workflows_async(
            status=statuses, limit=MOST, sort_desc=True, load_input=False, load_output=False
        )
        found += [
            EngineJob(
                state=state,
                name=row.name,
                about=row.workflow_id.partition("-")[0],
                since=datetime.fromtimestamp((row.created_at or 0) / 1000, UTC),
                executor=row.executor_id or "",
                attempts=row.recovery_attempts or 0,
            )
            for row in rows
        ]
    return found
