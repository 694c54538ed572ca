"""What a person wants as a rule: languages, their marketplace, how drafts are written and priced, the usual pace.

Owns the `user_settings` table and its shape; one service for the page, the API and the command line. Does not own what
a tone, a template, a price rule or a pace means (`core`), nor the operator's settings (`settings.py`), which hold where
a preference is left open. Changing them changes no draft that is there already: each is written anew when a field of it
changes, or when asked (`drafts.rewrite`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from loguru import logger
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlmodel import Session, col

from backend.core import catalog, wording
from backend.core.errors import BadRequest
from backend.core.modes import Mode
from backend.core.pacing import HARD_LIMIT, Pace
from backend.core.pricing import ANY_PRICE, PriceRule
from backend.core.words import HASHTAGS_MAX, Style, Tone
from backend.db import audit
from backend.db.models import Account, UserSettings, now
from backend.db.scope import own_row, owned

Language = Literal["fr", "en"]
"""Of the pages and of mail."""
NESTED: Mapping[str, tuple[str, ...]] = {
    "price_rule": ("aim", "rounding", "floor", "margin"),
    "pace": ("per_day", "gap", "quiet", "timezone"),
}
"""Preferences with parts that may be changed one by one."""
STATED = ("audience", "condition", "parcel")
"""What may be stated of every new batch. A batch's own statements go before them."""


@dataclass(frozen=True)
class InForce:
    """The language of new drafts, the marketplace of new accounts, how far publishing goes unless said otherwise."""

    listing_language: wording.Language
    marketplace: str
    mode: Mode


@dataclass(frozen=True)
class Operators:
    """What holds where a person leaves it open; `listing_language` None is left to the marketplace."""

    listing_language: wording.Language | None
    marketplace: str
    mode: Mode


