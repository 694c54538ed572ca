"""The form, filled field by field: set, read back at once, set again if a re-render wiped it, all read at the end.

Owns the order, the read-backs and what is done when a field does not stay. Does not own how a field is set
(`fields.py`) or pressing a button (`submission.py`).
"""

from collections.abc import Iterable, Mapping

from backend.core.errors import ListingRejected
from backend.marketplace.port import Difference, Progress
from backend.marketplace.vinted_web.fields import Field
from backend.marketplace.vinted_web.values import differences, same

TRIES = 3
ONCE = ("photos",)
"""Fields that must not be entered a second time: entering adds."""


class Form:
    """One listing's form on an open page."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = fields
        self.sent: dict[str, str] = {}
        """What each field must read as, from the moment it is set."""
        self.missing: list[str] = []
        """Fields that this category's form does not have."""

    async def fill(self, progress: Progress) -> None:
        """Fills everything; a second time it enters what is there once more, and only the photos that are missing.

        Raises `ListingRejected` naming the field that can't be set."""
        self.missing.clear()
        for name in self._fields:
            await progress(name)
            await self._set(name)

    async def read(self, names: Iterable[str] | None = None) -> dict[str, str]:
        """What the form shows now, for these fields, or for every one that was set."""
        return {name: await self._fields[name].read() for name in names or self.sent if name in self._fields}

    async def check(self) -> dict[str, str]:
        """Reads the whole form back, setting once more each field that was wiped since; returns what it holds.

        Raises `ListingRejected` with the differences when one does not stay."""
        again: set[str] = {*ONCE}
        while wrong := differences(self.sent, found := await self.read()):
            if lost := [d for d in wrong if d.field in again]:
                raise ListingRejected(f"The form does not keep what was entered: {said(lost)}.")
            again.add(wrong[0].field)
            await self._set(wrong[0].field)
        return found

    async def _set(self, name: str) -> None:
        field, found = self._fields[name], ""
        for _ in range(1 if name in ONCE else TRIES):
            must = await field.enter()
            if must is None:
                self.missing.append(name)
                return
            self.sent[name] = must
            if same(name, must, found := await field.read()):
                return
        raise ListingRejected(f"The field {name!r} does not keep {self.sent[name]!r}, it shows {found!r}.")


def said(wrong: list[Difference]) -> str:
    return "; ".join(f"{d.field} sent {d.sent!r}, found {d.found!r}" for d in wrong)
