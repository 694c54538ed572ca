"""Notifications of a user: told once, listed, marked as seen.

Owns the `notifications` table and what counts as the same thing told again. Sending them outside is `outbox.py`'s.
"""

from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from backend.db.models import Account, Draft, Notification, Publication, now
from backend.db.scope import count_owned, get_owned, owned
from backend.notifications.kinds import OF_AN_ACCOUNT, Kind


def notify(
    session: Session,
    user_id: str,
    kind: Kind,
    *,
    publication_id: str | None = None,
    account_id: str | None = None,
    episode: str | None = None,
    **detail: Any,
) -> Notification | None:
    """Tells the user, once an episode; None when that was told already. To be called after the state has changed.

    An episode of a publication is its run, one of an account the time it has been in its state, anything else is to be
    named. The listing's title and the account's name are added to `detail`. Raises NotFound."""
    publication = get_owned(session, Publication, user_id, publication_id) if publication_id else None
    account_id = account_id or (publication.account_id if publication else None)
    account = get_owned(session, Account, user_id, account_id) if account_id else None
    told = {**_named(session, publication, account), **detail}
    row = Notification(
        user_id=user_id,
        kind=kind,
        publication_id=publication_id,
        account_id=account_id,
        episode=f"{kind}:{episode or _episode(kind, publication, account)}",
        detail=told,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return None
    return row


def _episode(kind: Kind, publication: Publication | None, account: Account | None) -> str:
    if account is not None and (kind in OF_AN_ACCOUNT or publication is None):
        return f"{account.id}:{account.state_since.isoformat() if account.state_since else ''}"
    if publication is None:
        raise ValueError(f"A notification of {kind} needs a publication, an account or an episode.")
    return f"{publication.id}:{publication.run}"


def _named(session: Session, publication: Publication | None, account: Account | None) -> dict[str, Any]:
    named: dict[str, Any] = {}
    if publication is not None:
        named["title"] = publication.sheet.get("title") or _drafts_title(session, publication)
        named["reason"] = publication.error
    if account is not None:
        named["account"] = account.username
        named["site"] = account.base_url.partition("://")[2].removeprefix("www.")
    return named


def _drafts_title(session: Session, publication: Publication) -> Any:
    title = get_owned(session, Draft, publication.user_id, publication.draft_id).fields.get("title")
    return title.get("value") if isinstance(title, dict) else None


def notifications_of(session: Session, user_id: str, *, unseen: bool = False, limit: int = 100) -> list[Notification]:
    """Newest first."""
    query = owned(Notification, user_id)
    if unseen:
        query = query.where(col(Notification.seen_at).is_(None))
    return list(session.exec(query.order_by(col(Notification.created_at).desc(), col(Notification.id)).limit(limit)))


def count_unseen(session: Session, user_id: str) -> int:
    return count_owned(session, Notification, user_id, col(Notification.seen_at).is_(None))


def mark_seen(session: Session, user_id: str, notification_id: str) -> Notification:
    """Raises NotFound."""
    row = get_owned(session, Notification, user_id, notification_id)
    row.seen_at = row.seen_at or now()
    return row


def mark_all_seen(session: Session, user_id: str) -> int:
    """How many were new."""
    unseen = update(Notification).where(col(Notification.user_id) == user_id, col(Notification.seen_at).is_(None))
    return int(session.connection().execute(unseen.values(seen_at=now())).rowcount)
