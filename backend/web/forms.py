"""The edit form of a draft: what was typed, and which of it is a change.

A field counts as changed only where it differs from what the form showed (`before`, sent along): untouched fields
keep their readings, and a form filled on a stale revision can be laid over the newer one without losing a word.
Owns no check of values: that is `FieldsPatch`.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData

from backend.core.errors import BadRequest
from backend.core.listing import FIELD_NAMES, Field
from backend.drafts.schemas import FieldsPatch
from backend.drafts.service import PURCHASE_COST
from backend.web.form_text import text_of

LISTS = ("colours", "materials")
PRICES = ("price", PURCHASE_COST)
SHOWN = (*FIELD_NAMES, PURCHASE_COST)
"""What the form holds: the listing's fields, and what the item cost."""


class BadFields(BadRequest):
    """Values that can't be used; `fields` names them."""

    code = "bad_fields"

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(f"These fields can't be used: {', '.join(fields)}.")
        self.fields = fields


def as_shown(fields: Mapping[str, Field], purchase_cost: str | None) -> dict[str, Any]:
    """The values of a draft as the form shows them."""
    return {name: fields.get(name, Field()).value for name in FIELD_NAMES} | {PURCHASE_COST: purchase_cost}


def typed(form: FormData) -> dict[str, Any]:
    """Every field as the form has it now; None for an empty one."""
    before = shown_before(form)
    values: dict[str, Any] = {name: text_of(form, name) or None for name in SHOWN if name not in LISTS}
    if PURCHASE_COST not in form:  # a form of before it was asked for
        values[PURCHASE_COST] = before.get(PURCHASE_COST)
    values["brand"] = "" if form.get("no_brand") and values["brand"] in (None, before.get("brand")) else values["brand"]
    for name in PRICES:
        values[name] = values[name] and values[name].replace(",", ".").strip("€ \u00a0\u202f")
    for name in LISTS:
        values[name] = _chosen(before.get(name) or [], [str(one) for one in form.getlist(name)])
    name, _, value = str(form.get("set", "")).partition("=")
    return values | {name: _json(value)} if name in FIELD_NAMES else values


def touched(form: FormData) -> dict[str, Any]:
    """What differs from what the form showed, not yet checked."""
    before = shown_before(form)
    return {name: value for name, value in typed(form).items() if value != _tidy(before.get(name))}


def changes(form: FormData) -> dict[str, Any]:
    """The fields that are changed, confirmed or taken back, as `drafts.service.edit` wants them. Raises BadFields."""
    changed = touched(form)
    if (confirmed := str(form.get("confirm", ""))) in FIELD_NAMES:
        changed[confirmed] = typed(form)[confirmed]
    if (taken_back := str(form.get("reset", ""))) in FIELD_NAMES:
        changed[taken_back] = None
    try:
        return FieldsPatch.model_validate(changed).changes()
    except ValidationError as error:
        raise BadFields(tuple(dict.fromkeys(str(e["loc"][0]) for e in error.errors()))) from None


def revision(form: FormData) -> int:
    """The revision the form was filled on. Raises BadRequest."""
    try:
        return int(str(form.get("revision", "")))
    except ValueError:
        raise BadRequest("The form names no revision. Load the page again.") from None


def acted_on(form: FormData) -> str:
    """The field whose own button was pressed, or ""."""
    name = form.get("confirm") or form.get("reset") or str(form.get("set", "")).partition("=")[0]
    return name if isinstance(name, str) and name in FIELD_NAMES else ""


def shown_before(form: FormData) -> dict[str, Any]:
    """What the form showed when it was opened."""
    before = _json(str(form.get("before", "{}")))
    return before if isinstance(before, dict) else {}


def _tidy(value: Any) -> Any:
    """As a browser gives it back: without blanks around it, and no list instead of an empty one."""
    return (value.strip() if isinstance(value, str) else value) if value != [] else None


def _chosen(before: list[str], ticked: list[str]) -> list[str] | None:
    """The ticked ones, those of before in their order: the first colour is the main one."""
    return [one for one in before if one in ticked] + [one for one in ticked if one not in before] or None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
