"""The job engine: DBOS Transact, started and stopped with the runtime.

Owns its configuration, its queues and how a job is asked for. The truth about a job is in our own tables; the engine
only makes sure that unfinished work is run, by one process at a time. What is due is asked of our tables twice a second
(`publications/queue.py`), and so is what a dead executor left behind. Owns no step of any job.
"""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig
from loguru import logger
from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url

from backend.core.errors import VintedBotError
from backend.core.logs import ToOurLog
from backend.db.engine import storage_errors
from backend.db.models import Publication
from backend.photos import batches
from backend.publications import queue
from backend.publications.journal import State
from backend.workflows import analyse, parts, publish, upkeep
from backend.workflows.held import is_abandoned
from backend.workflows.overview import EngineJob, engine_jobs

READING_QUEUE = "reading"
PUBLISHING_QUEUE = "listings"
APPLICATION_VERSION = "2"
"""Pinned: raised only when a workflow's steps change order, so that a restart with new code resumes old work."""

_WAITING, _RUNNING = ("ENQUEUED", "DELAYED"), "PENDING"
_POLL_SECONDS = 0.2
_DISPATCH_SECONDS = 0.5
_LOOK_FOR_ORPHANS_SECONDS = 3.0
_BATCHES_AT_ONCE = 2
_PUBLICATIONS_AT_ONCE = 64  # those waiting for their owner count; the browser contexts are the real bound


