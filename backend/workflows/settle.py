"""Settling an uncertain click: by the listing it made, by proof that it made none, or by asking a person.

Owns what follows from a verdict of `reconcile.py`, the read-back of a listing found so included. Clicks nothing.
"""

from decimal import Decimal
from typing import Any, cast

from sqlmodel import Session

from backend.accounts import standing
from backend.core import metrics
from backend.core.errors import Conflict, VintedBotError
from backend.core.operator_metrics import publish_settled_total
from backend.db.models import Publication
from backend.marketplace.port import Mode
from backend.publications import journal
from backend.publications.journal import UNCERTAIN_CODE, State
from backend.publications.service import events_of
from backend.workflows.held import Held
from backend.workflows.job import job_of, session_of
from backend.workflows.reconcile import Sent, Verdict, reconcile
from backend.workflows.telling import tell

MOST_DOUBTS = 3
"""So often may a click get lost before a person is asked, even where nothing was stored."""


async def settle(held: Held) -> None:
    """Ends the uncertainty. A publication that was moved meanwhile is left alone."""
    publication, sent, doubts = await held.run(_in_doubt, held.publication_id)
    try:
        account = await held.run(session_of, held.parts, publication)
        verdict = await reconcile(
            held.parts.routes[publication.route], account, sent, looks_after=held.parts.patience.looks_after
        )
    except VintedBotError as error:
        verdict = Verdict("unsure", reason=str(error))
        await held.run(standing.note_trouble, publication.user_id, publication.account_id, error)
    try:
        await _conclude(held, publication, verdict, doubts)
    except Conflict:
        return
    metrics.count_settled(publication.user_id, found=verdict.kind == "adopt")
    publish_settled_total.labels(verdict=verdict.kind).inc()


async def _conclude(held: Held, publication: Publication, verdict: Verdict, doubts: int) -> None:
    detail: dict[str, Any] = {"verdict": verdict.kind, "candidates": verdict.shown, "reason": verdict.reason}
    if verdict.listing_id is not None:
        await _adopt(held, publication, verdict.listing_id, detail)
    elif verdict.kind == "absent" and doubts < MOST_DOUBTS:
        await held.move(State.QUEUED, detail=detail, attempts=0, run=publication.run + 1, error=None, error_code=None)
    else:
        why = verdict.reason or "it was lost several times, and nothing was stored"
        told = (
            f"The click may have made a listing ({why}). Look at the account's listings, then adopt it by its id, "
            "retry if none is there, or give up."
        )
        await held.run(_ask_a_person, held, detail, told)


def _ask_a_person(session: Session, held: Held, detail: dict[str, Any], told: str) -> None:
    asked = journal.move(
        session, held.publication_id, State.NEEDS_PERSON, holder=held.claim, detail=detail,
        error=told, error_code=UNCERTAIN_CODE,
    )  # fmt: skip
    tell(session, asked)


async def _adopt(held: Held, publication: Publication, listing_id: str, detail: dict[str, Any]) -> None:
    """The listing is found: what does it hold?"""
    differences = await _read_back(held, publication, listing_id)
    route = held.parts.routes[publication.route]

    def write(session: Session) -> None:
        account = session_of(session, held.parts, publication)
        found = journal.move(
            session,
            publication.id,
            State.RECONCILED,
            holder=held.claim,
            detail={**detail, "differences": differences},
            listing_id=listing_id,
            listing_url=route.listing_url(account, listing_id, cast(Mode, publication.mode)),
            differences=differences,
            error=None,
            error_code=None,
        )
        standing.note_success(session, publication.user_id, publication.account_id)
        tell(session, found)

    await held.run(write)


async def _read_back(held: Held, publication: Publication, listing_id: str) -> list[dict[str, str]]:
    try:
        job = await held.run(job_of, held.parts, publication)
        shown = await held.run(_shown_before_the_click, publication)
        found = await held.parts.routes[publication.route].read_back(job.account, job.sheet, shown, listing_id)
    except VintedBotError as error:
        return [{"field": "read_back", "sent": "every field", "found": f"could not be read: {error}"}]
    return [{"field": d.field, "sent": d.sent, "found": d.found} for d in found]


def _shown_before_the_click(session: Session, publication: Publication) -> dict[str, str]:
    events = events_of(session, publication.user_id, publication.id)
    shown: dict[str, str] = next(e.detail["read_back"] for e in reversed(events) if e.state == State.FILLED)
    return shown


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
