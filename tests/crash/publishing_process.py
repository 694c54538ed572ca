"""A process that publishes, to be killed: `python -m tests.crash.publishing_process DATA [DRAFT]`.

With a draft it asks for it to be saved on the marketplace; either way it ends when nothing moves any more."""

import asyncio
import sys
import time
from pathlib import Path

from backend.accounts import service as accounts
from backend.core.retry_utils import waiting_by
from backend.publications import service
from backend.publications.service import Order
from backend.runtime import running
from backend.settings import Settings
from tests.fakes import ScriptedReader


async def main(data: Path, draft_id: str | None) -> None:
    async with running(Settings(data=data), run_jobs=True, analyzer=ScriptedReader()) as runtime:
        if draft_id is not None:
            account = await runtime.database.run(accounts.choose, runtime.user_id, None)
            await runtime.publish(Order(draft_id, account.id, "draft"))
        while await runtime.database.run(service.count_running):
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    with waiting_by(lambda seconds: time.sleep(min(seconds, 0.5))):
        asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
