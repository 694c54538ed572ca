"""The `publish` workflow: carries one publication out through its journal.

Retries belong before the click and end there: `submitting` is committed by `before_submit`, and from then on an
unknown result is `uncertain`, never tried again (`settle.py` finds out). Owns the order of an attempt and what it
writes down. Owns no form, no transition rule, and no place in the queue.
"""

import asyncio
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from dbos import DBOS
from loguru import logger
from sqlmodel import Session

from backend.accounts import standing
from backend.core import logs, metrics, runs, tracing
from backend.core.errors import (
    ChallengeRaised,
    Conflict,
    RetryableVintedError,
    UncertainError,
    VintedBotError,
)
from backend.core.origin import coming_from
from backend.core.retry_utils import pause, retry_publish_operation
from backend.db.engine import clock
from backend.db.models import Publication
from backend.marketplace.port import Filled, OpenPage, Outcome, Permit, boot_clock
from backend.publications import journal, queue
from backend.publications.journal import State
from backend.publications.queue import NotItsTurn
from backend.workflows.ends import AfterTheClick, end_of
from backend.workflows.held import Held, take_up
from backend.workflows.job import Job, job_of
from backend.workflows.live import wait_for_owner
from backend.workflows.parts import current
from backend.workflows.pictures import delete_unnamed
from backend.workflows.settle import settle
from backend.workflows.sheet import summary
from backend.workflows.telling import tell

WORKFLOW = "publish"
LONGEST_PAUSE = 90.0
"""Seconds a filled form may wait for the account's limit; beyond that the publication goes back to the queue."""


def job_id(publication: Publication) -> str:
    """The engine's id for this round of the publication."""
    return f"{publication.id}-{publication.run}"


@DBOS.workflow(name=WORKFLOW)
async def publish(publication_id: str) -> None:
    """Runs the publication until it has ended, waits for somebody, or is back in the queue."""
    with current().at_work():
        came_from = (await current().database.run(Session.get_one, Publication, publication_id)).origin
        with (
            coming_from(came_from),
            tracing.continued(came_from),
            tracing.span("job publish", publication=publication_id),
            logs.about(**came_from, job=DBOS.workflow_id or "", publication=publication_id),
        ):
            await carry_out(publication_id)


@DBOS.step()
async def carry_out(publication_id: str) -> None:
    """One step, safe to run again: the journal says where it stood."""
    async with take_up(current(), publication_id) as held:
        if held is None:
            return
        try:
            await _attempts(held)
        except Exception as error:  # noqa: BLE001 - the worker's edge: whatever it was, the journal says how it ended
            await end(held, error)
        if await held.state() == State.UNCERTAIN:
            await settle(held)
        logger.bind(state=await held.state()).info("publication_left")


async def _attempts(held: Held) -> None:
    state = await held.state()
    if state == State.SUBMITTING:
        raise UncertainError("The process ended between the click and the marketplace's answer.")
    if state == State.UNCERTAIN:
        return

    @retry_publish_operation()
    async def attempt() -> None:
        await _attempt(held)

    await attempt()


async def _attempt(held: Held) -> None:
    """One try, from a fresh form to proof. One attempt, one status in the metrics; a dry run publishes nothing."""
    with tracing.span("attempt"):
        await _one_attempt(held)


async def _one_attempt(held: Held) -> None:
    job = await held.run(_begin, held)
    logger.bind(account=job.account_id, mode=job.mode, route=job.route).info("attempt_begun")
    try:
        if job.mode == "dry_run":
            outcome = await _put(held, job)
            await held.move(State.REHEARSED)
        else:
            with _measured(held, job):
                outcome = await _to_proof(held, job)
    except RetryableVintedError as error:
        if await held.state() == State.SUBMITTING:  # never tried again by itself
            raise AfterTheClick(error) from error
        raise
    await _keep_picture(held, outcome.screenshot)


async def _to_proof(held: Held, job: Job) -> Outcome:
    """Submits, and writes the proof down. Whatever leaves the result unknown is raised as UncertainError, since whoever
    settles that counts the attempt."""
    try:
        outcome = await _put(held, job)
        await held.run(_confirm, held, job, outcome)
    except Exception as error:
        ending = end_of(await held.state(), error)
        if ending is None or ending[0] is not State.UNCERTAIN or isinstance(error, UncertainError):
            raise
        _log_crash(error)
        raise UncertainError(str(ending[2])) from error
    return outcome


def _measured(held: Held, job: Job) -> AbstractContextManager[None]:
    return metrics.measured_publication(job.user_id, lambda: held.waited, no_end=(NotItsTurn,))


def _begin(session: Session, held: Held) -> Job:
    publication = session.get_one(Publication, held.publication_id)
    if not held.fresh:
        journal.move(session, publication.id, State.PREPARING, holder=held.claim, attempts=publication.attempts + 1)
    held.fresh, held.waited = False, 0.0
    job = job_of(session, held.parts, publication)
    publication.sheet, publication.step = dict(summary(job.sheet)), "opening"
    return job


async def _put(held: Held, job: Job) -> Outcome:
    async def progress(step: str) -> None:
        await held.remember(step=step)

    async def before_submit(filled: Filled) -> Permit:
        await _filled(held, filled)
        return await _point_of_no_return(held, filled)

    outcome = await held.parts.routes[job.route].put(
        job.account,
        job.sheet,
        job.mode,
        before_submit=before_submit,
        progress=progress,
        ask_owner=partial(ask_owner, held, job),
        evidence=held.parts.evidence / held.publication_id,
    )
    if job.mode == "dry_run":
        await _filled(held, Filled(outcome.screenshot))
    return outcome


