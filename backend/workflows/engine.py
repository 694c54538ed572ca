"""The job engine: DBOS Transact, started and stopped with the runtime.

Owns its configuration, its queues and how a job is asked for. The truth about a job is in our own tables; the
engine only makes sure that unfinished work is run, by one process at a time. Owns no step of any job.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig
from loguru import logger
from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url

from backend.db.engine import storage_errors
from backend.db.models import Publication
from backend.photos import batches
from backend.publications import service as publications
from backend.workflows import analyse, parts, publish
from backend.workflows.jobs_lock import JobsLock

READING_QUEUE = "reading"
PUBLISHING_QUEUE = "publishing"
APPLICATION_VERSION = "1"
"""Pinned: raised only when a workflow's steps change order, so that a restart with new code resumes old work."""

_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_POLL_SECONDS = 0.2
_TRY_AGAIN_SECONDS = 2.0
_BATCHES_AT_ONCE = 2
_PUBLICATIONS_AT_ONCE = 32  # waiting jobs count; the browser contexts are the real bound


class JobEngine:
    """Asks for jobs, and runs them while this process holds the folder's lock.

    With `run_jobs` it takes the lock, or waits in the background until the process that holds it has ended."""

    def __init__(self, url: str, lock: JobsLock, *, run_jobs: bool) -> None:
        self._url = url
        self._lock = lock
        self._wants_jobs = run_jobs
        self._client: DBOSClient | None = None
        self._waiting: asyncio.Task[None] | None = None

    async def start(self, handed: parts.Parts) -> None:
        """Migrates the engine's tables and, when it may run jobs, resumes what was left unfinished."""
        parts.use(handed)
        logging.getLogger("dbos").handlers = [_ToOurLog()]
        with storage_errors(self._url):
            await asyncio.to_thread(_prepare_sqlite, self._url)
            if self._wants_jobs and self._lock.take():
                await self._launch()
            else:
                await asyncio.to_thread(DBOS.migrate, self._url)
            self._client = await asyncio.to_thread(lambda: DBOSClient(system_database_url=self._url))
        if self._lock.held:
            await self._ask_for_unfinished(handed)
        elif self._wants_jobs:
            self._waiting = asyncio.create_task(self._take_over(handed))

    async def _launch(self) -> None:
        DBOS(config=self._config())
        DBOS.launch()  # inside the running loop, so that workflows share it with the browser
        for queue, at_once in ((READING_QUEUE, _BATCHES_AT_ONCE), (PUBLISHING_QUEUE, _PUBLICATIONS_AT_ONCE)):
            await DBOS.register_queue_async(
                queue, partition_concurrency=1, worker_concurrency=at_once, polling_interval_sec=_POLL_SECONDS
            )

    async def _take_over(self, handed: parts.Parts) -> None:
        """Runs the jobs from the moment on when the process that ran them has ended."""
        while not self._lock.take():  # noqa: ASYNC110 - another process's end raises no event here
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
        logger.info("jobs_taken_over")
        await self._launch()
        await self._ask_for_unfinished(handed)

    @property
    def somebody_works(self) -> bool:
        """Whether a living process runs this folder's jobs."""
        return self._lock.somebody_works()

    def _config(self) -> DBOSConfig:
        return {
            "name": "vintedbot",
            "system_database_url": self._url,
            "application_version": APPLICATION_VERSION,
            "executor_id": self._lock.executor_id,
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": _POLL_SECONDS,
        }

    async def read_batch(self, batch_id: str, user_id: str) -> None:
        """Asks for the batch to be read, after the user's earlier ones. Asking twice is asking once; a batch that
        broke off goes on."""
        await self._forget_ended(batch_id)
        await self._enqueue(READING_QUEUE, analyse.WORKFLOW, batch_id, batch_id, partition=user_id)

    async def carry_out(self, publication: Publication) -> None:
        """Asks for the publication to be carried out, after the account's earlier ones."""
        job_id = publish.job_id(publication)
        await self._enqueue(
            PUBLISHING_QUEUE, publish.WORKFLOW, job_id, publication.id, partition=publication.account_id
        )

    async def _ask_for_unfinished(self, handed: parts.Parts) -> None:
        """Makes sure every unfinished batch and publication of our tables has its job."""
        for batch in await handed.database.run(batches.unfinished):
            await self.read_batch(batch.id, batch.user_id)
        for publication in await handed.database.run(publications.running):
            await self._forget_ended(publish.job_id(publication))
            await self.carry_out(publication)

    async def _forget_ended(self, workflow_id: str) -> None:
        """A job that broke off leaves its work unfinished; forgotten, it can be asked for again under its id."""
        assert self._client is not None, "the engine is not started"
        ended = await self._client.list_workflows_async(workflow_ids=[workflow_id], status=_ENDED)
        if ended:
            await self._client.delete_workflows_async([workflow_id])

    async def _enqueue(self, queue: str, workflow: str, workflow_id: str, argument: str, *, partition: str) -> None:
        assert self._client is not None, "the engine is not started"
        options: Any = {
            "queue_name": queue,
            "workflow_name": workflow,
            "workflow_id": workflow_id,
            "app_version": APPLICATION_VERSION,
            "queue_partition_key": partition,
        }
        with storage_errors(self._url):
            await self._client.enqueue_async(options, argument)

    async def stop(self) -> None:
        """Stops running jobs, which leaves their rows as they are: what is unfinished resumes at the next start."""
        running = [*parts.current().jobs, *([self._waiting] if self._waiting else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._client is not None:
            await asyncio.to_thread(self._client.destroy)
        if self._lock.held:
            await asyncio.to_thread(DBOS.destroy)
            # The engine had put its own threads under this loop and has ended them: give the loop new ones.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="vintedbot"))
        self._lock.release()
        parts.use(None)


class _ToOurLog(logging.Handler):
    """The engine's own log lines, in our log."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.opt(exception=record.exc_info).log(record.levelname, "engine: {}", record.getMessage())


def _prepare_sqlite(url: str) -> None:
    """Sets WAL on the engine's file, once and for all, so that its readers and writers don't wait on each other."""
    if make_url(url).get_backend_name() != "sqlite":
        return
    engine = create_engine(url)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode=WAL"))
    with engine.connect():
        engine.dispose()
