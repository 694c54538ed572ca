"""Publications: asked for once, whoever asks and however often; looked up, cancelled, sent round again.

Owns the `publications`, `publication_events` and `idempotency_keys` tables. Owns no browser and no job: the
`publish` workflow carries a publication out through the journal.
"""

import hashlib
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from backend.core import catalog
from backend.core.errors import BadRequest, Conflict
from backend.core.origin import origin
from backend.core.pacing import parse_duration, parse_moment, spread
from backend.db import audit
from backend.db.engine import clock
from backend.db.models import Account, Draft, IdempotencyKey, Publication, PublicationEvent
from backend.db.scope import count_owned, get_owned, own_row, owned
from backend.preferences import pace_of
from backend.publications import journal
from backend.publications.journal import UNCERTAIN_CODE, State


@dataclass(frozen=True)
class Order:
    """What is asked for. `revision` is the draft's revision the seller saw, or None for the present one; `not_before`
    the time it is scheduled for."""

    draft_id: str
    account_id: str
    mode: str
    route: str = "web"
    revision: int | None = None
    not_before: datetime | None = None


@dataclass(frozen=True)
class RequestKey:
    """A client's key, with the digest of the request it came with, as it came: what is resolved later (`+2h`, the usual
    mode, the only account) may come to something else when the same request comes again."""

    key: str
    request_hash: str

    @classmethod
    def of(cls, key: str, asked: Mapping[str, Any]) -> "RequestKey":
        """The same for the same request, whatever the order of its JSON."""
        return cls(key, hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest())


def request(session: Session, user_id: str, order: Order, *, key: RequestKey | None = None) -> Publication:
    """The publication for this order: a new one, or the one that already stands for it.

    Raises NotFound; BadRequest (`idempotency_key_reused`) when `key` came with another request before; Conflict when
    the draft changed (`stale_revision`), isn't ready (`draft_not_ready`), waits in the queue as something else
    (`already_queued`), already has a listing by this route (`already_published`), or the site takes another currency
    (`not_in_euros`). Two requests at the same moment: one meets IntegrityError, and finds the other's publication when
    asked again."""
    if key is not None and (known := answered(session, user_id, key)):
        return known
    draft = get_owned(session, Draft, user_id, order.draft_id)
    catalog.check_in_euros(get_owned(session, Account, user_id, order.account_id).base_url)
    if order.revision is not None and order.revision != draft.revision:
        raise Conflict(
            f"The draft has changed since (it is at revision {draft.revision} now). Look at it again.",
            code="stale_revision",
        )
    publication = _standing(session, user_id, draft, order) or _open(session, user_id, draft, order)
    if key is not None:
        session.add(IdempotencyKey(user_id=user_id, publication_id=publication.id, **asdict(key)))
        session.flush()
    return publication


def answered(session: Session, user_id: str, key: RequestKey) -> Publication | None:
    """The publication that was the answer to this key, if it came before. To be asked before anything in the request
    is resolved. Raises BadRequest (`idempotency_key_reused`) when it came with another request."""
    known = own_row(session, IdempotencyKey, user_id, key.key)
    if known is None:
        return None
    if known.request_hash != key.request_hash:
        raise BadRequest(
            f"The Idempotency-Key {key.key!r} was used before for another request. Use a new key for a new request.",
            code="idempotency_key_reused",
        )
    return get_owned(session, Publication, user_id, known.publication_id)


def _standing(session: Session, user_id: str, draft: Draft, order: Order) -> Publication | None:
    """The publication this order would double: the same one again, or None. Raises Conflict for another listing."""
    query = owned(Publication, user_id).where(Publication.draft_id == draft.id, Publication.route == order.route)
    if order.mode == "dry_run":
        query = query.where(Publication.account_id == order.account_id)
        running = query.where(Publication.mode == "dry_run", col(Publication.state).in_(journal.RUNNING))
        return session.exec(running.where(Publication.draft_revision == draft.revision)).first()
    live = session.exec(query.where(col(Publication.live_key).is_not(None))).first()
    if live is None:
        return None
    if (live.draft_revision, live.mode, live.account_id) == (draft.revision, order.mode, order.account_id):
        return live
    if live.state == State.QUEUED:
        raise Conflict(
            f"This draft is queued already, as it was at revision {live.draft_revision} (publication {live.id}, mode "
            f"{live.mode}). Cancel that one, then ask again.",
            code="already_queued",
        )
    raise Conflict(
        f"This draft already has a listing or may have one (publication {live.id}, {live.state}"
        f"{', ' + live.listing_url if live.listing_url else ''}). Change or delete it on the marketplace; "
        "a second one is never made.",
        code="already_published",
    )


