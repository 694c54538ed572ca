"""The `publish` workflow: carries one publication out through its journal.

Retries belong before the click and end there: `submitting` is committed by `before_submit`, and from then on an
unknown result is `uncertain`, never tried again. Owns the mapping from what a route raises to the journal's
states and to the metrics. Owns no form and no transition rule.
"""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from dbos import DBOS
from loguru import logger
from sqlmodel import Session

from backend.accounts import service as accounts
from backend.core import metrics
from backend.core.errors import (
    ChallengeRaised,
    Conflict,
    NeedsPersonError,
    PermanentError,
    RetryableVintedError,
    UncertainError,
    VintedBotError,
)
from backend.core.retry_utils import retry_publish_operation
from backend.db.models import Account, Draft, Publication
from backend.drafts import service as drafts
from backend.marketplace.port import AccountSession, Filled, ListingSheet, Mode, Outcome
from backend.publications import journal
from backend.publications.journal import State
from backend.publications.service import remember
from backend.workflows.parts import Parts, current
from backend.workflows.sheet import summary, to_sheet

WORKFLOW = "publish"


def job_id(publication_id: str, run: int) -> str:
    """The engine's id for this round of the publication."""
    return f"{publication_id}-{run}"


@dataclass(frozen=True)
class Job:
    """One publication with all a route needs."""

    publication_id: str
    user_id: str
    route: str
    mode: Mode
    account: AccountSession
    sheet: ListingSheet


@DBOS.workflow(name=WORKFLOW)
async def publish(publication_id: str) -> str:
    """Runs the publication until it has ended or waits for somebody. Returns its state."""
    return await carry_out(publication_id)


@DBOS.step()
async def carry_out(publication_id: str) -> str:
    """One step, safe to run again: the journal says where it stood."""
    parts = current()
    try:
        await _attempts(parts, publication_id)
    except Conflict as error:
        if error.code != "journal_moved":
            await _end(parts, publication_id, error)
        # moved: somebody cancelled it, or another process has it; the journal tells which
    except VintedBotError as error:
        await _end(parts, publication_id, error)
    except Exception as error:  # noqa: BLE001 - the worker's edge: a fault of ours must not leave it hanging
        logger.bind(publication=publication_id).exception("publication_crashed")
        submitted = await _has_submitted(parts, publication_id)
        kind = UncertainError if submitted else PermanentError
        await _end(parts, publication_id, kind(f"Something unforeseen happened: {error!r}", code="internal"))
    publication = await parts.database.run(Session.get_one, Publication, publication_id)
    logger.bind(publication=publication_id).info("publication_{}", publication.state)
    return publication.state


async def _attempts(parts: Parts, publication_id: str) -> None:
    publication = await parts.database.run(Session.get_one, Publication, publication_id)
    if publication.state not in journal.RUNNING:
        return
    if publication.state == State.SUBMITTING:
        raise UncertainError(
            "The process ended between the click and the marketplace's answer. Look at the account's listings: "
            "adopt the listing if it is there, or give up."
        )

    @retry_publish_operation()
    async def attempt() -> None:
        await _attempt(parts, publication_id)

    await attempt()


async def _attempt(parts: Parts, publication_id: str) -> None:
    """One try, from a fresh form to proof. One attempt, one status in the metrics; a dry run publishes nothing."""
    job = await parts.database.run(_begin, parts, publication_id)
    try:
        with nullcontext() if job.mode == "dry_run" else metrics.measured_publication(job.user_id):
            outcome = await _put(parts, job)
    except ChallengeRaised as error:
        metrics.captcha_detected_total.labels(type=metrics.challenge_type(error.challenge)).inc()
        raise
    except RetryableVintedError as error:
        if await _has_submitted(parts, publication_id):
            raise _refused_after_click(error) from error
        raise
    await parts.database.run(_confirm, job, outcome, await _keep_picture(parts, outcome.screenshot))


