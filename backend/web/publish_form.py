"""The forms that ask for publications: what was chosen, handed back where something was in the way.

Owns how such a form is read, and what stands in it when it is shown. A form that names no mode asks for a dry run; one
that is shown again never asks for more than was chosen. Owns no page and no rule of publishing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from starlette.datastructures import FormData

from backend.core.modes import MODES, Mode
from backend.web.form_text import text_of

SPREADS = ("", "2h", "6h", "1d", "3d")
"""Over how long several may be spread; "" is one after the other, at the account's pace."""
MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Wish:
    """How to publish, and what. `ticked` None is everything there is: the form of several as it is first opened."""

    mode: Mode = "dry_run"
    route: str = ""
    account: str | None = None
    at: str = ""
    spread: str = ""
    ticked: tuple[str, ...] | None = None

    @classmethod
    def of(cls, form: FormData, routes: Sequence[str]) -> Self:
        """What the form says; the way is only asked where there are several."""
        spread = text_of(form, "spread")
        return cls(
            mode=next((mode for mode in MODES if mode == form.get("mode")), "dry_run"),
            route=next((one for one in routes if one == form.get("route")), routes[0]),
            account=text_of(form, "account") or None,
            at=text_of(form, "at"),
            spread=spread if spread in SPREADS else "",
            ticked=tuple(str(one) for one in form.getlist("draft"))[:MOST_AT_ONCE],
        )

    def ticks(self, draft_id: str) -> bool:
        return self.ticked is None or draft_id in self.ticked