def _open(session: Session, user_id: str, draft: Draft, order: Order) -> Publication:
    if draft.state == "discarded":
        raise Conflict("This draft was discarded. Restore it first.", code="draft_discarded")
    if not draft.publish_ready:
        codes = ", ".join(p["code"] for p in draft.readiness) or "still being read"
        raise Conflict(f"This draft is not ready to be published: {codes}.", code="draft_not_ready")
    publication = Publication(
        origin=origin(),
        user_id=user_id,
        draft_id=draft.id,
        draft_revision=draft.revision,
        account_id=order.account_id,
        route=order.route,
        mode=order.mode,
        position=time.time_ns() // 1000,
        not_before=order.not_before,
        live_key=None if order.mode == "dry_run" else f"{draft.id}:{order.route}",
    )
    journal.open_journal(session, publication)
    audit.record(session, "publication.asked", user_id, publication.id, draft=draft.id, mode=order.mode)
    return publication


def moments(session: Session, account: Account, at: str | None, over: str | None, count: int) -> list[datetime | None]:
    """When each of `count` publications may begin: from `at` on, spread `over` some time; None is at once.

    Raises BadRequest (`bad_time`)."""
    pace, now = pace_of(session, account), clock(session)
    start = parse_moment(at, pace, now) if at else None
    if not over:
        return [start] * count
    return list(spread(start or now, parse_duration(over), count, seed=f"{account.id}{now}"))


def cancel(session: Session, user_id: str, publication_id: str) -> Publication:
    """Cancels before the click. Raises Conflict that tells how it stands once that is no longer possible."""
    publication = get_owned(session, Publication, user_id, publication_id)
    _without_doubt(publication)
    if publication.state in (State.SUBMITTING, State.UNCERTAIN):
        raise Conflict(
            "The button has been pressed already; what came of it is being found out. It can't be cancelled any more.",
            code="already_submitted",
        )
    audit.record(session, "publication.cancelled", user_id, publication_id)
    return journal.move(session, publication_id, State.CANCELLED)


def resume(session: Session, user_id: str, publication_id: str, *, despite_doubt: bool = False) -> Publication:
    """Queues a publication that waited for a person once more. Raises Conflict in any other state.

    After an uncertain click only `despite_doubt`: the person has looked and says that no listing is there."""
    publication = get_owned(session, Publication, user_id, publication_id)
    if publication.state != State.NEEDS_PERSON:
        raise Conflict(f"This publication is {publication.state}; it waits for nobody.", code="journal_moved")
    if not despite_doubt:
        _without_doubt(publication)
    audit.record(session, "publication.resumed", user_id, publication_id, despite_doubt=despite_doubt)
    return _queue_again(session, publication)


def resume_waiting(session: Session, user_id: str, account_id: str) -> list[Publication]:
    """Queues whatever waited for this account's owner to mend its session, now that it is mended. What waits on an
    open page is left to it, and a doubt to its owner."""
    query = owned(Publication, user_id).where(
        Publication.account_id == account_id,
        Publication.state == State.NEEDS_PERSON,
        Publication.error_code != UNCERTAIN_CODE,
        col(Publication.claim).is_(None),
    )
    return [_queue_again(session, row) for row in session.exec(query.order_by(col(Publication.position))).all()]


def count_in_hand(session: Session, user_id: str, account_id: str) -> int:
    """How many of an account's publications are queued, under way, or held on an open page."""
    held = col(Publication.state).in_(journal.RUNNING) | col(Publication.claim).is_not(None)
    return count_owned(session, Publication, user_id, held, Publication.account_id == account_id)


def _queue_again(session: Session, publication: Publication) -> Publication:
    return journal.move(
        session, publication.id, State.QUEUED, run=publication.run + 1, attempts=0, step="", error=None, error_code=None
    )


def adopt(session: Session, user_id: str, publication_id: str, listing_id: str, listing_url: str) -> Publication:
    """The person's word that this listing is what the uncertain click made. Raises Conflict (`not_uncertain`,
    `already_adopted` where it is another publication's)."""
    publication = _in_doubt(session, user_id, publication_id)
    if listing_id in listing_ids(session, user_id, publication.account_id):
        raise Conflict(
            f"The listing {listing_id} is another publication's already. Look for the one this draft made; retry if "
            "there is none.",
            code="already_adopted",
        )
    detail = {"by": "person", "listing": listing_id}
    audit.record(session, "publication.adopted", user_id, publication_id, listing=listing_id)
    return journal.move(
        session, publication_id, State.RECONCILED, detail=detail,
        listing_id=listing_id, listing_url=listing_url, error=None, error_code=None,
    )  # fmt: skip


def give_up(session: Session, user_id: str, publication_id: str) -> Publication:
    """The person's word that this publication is over, and that no listing of it stands."""
    _in_doubt(session, user_id, publication_id)
    audit.record(session, "publication.given_up", user_id, publication_id)
    return journal.move(session, publication_id, State.FAILED, detail={"by": "person"}, error_code="given_up")


