"""What a seller's templates would write: on one of their own drafts, or on a sample, with each template's fault.

Owns the sample and the sentences for faults. Owns no wording and no check of a template (`core/words.py`,
`core/seller_template.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session, col

from backend.core.errors import BadRequest
from backend.core.listing import Field, Listing, stated
from backend.core.seller_template import FILTERS, LENGTH_MAX, PLACEHOLDERS, BadTemplate
from backend.core.words import Style, compose
from backend.db.models import Draft
from backend.db.scope import get_owned, owned
from backend.drafts.service import listing_of
from backend.web.language import Words

SAMPLE = "sample"
OFFERED = 20
_DRESS: Mapping[str, Any] = {
    "category": "dress",
    "audience": "women",
    "brand": "Zara",
    "size": "M",
    "colours": ["blue", "white"],
    "materials": ["cotton", "polyester"],
    "condition": "very-good",
}


@dataclass(frozen=True)
class Preview:
    """`faults` by field; `drafts` are those to choose from, by id."""

    title: str
    description: str
    language: str
    faults: Mapping[str, str]
    drafts: Mapping[str, str]
    chosen: str


def preview(
    session: Session, user_id: str, draft_id: str, language: str, wishes: Mapping[str, Any], words: Words
) -> Preview:
    """Nothing is kept. A draft that is not the user's is as if none was chosen."""
    drafts = _drafts(session, user_id)
    if draft_id in drafts:
        listing = listing_of(session, get_owned(session, Draft, user_id, draft_id))
    else:
        draft_id, listing = SAMPLE, _sample(language)
    faults: dict[str, str] = {}
    style = _style(wishes, words, faults)
    # What the draft's seller or a model wrote would stand in the way of what is tried here.
    kept = {name: field for name, field in listing.fields.items() if name not in ("title", "description")}
    made = compose(Listing(kept, listing.photos, listing.language), style=style)
    return Preview(_text(made["title"]), _text(made["description"]), listing.language, faults, drafts, draft_id)


def _style(wishes: Mapping[str, Any], words: Words, faults: dict[str, str]) -> Style:
    """The wishes' style, without what is at fault, which is noted."""
    style = Style()
    for name in ("tone", "title_template", "description_template", "hashtags"):
        given = wishes[name]
        value: Any = tuple(tag.removeprefix("#") for tag in given) if name == "hashtags" else given
        try:
            style = replace(style, **{name: value}) if value else style
        except BadTemplate as bad:
            faults[name] = fault(bad, words)
        except BadRequest as bad:
            faults[name] = words.error(bad)
    return style


def fault(bad: BadTemplate, words: Words) -> str:
    said = words(
        f"template.{bad.fault}",
        what=bad.what,
        placeholders=", ".join(PLACEHOLDERS),
        filters=", ".join(FILTERS),
        most=LENGTH_MAX,
    )
    return f"{words('template.line', line=bad.line)} {said}" if bad.line else said


def _drafts(session: Session, user_id: str) -> dict[str, str]:
    query = (
        owned(Draft, user_id).where(Draft.state != "discarded").order_by(col(Draft.updated_at).desc()).limit(OFFERED)
    )
    titles = {row.id: (row.fields.get("title") or {}).get("value") for row in session.exec(query)}
    return {draft: str(title) for draft, title in titles.items() if title}


def _sample(language: str) -> Listing:
    fields: dict[str, Field] = {name: stated(value) for name, value in _DRESS.items()}
    return Listing(fields, ("1", "2", "3"), language)


def _text(field: Field) -> str:
    return str(field.value or "")
