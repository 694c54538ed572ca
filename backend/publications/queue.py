"""The queue: which publication begins next, and why the others wait.

Owns the order of an account's line, the checks under the account's lock before a start and once more at the click, and
the hard limit, counted in the journal; that the draft is still the one that was asked for, and that nobody else is at
an account meanwhile. Owns no pace (`core/pacing.py`) and no job: `workflows/engine.py` asks here what is due.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlmodel import Session, col, or_, select

from backend.core.errors import Conflict, NotFound, PermanentError
from backend.core.pacing import hold
from backend.db import audit
from backend.db.engine import clock
from backend.db.models import Account, Draft, Publication, PublicationEvent
from backend.db.scope import get_owned, owned
from backend.preferences import pace_of
from backend.publications import journal
from backend.publications.journal import State

WaitCode = Literal["paused", "account", "stopped", "under_way", "ahead", "scheduled", "minute", "day", "gap", "quiet"]
READY = "ready"
_COUNTED = timedelta(hours=26)
"""A day's budget counts from local midnight, on the longest day of the year too."""
_VISIT = timedelta(minutes=3)
"""A look that is not heard of for so long has died with its process."""


class NotItsTurn(PermanentError):
    """The account's limit was reached, or the account paused, meanwhile: back to the queue, nothing was clicked."""

    code = "not_its_turn"


@dataclass(frozen=True)
class Waiting:
    """Why a queued publication has not begun. `until` is when that ends by itself, None where it doesn't or nobody can
    tell. `paused` and `account` are for the owner to end."""

    code: WaitCode
    until: datetime | None = None

    @property
    def is_brief(self) -> bool:
        """Whether it is a matter of a minute or two."""
        return self.code in ("minute", "gap", "ahead", "under_way")


def due(session: Session) -> list[Publication]:
    """Everybody's publications that may begin now: at most one an account."""
    now = clock(session)
    first: list[Publication] = []
    for account, line in _lines(session, select(Publication)):
        reasons = _reasons(session, account, line, now)
        first += [row for row in line if reasons[row.id] is None]
    return first


def waiting(session: Session, user_id: str) -> dict[str, Waiting]:
    """Why each of the user's queued publications waits; one that is about to begin is left out."""
    now = clock(session)
    found: dict[str, Waiting] = {}
    for account, line in _lines(session, owned(Publication, user_id)):
        reasons = _reasons(session, account, line, now)
        found |= {row: reason for row, reason in reasons.items() if reason is not None}
    return found


def line_of(session: Session, user_id: str, account_id: str | None = None) -> list[Publication]:
    """The queued publications in the order they will begin, account by account."""
    query = owned(Publication, user_id)
    if account_id is not None:
        query = query.where(Publication.account_id == account_id)
    return [row for _, line in _lines(session, query) for row in line]


def begin(session: Session, publication_id: str, claim: str, executor: str) -> Publication | None:
    """Takes the queued publication under way, claimed by this job, if it is still its turn; else None."""
    publication = session.get_one(Publication, publication_id)
    account = _locked(session, publication.account_id)
    line = _line(session, account)
    if _reasons(session, account, line, clock(session)).get(publication_id, Waiting("under_way")) is not None:
        return None
    return journal.move(
        session, publication_id, State.PREPARING, claim=claim, claimed_by=executor, attempts=publication.attempts + 1
    )


def submit(session: Session, publication_id: str, claim: str, detail: Mapping[str, Any]) -> datetime | None:
    """The point of no return: moves to `submitting` under the account's lock, unless the account's limit is reached;
    then nothing changes, and the moment to ask again is returned. Raises Conflict when the claim is lost, NotItsTurn
    when the account was paused, and what `draft_as_asked` does: a challenge, or the limit, may have left its seller
    hours to change the draft."""
    publication = session.get_one(Publication, publication_id)
    account = _locked(session, publication.account_id)
    if account.paused:
        raise NotItsTurn("The account was paused meanwhile.")
    draft_as_asked(session, publication)
    now = clock(session)
    if (held := _pace_hold(session, account, now)) is not None:
        return held.until
    journal.move(session, publication_id, State.SUBMITTING, holder=claim, detail=detail, at=now)
    return None


