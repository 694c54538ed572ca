"""Every error this software raises on purpose, in one tree.

    VintedBotError
    ├── RetryableVintedError        try the same thing again, before the point of no return
    │   ├── VintedNetworkError
    │   ├── VintedTimeoutError
    │   ├── VintedRateLimitError    carries Retry-After
    │   ├── CaptchaDetectedError    retryable only where a solver is available
    │   ├── NotClicked              the permit to click had expired: surely nothing was submitted
    │   └── AIAnalysisError         the model's service faltered
    ├── NeedsPersonError            waits for the account's owner; never counted as lost
    │   ├── SessionMissing  SessionExpired  WrongAccount  ChallengeRaised
    │   └── AccountRestricted ── VerificationWall  AddressBanned
    ├── PermanentError              the same input fails again: say so, stop
    │   ├── BadRequest  NotFound  Conflict  PhotoRefused  ListingRejected  SetupError  BudgetReached
    │   ├── BackupRefused  LimitReached
    │   └── SignInNeeded  Forbidden  who asks is not known, or may not
    └── UncertainError              the click happened, its result is unknown: reconcile, never retry

Each class says what kind it is, a machine code, and the HTTP status the API answers with. The
translation to HTTP happens in `backend/api/errors.py` and nowhere else.
"""

from typing import ClassVar, Literal

from backend.core.redaction import hide

Kind = Literal["retryable", "needs_person", "permanent", "uncertain"]


class VintedBotError(Exception):
    """Root of the tree. `str(error)` is a sentence a person can act on, and holds no secret: it is told and stored."""

    kind: ClassVar[Kind] = "permanent"
    code: str = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(hide(message))
        if code is not None:
            self.code = code


class RetryableVintedError(VintedBotError):
    """Worth another attempt, as long as nothing has been submitted yet."""

    kind: ClassVar[Kind] = "retryable"
    code = "retryable"
    status = 503


class VintedNetworkError(RetryableVintedError):
    code = "network"


class VintedTimeoutError(RetryableVintedError):
    code = "timeout"


class VintedRateLimitError(RetryableVintedError):
    """429: `retry_after` is the server's wish in seconds, or None."""

    code = "rate_limited"
    status = 429

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CaptchaDetectedError(RetryableVintedError):
    """A challenge where a solver is available; without one raise `ChallengeRaised`."""

    code = "captcha"


class NotClicked(RetryableVintedError):
    """The point of no return was written down, then the click came too late and was left undone."""

    code = "not_clicked"


class AIAnalysisError(RetryableVintedError):
    """The model's service failed in a way that may pass."""

    code = "ai_analysis"

    def __init__(self, message: str = "", *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class NeedsPersonError(VintedBotError):
    """Only the account's owner can go on; the work waits, nothing is lost."""

    kind = "needs_person"
    code = "needs_person"
    status = 409


class SessionMissing(NeedsPersonError):
    code = "session_missing"


class SessionExpired(NeedsPersonError):
    code = "session_expired"


class WrongAccount(NeedsPersonError):
    code = "wrong_account"


class ChallengeRaised(NeedsPersonError):
    """A challenge page; `challenge` is one of the closed set in `marketplace/vinted_web/challenge.py`."""

    code = "challenge"

    def __init__(self, message: str = "", *, challenge: str = "unknown") -> None:
        super().__init__(message)
        self.challenge = challenge


class AccountRestricted(NeedsPersonError):
    """403: the account stops until its owner acts. `challenge` is the kind of the wall it ran into, if it was one."""

    code = "account_restricted"

    def __init__(self, message: str = "", *, challenge: str | None = None) -> None:
        super().__init__(message)
        self.challenge = challenge


class VerificationWall(AccountRestricted):
    """The marketplace wants the account verified (identity, telephone) before anything else."""

    code = "verification_wall"


class AddressBanned(AccountRestricted):
    """This machine's network address is refused, and there is nothing to solve: only time helps."""

    code = "address_banned"


class PermanentError(VintedBotError):
    code = "permanent"
    status = 422


class BadRequest(PermanentError):
    code = "bad_request"
    status = 422


class NotFound(PermanentError):
    code = "not_found"
    status = 404


class Conflict(PermanentError):
    """The thing changed meanwhile (a stale revision), or is in the wrong state for this."""

    code = "conflict"
    status = 409


class PhotoRefused(PermanentError):
    """A file that can't be taken in; `reason` is a code of `backend/photos/intake.py`."""

    code = "photo_refused"

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class ListingRejected(PermanentError):
    """The marketplace said what is wrong with the listing, or a field could not be set."""

    code = "listing_rejected"


class SetupError(PermanentError):
    """Something on this machine is missing or in the way; the message names the fix."""

    code = "setup"
    status = 503


class BudgetReached(PermanentError):
    """One more call to a model that costs money would cross what the operator allows."""

    code = "budget_reached"
    status = 429


class SignInNeeded(PermanentError):
    """Nobody known asks: no session, token or key, or one that is over."""

    code = "sign_in_needed"
    status = 401


class Forbidden(PermanentError):
    """Who asks is known, and may not."""

    code = "forbidden"
    status = 403


class BackupRefused(PermanentError):
    """A backup that can't be restored, or an installation it can't be restored to; nothing was changed."""

    code = "backup_refused"


class LimitReached(PermanentError):
    """A limit of this installation, on requests or on what is kept; `retry_after` seconds if it resets by itself."""

    code = "rate_limited"
    status = 429

    def __init__(self, message: str = "", *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class UncertainError(VintedBotError):
    """Submitted, and no proof either way."""

    kind = "uncertain"
    code = "uncertain"
    status = 409
