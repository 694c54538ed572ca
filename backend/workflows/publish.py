"""The `publish` workflow: carries one publication out through its journal.

Retries belong before the click and end there: `submitting` is committed by `before_submit`, and from then on an
unknown result is `uncertain`, never tried again. Owns the mapping from what a route raises to the journal's
states and to the metrics. Owns no form and no transition rule.
"""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

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
from backend.marketplace.port import AccountSession, Filled, ListingSheet, Mode, Outcome, Permit, boot_clock
from backend.publications import journal
from backend.publications.journal import State
from backend.publications.service import UNCERTAIN_CODE, events_of, remember
from backend.workflows.ends import AfterTheClick, end_of
from backend.workflows.parts import Parts, current
from backend.workflows.reconcile import Sent, Verdict, reconcile
from backend.workflows.sheet import summary, to_sheet

WORKFLOW = "publish"
CLICK_WITHIN = 10.0
MOST_DOUBTS = 3
"""So often may a click get lost before a person is asked, even where nothing was stored."""


def job_id(publication: Publication) -> str:
    """The engine's id for this round of the publication. It begins with the time it was asked for: the engine orders
    jobs of the same second by their ids, and a seller's listings should appear in the order sent."""
    return f"{int(publication.created_at.timestamp() * 1000):012x}-{publication.id}-{publication.run}"


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
    with current().at_work():
        return await carry_out(publication_id)


@DBOS.step()
async def carry_out(publication_id: str) -> str:
    """One step, safe to run again: the journal says where it stood."""
    parts = current()
    while True:
        await _round(parts, publication_id)
        state = (await _row(parts, publication_id)).state
        if state != State.QUEUED:  # queued again: surely nothing was stored, so it may be tried again
            break
    logger.bind(publication=publication_id).info("publication_{}", state)
    return state


async def _round(parts: Parts, publication_id: str) -> None:
    """Attempts up to the click and, where its result is unknown, the look for what it made."""
    try:
        await _attempts(parts, publication_id)
    except Exception as error:  # noqa: BLE001 - the worker's edge: whatever it was, the journal says how it ended
        await _end(parts, publication_id, error)
    if (await _row(parts, publication_id)).state == State.UNCERTAIN:
        await _settle(parts, publication_id)


async def _attempts(parts: Parts, publication_id: str) -> None:
    state = (await _row(parts, publication_id)).state
    if state == State.SUBMITTING:
        raise UncertainError("The process ended between the click and the marketplace's answer.")
    if state not in (State.QUEUED, State.PREPARING, State.FILLED):
        return

    @retry_publish_operation()
    async def attempt() -> None:
        await _attempt(parts, publication_id)

    await attempt()


async def _row(parts: Parts, publication_id: str) -> Publication:
    return await parts.database.run(Session.get_one, Publication, publication_id)


async def _settle(parts: Parts, publication_id: str) -> None:
    """Ends an uncertainty: by the listing found, by proof that there is none, or by asking a person."""
    publication, sent, doubts = await parts.database.run(_in_doubt, publication_id)
    try:
        account = await parts.database.run(_session_of, parts, publication)
        verdict = await reconcile(parts.routes[publication.route], account, sent)
    except VintedBotError as error:
        verdict = Verdict("unsure", reason=str(error))
        await parts.database.run(_note_account, publication, error)
    detail: dict[str, Any] = {"verdict": verdict.kind, "candidates": verdict.shown, "reason": verdict.reason}

    async def move(to: State, **columns: Any) -> None:
        await parts.database.run(journal.move, publication_id, to, detail=detail, **columns)
        metrics.count_settled(publication.user_id, found=to == State.RECONCILED)

    if verdict.listing_id is not None:
        url = parts.routes[publication.route].listing_url(account, verdict.listing_id, _mode(publication))
        found = {"listing_id": verdict.listing_id, "listing_url": url}
        await move(State.RECONCILED, **found, error=None, error_code=None)
    elif verdict.kind == "absent" and doubts < MOST_DOUBTS:
        await move(State.QUEUED, attempts=0, error=None, error_code=None)
    else:
        why = verdict.reason or "it was lost several times, and nothing was stored"
        told = (
            f"The click may have made a listing ({why}). Look at the account's listings, then adopt it by its id, "
            "retry if none is there, or give up."
        )
        await move(State.NEEDS_PERSON, error=told, error_code=UNCERTAIN_CODE)


def _in_doubt(session: Session, publication_id: str) -> tuple[Publication, Sent, int]:
    """The publication as it was sent, and how often its result was unknown so far."""
    publication = session.get_one(Publication, publication_id)
    events = events_of(session, publication.user_id, publication_id)
    before = next(e.detail["listings_before"] for e in reversed(events) if e.state == State.SUBMITTING)
    sheet = publication.sheet
    sent = Sent(
        sheet["title"], Decimal(sheet["price"]), sheet["photos"], publication.mode == "draft", frozenset(before)
    )
    return publication, sent, sum(e.state == State.UNCERTAIN for e in events)


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
        if (await _row(parts, publication_id)).state == State.SUBMITTING:  # never tried again by itself
            raise AfterTheClick(error) from error
        raise
    await parts.database.run(_confirm, job, outcome)
    await _keep_picture(parts, publication_id, outcome.screenshot)


