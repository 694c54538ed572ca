"""How a seller wants drafts written and priced: tone, templates, hashtags, price rule.

Owns the column `drafts` of `user_settings` and its shape. Does not own what a tone, a template or a price rule means
(`core/words.py`, `core/seller_template.py`, `core/pricing.py`). Changing them changes no draft that is there already:
each is written anew when a field of it changes, or when asked (`drafts.rewrite`).
"""

from typing import Annotated

from loguru import logger
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlmodel import Session

from backend.core.errors import BadRequest
from backend.core.pricing import ANY_PRICE, PriceRule
from backend.core.words import HASHTAGS_MAX, Style, Tone
from backend.db import audit
from backend.db.models import UserSettings, now
from backend.db.scope import own_row


class Preferences(BaseModel):
    """A seller's wishes; each has a default. Templates: docs/words-and-prices.md."""

    model_config = ConfigDict(extra="forbid")

    tone: Tone = "plain"
    title_template: Annotated[str, Field(max_length=4000)] | None = None
    description_template: Annotated[str, Field(max_length=4000)] | None = None
    hashtags: Annotated[tuple[str, ...], Field(max_length=HASHTAGS_MAX)] = ()
    price_rule: PriceRule = ANY_PRICE

    @field_validator("title_template", "description_template", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("hashtags", mode="before")
    @classmethod
    def _without_sign(cls, value: object) -> object:
        tags = value if isinstance(value, list | tuple) else ()
        return tuple(dict.fromkeys(str(tag).strip().removeprefix("#") for tag in tags))

    @property
    def style(self) -> Style:
        """Raises BadRequest for what can't be used."""
        return Style(self.tone, self.title_template, self.description_template, self.hashtags)


def preferences_of(session: Session, user_id: str) -> Preferences:
    """The user's wishes, or the defaults; those too where what is stored is no longer understood, which is logged."""
    stored = own_row(session, UserSettings, user_id)
    try:
        wishes = Preferences.model_validate(stored.drafts) if stored else Preferences()
        assert wishes.style, "reading the style checks it"
    except (ValueError, BadRequest) as error:
        logger.bind(user=user_id).warning("preferences_not_understood: {}", error)
        return Preferences()
    return wishes


def keep_preferences(session: Session, user_id: str, preferences: Preferences) -> Preferences:
    """Keeps them. Raises BadRequest for a bad template, naming its line, or a bad hashtag."""
    assert preferences.style, "reading the style checks it"
    stored = own_row(session, UserSettings, user_id) or UserSettings(user_id=user_id)
    stored.drafts, stored.updated_at = preferences.model_dump(mode="json"), now()
    session.add(stored)
    audit.record(session, "preferences.changed", user_id)
    return preferences


def with_changes(preferences: Preferences, changes: dict[str, object]) -> Preferences:
    """With some wishes changed; names of the price rule (aim, rounding, floor, margin) count too. Raises BadRequest."""
    rule = {name: changes[name] for name in ("aim", "rounding", "floor", "margin") if name in changes}
    others = {name: value for name, value in changes.items() if name not in rule}
    stored = preferences.model_dump(mode="json")
    try:
        return Preferences.model_validate({**stored, **others, "price_rule": {**stored["price_rule"], **rule}})
    except ValueError as error:
        raise BadRequest(f"These wishes can't be used: {error}", code="bad_preferences") from None
