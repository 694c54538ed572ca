"""How an account stands with its marketplace: what only its owner can mend, for how long it stops, how fast it goes.

Owns the changes of `accounts.state`, `stopped_until` and `setbacks` that publishing brings, and `pace`. Owns no session
and no rule of pace or pause (`core/pacing.py`).
"""

from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session

from backend.core.errors import (
    AccountRestricted,
    ChallengeRaised,
    NeedsPersonError,
    SessionMissing,
    VintedRateLimitError,
)
from backend.core.loopback import is_loopback
from backend.core.pacing import Pace, parse_pace, stop_after
from backend.db import audit
from backend.db.engine import clock
from backend.db.models import Account, now
from backend.db.scope import get_owned
from backend.preferences import pace_of


def set_state(account: Account, state: str, detail: str | None = None) -> None:
    """The one place where an account's state changes; `state_since` tells one episode of it from the next."""
    if account.state != state:
        account.state, account.state_since = state, now()
    account.state_detail = detail
    account.updated_at = now()


def became_ready(session: Session, account: Account) -> None:
    """Every way back to "ready" (signed in, cookies, a check, a solved challenge, a success) comes through here."""
    set_state(account, "ready")
    session.flush()


def note_trouble(session: Session, user_id: str, account_id: str, error: Exception) -> None:
    """Remembers what stands in the account's way. A refusal (403, 429) stops it, longer each time in a row."""
    account = get_owned(session, Account, user_id, account_id)
    if isinstance(error, NeedsPersonError):
        set_state(account, "no_session" if isinstance(error, SessionMissing) else error.code, str(error))
    if isinstance(error, AccountRestricted | VintedRateLimitError):
        account.setbacks += 1
        wish = error.retry_after if isinstance(error, VintedRateLimitError) else None
        account.stopped_until = clock(session) + stop_after(account.setbacks, wish)


def note_solved(session: Session, user_id: str, account_id: str) -> None:
    """Its challenge is solved; for its refusals it stands as before."""
    account = get_owned(session, Account, user_id, account_id)
    if account.state == ChallengeRaised.code:
        became_ready(session, account)


def note_mended(session: Session, user_id: str, account_id: str) -> None:
    """Its owner says that what stood in the way is dealt with: the next visit will tell. A stop holds."""
    account = get_owned(session, Account, user_id, account_id)
    became_ready(session, account)


def note_success(session: Session, user_id: str, account_id: str) -> None:
    """The marketplace took something from it: it is well, and its next stop is a first one again."""
    account = get_owned(session, Account, user_id, account_id)
    became_ready(session, account)
    account.setbacks, account.stopped_until = 0, None


def set_pace(session: Session, user_id: str, account_id: str, values: dict[str, Any]) -> Pace:
    """Changes these values of the account's own pace, which go before its owner's usual one. Raises BadRequest
    (`bad_pace`). Returns the pace in force."""
    account = get_owned(session, Account, user_id, account_id)
    stated = {**account.pace, **values}
    own = parse_pace(stated, stand_in=is_stand_in(account.base_url))
    account.pace = own.model_dump(mode="json", include=set(stated))
    audit.record(session, "account.pace_set", user_id, account.id)
    return pace_of(session, account)


def use_usual_pace(session: Session, user_id: str, account_id: str) -> None:
    """The account goes at its owner's usual pace again."""
    account = get_owned(session, Account, user_id, account_id)
    if account.pace:
        account.pace = {}
        audit.record(session, "account.pace_set", user_id, account.id)


def is_stand_in(base_url: str) -> bool:
    """Whether this is a marketplace on this machine: no real one, so no limit of theirs."""
    return is_loopback(urlsplit(base_url).hostname or "")