def _without_doubt(publication: Publication) -> None:
    """A publication in doubt is settled, never passed over: a second listing could come of it."""
    if publication.state == State.NEEDS_PERSON and publication.error_code == UNCERTAIN_CODE:
        raise Conflict(
            "The click may have made a listing. Look at the marketplace, then: adopt it by its id, retry if there is "
            "none, or give up.",
            code=UNCERTAIN_CODE,
        )


def _in_doubt(session: Session, user_id: str, publication_id: str) -> Publication:
    publication = get_owned(session, Publication, user_id, publication_id)
    if publication.state != State.NEEDS_PERSON or publication.error_code != UNCERTAIN_CODE:
        raise Conflict(f"This publication is {publication.state}; there is no doubt to settle.", code="not_uncertain")
    return publication


def publications_of(
    session: Session,
    user_id: str,
    *,
    draft_id: str | None = None,
    states: Collection[str] | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Publication]:
    """The user's publications, newest first, all unless `limit`."""
    query = owned(Publication, user_id)
    if draft_id is not None:
        query = query.where(Publication.draft_id == draft_id)
    if states is not None:
        query = query.where(col(Publication.state).in_(states))
    query = query.order_by(col(Publication.created_at).desc(), col(Publication.id))
    return list(session.exec(query.limit(limit).offset(offset)))


def with_listing(session: Session, user_id: str, draft_ids: Collection[str]) -> frozenset[str]:
    """Those of the drafts that stand on the marketplace, proven."""
    query = select(Publication.draft_id).where(
        Publication.user_id == user_id,
        col(Publication.draft_id).in_(draft_ids),
        col(Publication.listing_id).is_not(None),
    )
    return frozenset(session.exec(query))


def events_of(session: Session, user_id: str, publication_id: str) -> list[PublicationEvent]:
    """The journal's rows of one publication, oldest first."""
    query = owned(PublicationEvent, user_id).where(PublicationEvent.publication_id == publication_id)
    return list(session.exec(query.order_by(col(PublicationEvent.id))))


def listing_ids(session: Session, user_id: str, account_id: str) -> frozenset[str]:
    """The listings of an account that publications are known to have made."""
    query = owned(Publication, user_id).where(Publication.account_id == account_id)
    return frozenset(str(row.listing_id) for row in session.exec(query.where(col(Publication.listing_id).is_not(None))))


def drafts_in_hand(session: Session, user_id: str) -> frozenset[str]:
    """Drafts that are queued or under way somewhere, or have a listing or may have one."""
    held = col(Publication.state).in_(journal.RUNNING) | col(Publication.claim).is_not(None)
    query = select(Publication.draft_id).where(
        Publication.user_id == user_id, held | col(Publication.live_key).is_not(None)
    )
    return frozenset(session.exec(query))


def publishable(session: Session, user_id: str, route: str = "web") -> list[Draft]:
    """Ready drafts that have no listing by this route yet, in the order they were made."""
    query = owned(Draft, user_id).where(*_publishable(user_id, route))
    return list(session.exec(query.order_by(col(Draft.created_at), col(Draft.ordinal))))


def count_publishable(session: Session, user_id: str, route: str = "web") -> int:
    return count_owned(session, Draft, user_id, *_publishable(user_id, route))


def _publishable(user_id: str, route: str) -> tuple[Any, ...]:
    taken = select(Publication.draft_id).where(
        Publication.user_id == user_id, Publication.route == route, col(Publication.live_key).is_not(None)
    )
    return col(Draft.publish_ready), col(Draft.state).in_(("open", "approved")), col(Draft.id).not_in(taken)


def candidates_of(session: Session, user_id: str, publication_id: str) -> list[dict[str, Any]]:
    """The listings a person should look at to settle a doubt, as the last looks found them: `id`, `title`, `price`…"""
    details = (event.detail or {} for event in reversed(events_of(session, user_id, publication_id)))
    return next((list(detail["candidates"]) for detail in details if "candidates" in detail), [])


def pulse(session: Session, user_id: str) -> str:
    """Another word whenever a publication of the user's has moved, by its state or in its line, got another time, or
    has come to another step."""
    query = select(
        func.count(),
        func.max(Publication.updated_at),
        func.sum(func.length(Publication.step)),
    ).where(Publication.user_id == user_id)
    events = select(func.max(PublicationEvent.id)).where(PublicationEvent.user_id == user_id)
    parts = (*session.exec(query).one(), session.exec(events).one())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def remember(session: Session, publication_id: str, claim: str, /, **columns: Any) -> None:
    """Stores what a job reports (`step`, `screenshot_key`, `sheet`) without a transition; nothing of a job that has
    lost its claim."""
    publication = session.get_one(Publication, publication_id)
    if publication.claim == claim:
        publication.sqlmodel_update(columns)


def shown(publication: Publication) -> Mapping[str, Any]:
    """The columns a person is shown."""
    hidden = {"live_key", "run", "screenshot_key", "user_id", "position", "claim", "claimed_by", "origin"}
    return publication.model_dump(exclude=hidden, mode="json")