async def ask_owner(held: Held, job: Job, page: OpenPage) -> None:
    """The publication waits for its owner on the open page, in whose session the account is stuck; then it goes on."""
    trouble = ChallengeRaised(
        f"The marketplace shows a challenge ({page.challenge}). Solve it in the live view: the publication goes on.",
        challenge=page.challenge,
    )
    await held.run(_wait_for_owner, held, trouble)
    began = boot_clock()
    await wait_for_owner(
        held.parts.live,
        job.user_id,
        held.publication_id,
        page,
        still_wanted=held.is_still_ours,
        limit=held.parts.patience.owner,
    )
    held.waited += boot_clock() - began
    await held.run(_go_on, held, job)


def _wait_for_owner(session: Session, held: Held, trouble: ChallengeRaised) -> None:
    publication = journal.move(
        session,
        held.publication_id,
        State.NEEDS_PERSON,
        holder=held.claim,
        keep_claim=True,
        detail={"code": trouble.code, "challenge": trouble.challenge},
        error_code=trouble.code,
        error=str(trouble),
    )
    standing.note_trouble(session, publication.user_id, publication.account_id, trouble)
    tell(session, publication)


def _go_on(session: Session, held: Held, job: Job) -> None:
    journal.move(session, held.publication_id, State.PREPARING, holder=held.claim, error=None, error_code=None)
    standing.note_solved(session, job.user_id, job.account_id)


async def _point_of_no_return(held: Held, filled: Filled) -> Permit:
    """Commits `submitting` as soon as the account's limit allows. Raises NotItsTurn when that is far off."""
    detail = {"listings_before": list(filled.listings_before), "by": runs.this_run()}
    while True:
        permit = Permit(boot_clock() + held.parts.patience.click_within)
        free = await held.run(queue.submit, held.publication_id, held.claim, detail)
        if free is None:
            return permit
        wait = (free - await held.run(clock)).total_seconds()
        if wait > LONGEST_PAUSE:
            raise NotItsTurn(f"The account's limit is reached until {free:%H:%M} UTC.")
        await held.remember(step="limit")
        await pause(min(max(wait, 0.05), 5.0))  # in short steps: a cancel shows at the next


async def _filled(held: Held, filled: Filled) -> None:
    await held.move(State.FILLED, detail={"read_back": dict(filled.read_back)})
    await _keep_picture(held, filled.screenshot)


async def _keep_picture(held: Held, screenshot: bytes) -> None:
    """Shows what the page looked like, in place of the picture before. A disk that can't take the picture must not undo
    what it shows."""
    if not screenshot:
        return
    try:
        key = await asyncio.to_thread(held.parts.store.put, screenshot, ".jpg")
        before = await held.run(_remember_picture, held.publication_id, key)
        if before is not None and before != key:
            await asyncio.to_thread(delete_unnamed, held.parts.database, held.parts.store, {before})
    except VintedBotError as error:
        logger.warning("picture_not_kept: {}", error)


def _remember_picture(session: Session, publication_id: str, key: str) -> str | None:
    """Returns the key of the picture before."""
    publication = session.get_one(Publication, publication_id)
    before, publication.screenshot_key = publication.screenshot_key, key
    return before


def _confirm(session: Session, held: Held, job: Job, outcome: Outcome) -> None:
    differences = [{"field": d.field, "sent": d.sent, "found": d.found} for d in outcome.differences]
    confirmed = journal.move(
        session,
        held.publication_id,
        State.CONFIRMED_WITH_DIFFERENCES if differences else State.CONFIRMED,
        holder=held.claim,
        detail={"listing": outcome.listing_id, "differences": differences},
        listing_id=outcome.listing_id,
        listing_url=outcome.listing_url,
        differences=differences,
        step="done",
        error=None,
        error_code=None,
    )
    standing.note_success(session, job.user_id, job.account_id)
    tell(session, confirmed)


async def end(held: Held, error: Exception) -> None:
    """Writes down how it ended, or whom it waits for."""
    _log_crash(error)
    try:
        await held.run(_write_end, held, error)
    except Conflict as moved:
        logger.info("publication_moved: {}", moved)


def _log_crash(error: Exception) -> None:
    if not isinstance(error, VintedBotError):
        logger.opt(exception=error).error("publication_crashed")


def _write_end(session: Session, held: Held, error: Exception) -> None:
    publication = session.get_one(Publication, held.publication_id)
    if publication.claim != held.claim:
        return
    trouble = error.cause if isinstance(error, AfterTheClick) else error
    standing.note_trouble(session, publication.user_id, publication.account_id, trouble)
    ending = end_of(State(publication.state), error)
    if ending is None:
        queue.page_is_gone(session, publication.id, held.claim)
        return
    state, code, told = ending
    again: dict[str, Any] = {"run": publication.run + 1, "attempts": 0} if state is State.QUEUED else {}
    moved = journal.move(
        session, publication.id, state, holder=held.claim, detail={"code": code, "error": told},
        error_code=code, error=told, **again,
    )  # fmt: skip
    tell(session, moved)