class JobEngine:
    """Asks for jobs, and runs them while this process is an executor.

    With `run_jobs` it becomes one; with `if_idle` it waits in the background as long as another one lives, as commands
    do beside a server."""

    def __init__(self, url: str, *, run_jobs: bool, if_idle: bool = False) -> None:
        self._url = url
        self._wants_jobs, self._if_idle = run_jobs, if_idle
        self._client: DBOSClient | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._parts: parts.Parts | None = None
        self._launched = False
        self._due_since: dict[str, float] = {}
        self._looked = time.monotonic()

    @property
    def lag(self) -> float | None:
        """Seconds that something due has waited for this process to begin it, or that it has not looked; None where
        no jobs run."""
        if not self._launched:
            return None
        now = time.monotonic()
        waited = [now - since for since in tuple(self._due_since.values())]
        return max(now - self._looked - _DISPATCH_SECONDS, 0.0, *waited)

    async def start(self, handed: parts.Parts) -> None:
        """Migrates the engine's tables and, when it may run jobs, resumes what was left unfinished."""
        self._parts = handed
        if self._wants_jobs:  # a server that runs none takes them from none that does in the same process
            parts.use(handed)
        logging.getLogger("dbos").handlers = [ToOurLog("engine")]
        with storage_errors(self._url):
            await asyncio.to_thread(_prepare_sqlite, self._url)
            await asyncio.to_thread(DBOS.migrate, self._url)
            self._client = await asyncio.to_thread(lambda: DBOSClient(system_database_url=self._url))
        if self._wants_jobs:
            if not (self._if_idle and await asyncio.to_thread(handed.executors.any_alive)):
                await self._launch()
            self._keeper = asyncio.create_task(self._keep_working())

    async def _launch(self) -> None:
        """Becomes an executor; the engine resumes what this slot's last holder left."""
        executor = await asyncio.to_thread(self._handed.executors.take)
        try:
            await self._begin(executor)
        except BaseException:
            self._launched = True  # half of it may be: what there is of it is ended, so that the next try begins anew
            await self._land()
            raise

    async def _begin(self, executor: str) -> None:
        DBOS(config=self._config(executor))
        DBOS.launch()  # inside the running loop, so that workflows share it with the browser
        self._launched = True
        await DBOS.register_queue_async(
            READING_QUEUE,
            partition_concurrency=1,
            worker_concurrency=_BATCHES_AT_ONCE,
            polling_interval_sec=_POLL_SECONDS,
        )
        await DBOS.register_queue_async(
            PUBLISHING_QUEUE, worker_concurrency=_PUBLICATIONS_AT_ONCE, polling_interval_sec=_POLL_SECONDS
        )
        logger.bind(executor=executor).debug("jobs_run_here")
        for batch in await self._handed.database.look(batches.unfinished):  # what was stopped is tried again at a start
            await self.read_batch(batch.id, batch.user_id)

    async def _land(self) -> None:
        """Stops running jobs, which leaves their rows as they are."""
        running = list(self._handed.jobs)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._launched:
            await asyncio.to_thread(DBOS.destroy)
            self._launched = False
            # The engine had put its own threads under this loop and has ended them: give the loop new ones.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="vintedbot"))
        self._handed.executors.release()

    async def _keep_working(self) -> None:
        """Dispatches what is due and takes over what was left, for as long as this process is an executor; becomes one
        when it wasn't, or no longer is."""
        while True:
            try:
                if not self._launched:
                    await self._wait_for_a_turn()
                    await self._launch()
                await self._work()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - a database out of reach for a while ends no server
                logger.opt(exception=not isinstance(error, VintedBotError)).warning("jobs_interrupted: {!r}", error)
                await asyncio.sleep(_LOOK_FOR_ORPHANS_SECONDS)
            if not await asyncio.to_thread(self._handed.executors.still_mine):
                logger.warning("executor_lost: another process may have taken its jobs over")
                await self._land()

    async def _wait_for_a_turn(self) -> None:
        while self._if_idle and await asyncio.to_thread(self._handed.executors.any_alive):  # noqa: ASYNC110 - no event
            await asyncio.sleep(_LOOK_FOR_ORPHANS_SECONDS / 2)

    async def _work(self) -> None:
        """Rounds of dispatching until the slot is no longer ours."""
        clock = asyncio.get_running_loop().time
        next_orphans = next_upkeep = clock()
        while True:
            self._handed.something_new.clear()
            due = await self._handed.database.look(queue.due)
            self._looked = time.monotonic()
            self._due_since = {row.id: self._due_since.get(row.id, self._looked) for row in due}
            for publication in due:
                await self._secure_publication(publication)
            if clock() >= next_orphans:
                next_orphans = clock() + _LOOK_FOR_ORPHANS_SECONDS
                if not await asyncio.to_thread(self._handed.executors.still_mine):
                    return
                await self._take_over()
            if clock() >= next_upkeep:
                next_upkeep = clock() + upkeep.EVERY_SECONDS
                await upkeep.tidy(self._handed, self._started_client)
            try:
                async with asyncio.timeout(_DISPATCH_SECONDS):
                    await self._handed.something_new.wait()
            except TimeoutError:
                continue

    async def _take_over(self) -> None:
        """Sees to it that every unfinished batch, and every publication whose holder is gone, has a job."""
        for batch in await self._handed.database.look(batches.unfinished):
            if batch.state in batches.MOVING:
                await self.read_batch(batch.id, batch.user_id)
        for publication in await self._handed.database.look(queue.orphans):
            if not await asyncio.to_thread(is_abandoned, self._handed, publication):
                continue
            if publication.state == State.NEEDS_PERSON:
                await self._handed.database.run(queue.page_is_gone, publication.id, publication.claim)
            else:
                await self._secure_publication(publication)

    @property
    def somebody_works(self) -> bool:
        """Whether a living process runs the jobs of these tables."""
        return self._handed.executors.any_alive()

    async def in_hand(self) -> list[EngineJob]:
        """What is under way, what waits and what failed, as the engine has it; the latest of each."""
        with storage_errors(self._url):
            return await engine_jobs(self._started_client)

    async def read_batch(self, batch_id: str, user_id: str) -> None:
        """Asks for the batch to be read, after the user's earlier ones. Asking twice is asking once; a batch that
        broke off goes on."""
        await self._secure(READING_QUEUE, analyse.WORKFLOW, batch_id, batch_id, partition=user_id)

    def look(self) -> None:
        """Something was queued: looks at once instead of at the next turn."""
        self._handed.something_new.set()

    async def _secure_publication(self, publication: Publication) -> None:
        await self._secure(PUBLISHING_QUEUE, publish.WORKFLOW, publish.job_id(publication), publication.id)

    async def _secure(
        self, queue_name: str, workflow: str, job_id: str, argument: str, *, partition: str | None = None
    ) -> None:
        """Makes sure that there is a living job of this id: one that ended, or lost its executor, is asked for anew."""
        client = self._started_client
        with storage_errors(self._url):
            known = await client.list_workflows_async(workflow_ids=[job_id], load_input=False, load_output=False)
            if known:
                if await self._lives(known[0]):
                    return
                await client.cancel_workflows_async([job_id])
                await client.delete_workflows_async([job_id])
            options: Any = {
                "queue_name": queue_name,
                "workflow_name": workflow,
                "workflow_id": job_id,
                "app_version": APPLICATION_VERSION,
            }
            if partition is not None:
                options["queue_partition_key"] = partition
            await client.enqueue_async(options, argument)

    async def _lives(self, job: Any) -> bool:
        if job.app_version != APPLICATION_VERSION:
            return False
        if job.status in _WAITING:
            return True
        return bool(job.status == _RUNNING) and await asyncio.to_thread(
            self._handed.executors.is_alive, job.executor_id
        )

    async def stop(self) -> None:
        """Stops running jobs: what is unfinished resumes at the next start, or in another process."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._parts is not None:
            await self._land()
        if self._client is not None:
            await asyncio.to_thread(self._client.destroy)
        if self._wants_jobs:
            parts.use(None)

    @property
    def _handed(self) -> parts.Parts:
        assert self._parts is not None, "the engine is not started"
        return self._parts

    @property
    def _started_client(self) -> DBOSClient:
        assert self._client is not None, "the engine is not started"
        return self._client

    def _config(self, executor: str) -> DBOSConfig:
        return {
            "name": "vintedbot",
            "system_database_url": self._url,
            "application_version": APPLICATION_VERSION,
            "executor_id": executor,
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": _POLL_SECONDS,
        }


def _prepare_sqlite(url: str) -> None:
    """Sets WAL on the engine's file, once and for all, so that its readers and writers don't wait on each other."""
    if make_url(url).get_backend_name() != "sqlite":
        return
    engine = create_engine(url)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode=WAL"))
    with engine.connect():
        engine.dispose()