def draft_as_asked(session: Session, publication: Publication) -> Draft:
    """The publication's draft, which nobody can change until this transaction ends.

    Raises PermanentError (`draft_discarded`, `stale_revision`) where it is no longer what was asked for."""
    query = select(Draft).where(Draft.id == publication.draft_id).with_for_update(read=True)
    draft = session.exec(query.execution_options(populate_existing=True)).one()
    if draft.state == "discarded":
        raise PermanentError("The draft was discarded after this publication was asked for.", code="draft_discarded")
    if draft.revision != publication.draft_revision:
        raise PermanentError(
            "The draft was changed after this publication was asked for. Publish its present revision instead.",
            code="stale_revision",
        )
    return draft


def move_before(session: Session, user_id: str, publication_id: str, other_id: str | None) -> list[Publication]:
    """Puts a queued publication before another of the same account, or at the end. Returns the line as it is then.

    Raises NotFound, and Conflict (`not_queued`) when either has begun meanwhile."""
    publication = get_owned(session, Publication, user_id, publication_id)
    line = _line(session, _locked(session, publication.account_id))
    ids = [row.id for row in line]
    if publication_id not in ids:
        raise Conflict(f"This publication is {publication.state}; only what waits can be moved.", code="not_queued")
    if other_id is not None and other_id not in ids:
        other = get_owned(session, Publication, user_id, other_id)
        if other.account_id != publication.account_id:
            raise NotFound("The other publication is in another account's line.")
        raise Conflict(f"The other publication is {other.state} already.", code="not_queued")
    places = [row.position for row in line]
    order = [row for row in line if row.id != publication_id]
    at = len(order) if other_id in (None, publication_id) else next(n for n, r in enumerate(order) if r.id == other_id)
    order.insert(at if other_id != publication_id else ids.index(publication_id), publication)
    for row, place in zip(order, places, strict=True):
        if row.position != place:
            row.position, row.updated_at = place, clock(session)
    audit.record(session, "publication.moved", user_id, publication_id)
    return order


def reschedule(session: Session, user_id: str, publication_id: str, not_before: datetime | None) -> Publication:
    """Sets or ends the time a queued publication waits for. Raises Conflict (`not_queued`) once it has begun."""
    publication = get_owned(session, Publication, user_id, publication_id)
    _locked(session, publication.account_id)
    session.refresh(publication)
    if publication.state != State.QUEUED:
        raise Conflict(f"This publication is {publication.state}; only what waits has a time.", code="not_queued")
    publication.not_before, publication.updated_at = not_before, clock(session)
    audit.record(session, "publication.rescheduled", user_id, publication_id)
    return publication


def begin_visit(session: Session, user_id: str, account_id: str, *, at_rest_too: bool = False) -> Waiting | datetime:
    """Keeps the account for a look at its marketplace: no publication begins meanwhile. Returns until when, a few
    minutes on, by which the visit is known; or why not, where that can't be now. With `at_rest_too` only what is under
    way there is in its way."""
    account = _locked(session, get_owned(session, Account, user_id, account_id).id)
    now = clock(session)
    held = (_under_way if at_rest_too else _account_hold)(session, account, now)
    if held is not None:
        return held
    account.visiting_until = now + _VISIT
    return account.visiting_until


def go_on_visiting(session: Session, user_id: str, account_id: str, until: datetime) -> datetime:
    """The visit known by `until` takes longer. Raises Conflict (`visit_over`) where it is no longer the account's."""
    account = _locked(session, get_owned(session, Account, user_id, account_id).id)
    if account.visiting_until != until:
        raise Conflict("This look took too long, and another has begun. Look again later.", code="visit_over")
    account.visiting_until = clock(session) + _VISIT
    return account.visiting_until


