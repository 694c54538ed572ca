"""Settling an uncertain click: by the listing it made, by proof that it made none, or by asking a person.

Owns what follows from a verdict of `reconcile.py`, the read-back of a listing found so included. Clicks nothing.
"""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from loguru import logger
from sqlmodel import Session

from backend.accounts import standing
from backend.core import metrics, runs
from backend.core.errors import Conflict, SetupError, VintedBotError
from backend.core.modes import Mode
from backend.core.operator_metrics import publish_settled_total
from backend.core.redaction import hide
from backend.db.models import Publication
from backend.publications import journal
from backend.publications.journal import UNCERTAIN_CODE, State
from backend.publications.service import events_of, listing_ids
from backend.workflows.held import Held
from backend.workflows.job import job_of, place_of, session_of
from backend.workflows.reconcile import Sent, Verdict, reconcile
from backend.workflows.telling import tell

MOST_DOUBTS = 3
"""So often may a click get lost before a person is asked, even where nothing was stored."""


async def settle(held: Held) -> None:
    """Ends the uncertainty. A publication that was moved meanwhile is left alone."""
    publication = await held.row()
    try:
        verdict = await _find_out_and_conclude(held, publication)
    except Conflict:
        return
    metrics.count_settled(publication.user_id, found=verdict.kind == "adopt")
    publish_settled_total.labels(verdict=verdict.kind).inc()


async def _find_out_and_conclude(held: Held, publication: Publication) -> Verdict:
    verdict = Verdict("unsure", reason="nobody looked")
    try:
        sent, doubts, clicker = await held.run(_in_doubt, publication)
        verdict = await _find_out(held, publication, sent, clicker)
        await _conclude(held, publication, verdict, doubts)
    except (Conflict, SetupError):
        raise  # somebody moved it; or our tables are out of reach, and whoever takes it up again finds it as it is
    except Exception as error:  # noqa: BLE001 - left in doubt it would be taken up again, and visit the site, for ever
        logger.opt(exception=error).error("settling_crashed")
        return await _leave_to_a_person(held, verdict, error)
    return verdict


async def _leave_to_a_person(held: Held, found: Verdict, error: Exception) -> Verdict:
    """Written down by itself, and told then: the telling may be what failed."""
    seen = f", after it had seen the listing {found.listing_id}" if found.listing_id else ""
    why = hide(f"something unforeseen happened{seen}: {error!r}")
    verdict = Verdict("unsure", candidates=found.candidates, reason=why)
    await held.run(tell, await held.move(State.NEEDS_PERSON, **_asking(verdict)))
    return verdict


async def _find_out(held: Held, publication: Publication, sent: Sent, clicker: Mapping[str, str] | None) -> Verdict:
    """Looks, once whoever clicked can't send any more: what is absent now might come when a frozen process wakes."""
    try:
        over = clicker is None or await asyncio.to_thread(runs.silence, clicker)
        account = await held.run(session_of, held.parts, publication)
        route = held.parts.routes[publication.route]
        found = await reconcile(route, account, sent, looks_after=held.parts.patience.looks_after)
    except VintedBotError as error:
        await held.run(standing.note_trouble, publication.user_id, publication.account_id, error)
        return Verdict("unsure", reason=str(error))
    if found.kind == "absent" and not over:
        return Verdict("unsure", reason="it is not there, but the other machine that clicked may still be sending")
    return found


async def _conclude(held: Held, publication: Publication, verdict: Verdict, doubts: int) -> None:
    if verdict.listing_id is not None:
        await _adopt(held, publication, verdict.listing_id, _detail(verdict))
    elif verdict.kind == "absent" and doubts < MOST_DOUBTS:
        again: dict[str, Any] = {"attempts": 0, "run": publication.run + 1, "error": None, "error_code": None}
        await held.move(State.QUEUED, detail=_detail(verdict), **again)
    else:
        await held.run(_ask_a_person, held, verdict)


def _detail(verdict: Verdict) -> dict[str, Any]:
    return {"verdict": verdict.kind, "candidates": verdict.shown, "reason": verdict.reason}


def _asking(verdict: Verdict) -> dict[str, Any]:
    """How the row stands while a person is asked."""
    why = verdict.reason or "it was lost several times, and nothing was stored"
    told = (
        f"The click may have made a listing ({why}). Look at the account's listings, then adopt it by its id, "
        "retry if none is there, or give up."
    )
    return {"detail": _detail(verdict), "error": told, "error_code": UNCERTAIN_CODE}


def _ask_a_person(session: Session, held: Held, verdict: Verdict) -> None:
    asked = journal.move(session, held.publication_id, State.NEEDS_PERSON, holder=held.claim, **_asking(verdict))
    tell(session, asked)


async def _adopt(held: Held, publication: Publication, listing_id: str, detail: dict[str, Any]) -> None:
    """The listing is found: what does it hold?"""
    differences = await _read_back(held, publication, listing_id)
    route = held.parts.routes[publication.route]

    def write(session: Session) -> None:
        place = place_of(session, publication)
        found = journal.move(
            session,
            publication.id,
            State.RECONCILED,
            holder=held.claim,
            detail={**detail, "differences": differences},
            listing_id=listing_id,
            listing_url=route.listing_url(place, listing_id, cast(Mode, publication.mode)),
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


def _in_doubt(session: Session, publication: Publication) -> tuple[Sent, int, Mapping[str, str] | None]:
    """What was sent, how often its result was unknown so far, and the run that clicked (None: an older version's)."""
    events = events_of(session, publication.user_id, publication.id)
    click = next(e.detail for e in reversed(events) if e.state == State.SUBMITTING)
    known = frozenset(click["listings_before"]) | listing_ids(session, publication.user_id, publication.account_id)
    sheet = publication.sheet
    sent = Sent(sheet["title"], Decimal(sheet["price"]), sheet["photos"], publication.mode == "draft", known)
    return sent, sum(e.state == State.UNCERTAIN for e in events), click.get("by")