def _begin(session: Session, parts: Parts, publication_id: str) -> Job:
    publication = session.get_one(Publication, publication_id)
    journal.move(session, publication_id, State.PREPARING, attempts=publication.attempts + 1)
    draft = session.get_one(Draft, publication.draft_id)
    if draft.revision != publication.draft_revision:
        raise PermanentError(
            "The draft was changed after this publication was asked for. Publish its present revision instead.",
            code="stale_revision",
        )
    account = session.get_one(Account, publication.account_id)
    photos = [parts.store.path(p.store_key) for p in drafts.photos_of(session, draft) if p.store_key]
    sheet = to_sheet(drafts.listing_of(session, draft), photos)
    remember(session, publication_id, sheet=dict(summary(sheet)), step="opening")
    state = accounts.open_session(account, parts.vault)
    kept = partial(_keep_session, parts, publication.user_id, account.id)
    mode: Any = publication.mode
    return Job(
        publication_id,
        publication.user_id,
        publication.route,
        mode,
        AccountSession(account.base_url, account.username, state, account.language, keep=kept),
        sheet,
    )


async def _keep_session(parts: Parts, user_id: str, account_id: str, state: Mapping[str, Any]) -> None:
    await parts.database.run(accounts.keep_session, parts.vault, account_id, user_id, state)


async def _put(parts: Parts, job: Job) -> Outcome:
    async def progress(step: str) -> None:
        await parts.database.run(remember, job.publication_id, step=step)

    async def before_submit(filled: Filled) -> None:
        await _filled(parts, job, filled)
        await parts.database.run(journal.move, job.publication_id, State.SUBMITTING)

    outcome = await parts.routes[job.route].put(
        job.account, job.sheet, job.mode, before_submit=before_submit, progress=progress
    )
    if job.mode == "dry_run":
        await _filled(parts, job, Filled(outcome.screenshot))
    return outcome


async def _filled(parts: Parts, job: Job, filled: Filled) -> None:
    picture = await _keep_picture(parts, filled.screenshot)
    detail = {"read_back": dict(filled.read_back)}
    await parts.database.run(journal.move, job.publication_id, State.FILLED, detail=detail, **picture)


async def _keep_picture(parts: Parts, screenshot: bytes) -> dict[str, str]:
    """The column that names the stored picture; a page that gave none keeps the one before."""
    if not screenshot:
        return {}
    return {"screenshot_key": await asyncio.to_thread(parts.store.put, screenshot, ".jpg")}


def _confirm(session: Session, job: Job, outcome: Outcome, picture: Mapping[str, str]) -> None:
    if job.mode == "dry_run":
        journal.move(session, job.publication_id, State.REHEARSED)
        return
    differences = [{"field": d.field, "sent": d.sent, "found": d.found} for d in outcome.differences]
    journal.move(
        session,
        job.publication_id,
        State.CONFIRMED,
        detail={"listing": outcome.listing_id, "differences": differences},
        listing_id=outcome.listing_id,
        listing_url=outcome.listing_url,
        differences=differences,
        step="done",
        **picture,
    )


async def _has_submitted(parts: Parts, publication_id: str) -> bool:
    publication = await parts.database.run(Session.get_one, Publication, publication_id)
    return publication.state == State.SUBMITTING


def _refused_after_click(error: RetryableVintedError) -> PermanentError:
    """The marketplace's explicit refusal of the submission: surely nothing stored, and not tried again by itself."""
    return PermanentError(f"The marketplace refused the submission: {error}. Publish again later.", code=error.code)


async def _end(parts: Parts, publication_id: str, error: VintedBotError) -> None:
    """Writes down how it ended, or whom it waits for."""
    state = {
        "needs_person": State.NEEDS_PERSON,
        "uncertain": State.UNCERTAIN,
        "retryable": State.FAILED,
        "permanent": State.FAILED,
    }[error.kind]
    await parts.database.run(_write_end, publication_id, state, error)


def _write_end(session: Session, publication_id: str, state: State, error: VintedBotError) -> None:
    publication = journal.move(
        session,
        publication_id,
        state,
        detail={"code": error.code, "error": str(error)},
        error_code=error.code,
        error=str(error),
    )
    if isinstance(error, NeedsPersonError):
        account_state = error.code if error.code != "session_missing" else "no_session"
        accounts.set_state(session, publication.user_id, publication.account_id, account_state)
