"""How a publication ends by an error: one pure rule, by where it stood and what happened.

Before the click an error ends it, sends it back to the queue, or asks a person. After the click only the marketplace's
own refusal, or a click provably not made, does; anything else leaves the result unknown. Owns that judgement; owns no
journal.
"""

from backend.core.errors import (
    Conflict,
    ListingRejected,
    NeedsPersonError,
    NotClicked,
    PermanentError,
    VintedBotError,
    VintedRateLimitError,
)
from backend.core.redaction import hide
from backend.publications import journal
from backend.publications.journal import State
from backend.publications.queue import NotItsTurn

End = tuple[State, str | None, str | None]
"""The state it comes to, the error's code, and the sentence a person is shown."""


class AfterTheClick(PermanentError):
    """A passing fault after the click, carried past the retries: `cause` says whether it was a refusal."""

    def __init__(self, cause: VintedBotError) -> None:
        super().__init__(str(cause), code=cause.code)
        self.cause = cause


def end_of(state: State, error: Exception) -> End | None:
    """None where the error ends nothing: somebody else has moved the publication."""
    if isinstance(error, Conflict) and error.code == "journal_moved":
        return None
    if state not in journal.UNDER_WAY or state is State.UNCERTAIN:
        return None
    code = error.code if isinstance(error, VintedBotError) else "internal"
    told = str(error) if isinstance(error, VintedBotError) else hide(f"Something unforeseen happened: {error!r}")
    if state is State.SUBMITTING:
        return _after_the_click(error.cause if isinstance(error, AfterTheClick) else error, code, told)
    if isinstance(error, NotItsTurn):
        return State.QUEUED, None, None
    if isinstance(error, VintedRateLimitError):
        return State.QUEUED, code, told
    return (State.NEEDS_PERSON if isinstance(error, NeedsPersonError) else State.FAILED), code, told


def _after_the_click(error: Exception, code: str, told: str) -> End:
    if isinstance(error, NeedsPersonError):
        return State.NEEDS_PERSON, code, told
    if isinstance(error, ListingRejected):
        return State.FAILED, code, f"The marketplace refused the submission: {told}"
    if isinstance(error, VintedRateLimitError | NotClicked):
        return State.QUEUED, code, told
    return State.UNCERTAIN, code, told