class BadPreferences(BadRequest):
    """Wishes that can't be used; `fields` names them."""

    code = "bad_preferences"

    def __init__(self, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fields = fields


class Preferences(BaseModel):
    """A person's wishes. None is left open: as the operator set it, as the browser asks (`language`), or as the
    marketplace speaks (`listing_language`).

    `listing_language`, `mode`, `audience`, `condition` and `parcel` hold for what is new; `pace` for every account
    without its own; `mail` is whether notifications come by mail too. Templates: docs/words-and-prices.md."""

    model_config = ConfigDict(extra="forbid")

    language: Language | None = None
    listing_language: wording.Language | None = None
    marketplace: Annotated[str, Field(max_length=200, pattern=r"^https?://[^\s/]+/?$")] | None = None
    mode: Mode | None = None
    audience: str | None = None
    condition: str | None = None
    parcel: str | None = None
    tone: Tone = "plain"
    title_template: Annotated[str, Field(max_length=4000)] | None = None
    description_template: Annotated[str, Field(max_length=4000)] | None = None
    hashtags: Annotated[tuple[str, ...], Field(max_length=HASHTAGS_MAX)] = ()
    price_rule: PriceRule = ANY_PRICE
    pace: Pace = Pace()
    mail: bool = False

    @field_validator("language", "listing_language", "mode", "marketplace", *STATED, mode="before")
    @classmethod
    def _blank_is_open(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("title_template", "description_template", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("hashtags", mode="before")
    @classmethod
    def _without_sign(cls, value: object) -> object:
        tags = value if isinstance(value, list | tuple) else ()
        return tuple(dict.fromkeys(str(tag).strip().removeprefix("#") for tag in tags))

    @field_validator(*STATED)
    @classmethod
    def _known(cls, value: str | None, info: Any) -> str | None:
        known = {"audience": catalog.AUDIENCES, "condition": catalog.conditions(), "parcel": catalog.parcels()}
        offered = list(known[info.field_name])
        if value is not None and value not in offered:
            raise ValueError(f"one of: {', '.join(offered)}")
        return value

    @field_validator("pace")
    @classmethod
    def _within_the_limit(cls, pace: Pace) -> Pace:
        if pace.per_minute > HARD_LIMIT:
            raise ValueError(f"at most {HARD_LIMIT} listings a minute are allowed on a marketplace")
        return pace

    @property
    def style(self) -> Style:
        """Raises BadRequest for what can't be used."""
        return Style(self.tone, self.title_template, self.description_template, self.hashtags)

    def for_batch(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        """What holds for a new batch: what is stated of it (None: left open this time), else what is usual."""
        whole = {**{name: getattr(self, name) for name in STATED}, **stated}
        return {name: value for name, value in whole.items() if value is not None}


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


def in_force(session: Session, user_id: str, operators: Operators) -> InForce:
    """What holds for this person: the operator's where they left it open."""
    wishes = preferences_of(session, user_id)
    return InForce(
        wishes.listing_language or usual_language(session, user_id, operators),
        (wishes.marketplace or operators.marketplace).rstrip("/"),
        wishes.mode or operators.mode,
    )


def usual_language(session: Session, user_id: str, operators: Operators) -> wording.Language:
    """What new drafts are written in while the person says nothing of it: the operator's language, or that of the
    marketplace they sell on: where their accounts are, if those speak one language, else where new ones would be."""
    if operators.listing_language is not None:
        return operators.listing_language
    accounts = session.exec(owned(Account, user_id).where(col(Account.removed_at).is_(None)))
    spoken = {account.language for account in accounts}
    if len(spoken) == 1 and (language := spoken.pop()) in wording.LANGUAGES:
        return wording.written(language)
    marketplace = preferences_of(session, user_id).marketplace or operators.marketplace
    return wording.language_at(marketplace) or wording.FIRST


def keep_preferences(session: Session, user_id: str, preferences: Preferences) -> Preferences:
    """Keeps them. Raises BadRequest for a bad template, naming its line, or a bad hashtag."""
    assert preferences.style, "reading the style checks it"
    stored = own_row(session, UserSettings, user_id) or UserSettings(user_id=user_id)
    stored.drafts, stored.updated_at = preferences.model_dump(mode="json", exclude_defaults=True), now()
    session.add(stored)
    audit.record(session, "preferences.changed", user_id)
    return preferences


def change_preferences(session: Session, user_id: str, changes: Mapping[str, object]) -> Preferences:
    """Changes these and leaves the others. Raises BadRequest as `with_changes` does."""
    return keep_preferences(session, user_id, with_changes(preferences_of(session, user_id), changes))


def with_changes(preferences: Preferences, changes: Mapping[str, object]) -> Preferences:
    """With some wishes changed; names of the price rule (aim …) and the pace (per_day …) count too.

    Raises BadRequest (`bad_preferences`)."""
    wanted: dict[str, Any] = preferences.model_dump(mode="json")
    for name, value in changes.items():
        whole = next((whole for whole, parts in NESTED.items() if name in parts), None)
        if whole is None:
            wanted[name] = value
        else:
            wanted[whole] = {**wanted[whole], name: value}
    return parse_preferences(wanted)


def parse_preferences(values: Mapping[str, Any]) -> Preferences:
    """Raises BadRequest (`bad_preferences`, or `price_floor` and the like) that names what can't be used."""
    try:
        return Preferences.model_validate(dict(values))
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'all'}: {e['msg']}" for e in error.errors())
        fields = tuple(str(part) for e in error.errors() for part in e["loc"])
        raise BadPreferences(f"These wishes can't be used: {said}", fields) from None


def defaults_of(*names: str) -> dict[str, Any]:
    """What these are when nobody stated anything, by name; parts of a price rule or a pace by theirs."""
    plain = Preferences().model_dump(mode="json")
    flat = plain | {part: plain[whole][part] for whole, parts in NESTED.items() for part in parts}
    return {name: flat[name] for name in names}


def pace_of(session: Session, account: Account) -> Pace:
    """How fast this account goes: what is set for it, and its owner's usual pace for the rest."""
    if account.pace.keys() >= Pace.model_fields.keys():
        return Pace.model_validate(account.pace)
    usual = preferences_of(session, account.user_id).pace
    return Pace.model_validate({**usual.model_dump(), **account.pace})