def end_visit(session: Session, user_id: str, account_id: str, until: datetime) -> None:
    """Lets the account go, if the visit is still the one known by `until`."""
    account = _locked(session, get_owned(session, Account, user_id, account_id).id)
    if account.visiting_until == until:
        account.visiting_until = None


def orphans(session: Session) -> list[Publication]:
    """Everybody's publications under way, or waiting on an open page: candidates whose holder may be gone."""
    table = col(Publication.state)
    held = (table == State.NEEDS_PERSON) & col(Publication.claim).is_not(None)
    return list(session.exec(select(Publication).where(or_(table.in_(journal.UNDER_WAY), held))))


def page_is_gone(session: Session, publication_id: str, claim: str | None) -> None:
    """The process that kept the page open has ended: the publication waits for its owner without one."""
    publication = session.get_one(Publication, publication_id, populate_existing=True)
    if publication.state == State.NEEDS_PERSON and publication.claim == claim:
        publication.claim = publication.claimed_by = None


def _lines(session: Session, query: Any) -> Iterable[tuple[Account, list[Publication]]]:
    """The queued publications of a query by account, each line in its order."""
    in_order = (Publication.account_id, Publication.position, Publication.created_at, Publication.id)
    lines: dict[str, list[Publication]] = {}
    for row in session.exec(query.where(Publication.state == State.QUEUED).order_by(*in_order)):
        lines.setdefault(row.account_id, []).append(row)
    return [(session.get_one(Account, account_id), line) for account_id, line in lines.items()]


def _line(session: Session, account: Account) -> list[Publication]:
    lines = _lines(session, select(Publication).where(Publication.account_id == account.id))
    return next((line for _, line in lines), [])


def _locked(session: Session, account_id: str) -> Account:
    """The account's row, which nobody else can lock meanwhile: one decision at a time about an account."""
    query = select(Account).where(Account.id == account_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def _reasons(
    session: Session, account: Account, line: Sequence[Publication], now: datetime
) -> dict[str, Waiting | None]:
    """Why each in line waits; None for the one that may begin."""
    whole = _account_hold(session, account, now)
    pace = None if whole else _pace_hold(session, account, now)
    taken = False
    reasons: dict[str, Waiting | None] = {}
    for row in line:
        if row.not_before is not None and row.not_before > now:
            reasons[row.id] = Waiting("scheduled", row.not_before)
            continue
        held = whole or (pace if row.mode != "dry_run" else None)
        reasons[row.id] = held if held or not taken else Waiting("ahead")
        taken = True
    return reasons


def _account_hold(session: Session, account: Account, now: datetime) -> Waiting | None:
    if account.paused:
        return Waiting("paused")
    if account.state != READY:
        return Waiting("account")
    if account.stopped_until is not None and account.stopped_until > now:
        return Waiting("stopped", account.stopped_until)
    return _under_way(session, account, now)


def _under_way(session: Session, account: Account, now: datetime) -> Waiting | None:
    if account.visiting_until is not None and account.visiting_until > now:
        return Waiting("under_way")
    held = or_(col(Publication.state).in_(journal.UNDER_WAY), col(Publication.claim).is_not(None))
    query = select(Publication.id).where(Publication.account_id == account.id, held).limit(1)
    return Waiting("under_way") if session.exec(query).first() else None


def _pace_hold(session: Session, account: Account, now: datetime) -> Waiting | None:
    held = hold(pace_of(session, account), _clicks(session, account.id, now), now, seed=account.id)
    return Waiting(held.code, held.until) if held else None


def _clicks(session: Session, account_id: str, now: datetime) -> list[datetime]:
    """When the account's buttons were pressed, as the journal has it, oldest first."""
    query = (
        select(PublicationEvent.at)
        .join(Publication, col(Publication.id) == col(PublicationEvent.publication_id))
        .where(
            Publication.account_id == account_id,
            PublicationEvent.state == State.SUBMITTING,
            PublicationEvent.at > now - _COUNTED,
        )
        .order_by(col(PublicationEvent.at))
    )
    return list(session.exec(query))