def _begin(session: Session, parts: Parts, publication_id: str) -> Job:
    publication = session.get_one(Publication, publication_id)
    journal.move(session, publication_id, State.PREPARING, attempts=publication.attempts + 1)
    job = _job(session, parts, publication)
    remember(session, publication_id, sheet=dict(summary(job.sheet)), step="opening")
    return job


def _job(session: Session, parts: Parts, publication: Publication) -> Job:
    draft = session.get_one(Draft, publication.draft_id)
    if draft.state == "discarded":
        raise PermanentError("The draft was discarded after this publication was asked for.", code="draft_discarded")
    if draft.revision != publication.draft_revision:
        raise PermanentError(
            "The draft was changed after this publication was asked for. Publish its present revision instead.",
            code="stale_revision",
        )
    photos = [parts.store.path(p.store_key) for p in drafts.photos_of(session, draft) if p.store_key]
    sheet = to_sheet(drafts.listing_of(session, draft), photos)
    account = _session_of(session, parts, publication)
    return Job(publication.id, publication.user_id, publication.route, _mode(publication), account, sheet)


def _mode(publication: Publication) -> Mode:
    return cast(Mode, publication.mode)


def _session_of(session: Session, parts: Parts, publication: Publication) -> AccountSession:
    """The account to act as. Raises SessionMissing or SessionExpired with the way out."""
    account = session.get_one(Account, publication.account_id)
    state = accounts.open_session(account, parts.vault)
    keep = _SessionKeeper(parts, publication.user_id, account.id, account.session).keep
    return AccountSession(account.base_url, account.username, state, account.language, keep=keep)


class _SessionKeeper:
    """Stores the session a browser leaves, unless its owner has signed in anew meanwhile."""

    def __init__(self, parts: Parts, user_id: str, account_id: str, known: bytes | None) -> None:
        self._parts, self._user_id, self._account_id, self._known = parts, user_id, account_id, known

    async def keep(self, state: Mapping[str, Any]) -> None:
        self._known = await self._parts.database.run(
            accounts.keep_session, self._parts.vault, self._user_id, self._account_id, state, instead_of=self._known
        )


async def _put(parts: Parts, job: Job) -> Outcome:
    async def progress(step: str) -> None:
        await parts.database.run(remember, job.publication_id, step=step)

    async def before_submit(filled: Filled) -> Permit:
        await _filled(parts, job, filled)
        detail = {"listings_before": list(filled.listings_before)}
        permit = Permit(boot_clock() + CLICK_WITHIN)
        await parts.database.run(journal.move, job.publication_id, State.SUBMITTING, detail=detail)
        return permit

    outcome = await parts.routes[job.route].put(
        job.account, job.sheet, job.mode, before_submit=before_submit, progress=progress
    )
    if job.mode == "dry_run":
        await _filled(parts, job, Filled(outcome.screenshot))
    return outcome


async def _filled(parts: Parts, job: Job, filled: Filled) -> None:
    detail = {"read_back": dict(filled.read_back)}
    await parts.database.run(journal.move, job.publication_id, State.FILLED, detail=detail)
    await _keep_picture(parts, job.publication_id, filled.screenshot)


async def _keep_picture(parts: Parts, publication_id: str, screenshot: bytes) -> None:
    """Shows what the page looked like. A disk that can't take the picture must not undo what it shows."""
    if not screenshot:
        return
    try:
        key = await asyncio.to_thread(parts.store.put, screenshot, ".jpg")
        await parts.database.run(remember, publication_id, screenshot_key=key)
    except VintedBotError as error:
        logger.bind(publication=publication_id).warning("picture_not_kept: {}", error)


def _confirm(session: Session, job: Job, outcome: Outcome) -> None:
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
    )


async def _end(parts: Parts, publication_id: str, error: Exception) -> None:
    """Writes down how it ended, or whom it waits for."""
    if not isinstance(error, VintedBotError):
        logger.bind(publication=publication_id).opt(exception=error).error("publication_crashed")
    try:
        await parts.database.run(_write_end, publication_id, error)
    except Conflict as moved:
        logger.bind(publication=publication_id).info("publication_moved: {}", moved)


def _write_end(session: Session, publication_id: str, error: Exception) -> None:
    publication = session.get_one(Publication, publication_id)
    _note_account(session, publication, error)
    end = end_of(State(publication.state), error)
    if end is not None:
        state, code, told = end
        journal.move(session, publication_id, state, detail={"code": code, "error": told}, error_code=code, error=told)


def _note_account(session: Session, publication: Publication, error: Exception) -> None:
    """Remembers of the account what only its owner can mend."""
    if isinstance(error, NeedsPersonError):
        state = "no_session" if error.code == "session_missing" else error.code
        accounts.set_state(session, publication.user_id, publication.account_id, state)
