"""Which reader reads the photos, as the admin chose it: what may be chosen, what is kept, and whose word holds.

Owns the row of `model_choices` and the order of words, here and nowhere else: what the environment says, then what was
chosen, then the default, field by field; but address and key are one word, and a model with its prices is one for the
address it was chosen for, so that no key is sent and no model asked for where it was not meant. Owns no client of a
model (`chosen_reader.py`) and no default (`settings.py`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from loguru import logger
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from sqlmodel import Session

from backend.accounts import outside
from backend.accounts.vault import Vault
from backend.building import budget_of, is_unpriced, reader_of
from backend.core.errors import BadRequest, Conflict, SessionExpired
from backend.core.redaction import remember
from backend.db import audit
from backend.db.models import ModelChoice, new_id, now
from backend.settings import Dollars, Seconds, Settings, variable_of
from backend.spending.ledger import Budget
from backend.vision.presets import preset_of
from backend.vision.tariff import OPENAI_URL
from backend.watch.reader import Reader

Name = Literal[
    "reader", "address", "key", "model", "timeout", "price_input", "price_output", "day_budget", "user_day_budget",
    "batch_budget",
]  # fmt: skip
Source = Literal["environment", "page", "default"]
SETTINGS: Mapping[Name, str] = {
    name: {"reader": "analyzer", "address": "openai_base_url", "key": "openai_api_key", "model": "model"}.get(
        name, f"model_{name}"
    )
    for name in get_args(Name)
}
"""The setting each field stands for."""
SERVICE: frozenset[Name] = frozenset({"address", "key"})
OF_THE_MODEL: frozenset[Name] = frozenset({"model", "price_input", "price_output"})
NUMBERS: tuple[Name, ...] = get_args(Name)[4:]
_ENDS, _LONG_ENOUGH = 4, 12
"""Letters of a key that are shown, of one so long at least."""


class Wanted(BaseModel):
    """A choice of reader. Left out, an address is OpenAI's own, a model the one proposed for the service, the rest the
    default; a `key` that is left out stays the kept one as long as the address does, and "" forgets it.
    Prices are dollars per million tokens, budgets dollars, `timeout` seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["embedded", "openai"]
    address: Annotated[str, Field(max_length=500)] = ""
    model: Annotated[str, Field(max_length=200)] = ""
    key: Annotated[SecretStr, Field(max_length=500)] | None = None
    timeout: Seconds | None = None
    price_input: Dollars | None = None
    price_output: Dollars | None = None
    day_budget: Dollars | None = None
    user_day_budget: Dollars | None = None
    batch_budget: Dollars | None = None


class BadChoice(BadRequest):
    """A choice that can't be used; `field` is the one at fault."""

    def __init__(self, message: str, field: Name, *, code: str) -> None:
        super().__init__(message, code=code)
        self.field = field


@dataclass(frozen=True)
class Kept:
    """A choice, opened. `wanted` is without the key; `unreadable` is a key that none of the vault's fits."""

    wanted: Wanted
    key: str = ""
    unreadable: bool = False
    changed_at: datetime | None = None

    @property
    def says(self) -> dict[Name, Any]:
        """The fields it has a word on."""
        said: dict[Name, Any] = {name: getattr(self.wanted, name) for name in SETTINGS if name != "key"}
        said["key"] = SecretStr(self.key) if self.key else None
        return {name: value for name, value in said.items() if value not in (None, "")}


@dataclass(frozen=True)
class InForce:
    """The settings as they hold, and by whose word each field does."""

    settings: Settings
    by: Mapping[Name, Source]
    kept: Kept | None = None

    @property
    def reader(self) -> Reader:
        return reader_of(self.settings)

    @property
    def budget(self) -> Budget:
        return budget_of(self.settings)

    @property
    def trouble(self) -> str:
        """Why no reader can be built of it, where that is known."""
        lost = self.kept is not None and self.kept.unreadable and self.by["key"] != "environment"
        if not lost or self.settings.reader == "embedded":
            return ""
        return (
            "The kept key of the model's service can't be read with this installation's present key. Give it again: "
            "page Settings, Reader and costs, or vintedbot model set --key."
        )


class Shown(BaseModel):
    """How the reader is set. Of the key only whether there is one and, where it was given here, how it ends. `by` says
    whose word each field is: `environment` (can't be changed here; `variables` are its names there), `page`,
    `default`. `kept` is whether anything was chosen here at all, `trouble` why it can't work."""

    reader: Literal["embedded", "openai"]
    address: str
    model: str
    key_set: bool
    key_ends: str
    timeout: float
    price_input: Dollars | None
    price_output: Dollars | None
    day_budget: Dollars | None
    user_day_budget: Dollars | None
    batch_budget: Dollars | None
    by: dict[Name, Source]
    variables: dict[Name, str]
    kept: bool
    changed_at: datetime | None
    trouble: str


def parse_wanted(values: Mapping[str, Any]) -> Wanted:
    """Raises BadChoice for what is none."""
    try:
        return Wanted.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name: Any = first["loc"][0]
        raise BadChoice(f"{name}: {first['msg']}", name, code="model_value") from None


def in_force(settings: Settings, kept: Kept | None) -> InForce:
    """What holds, by the environment's `settings` and what is kept."""
    given = _given(settings)
    by: dict[Name, Source] = {name: "environment" if name in given else "default" for name in SETTINGS}
    changes: dict[str, Any] = {}
    if kept is not None:
        address = settings.openai_base_url if "address" in given else kept.wanted.address
        elsewhere = OF_THE_MODEL if place_of(address) != place_of(kept.wanted.address) else frozenset()
        for name, value in kept.says.items():
            if name not in given | elsewhere:
                changes[SETTINGS[name]], by[name] = value, "page"
    return InForce(settings.model_copy(update=changes), by, kept)


def shown(held: InForce) -> Shown:
    settings = held.settings
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    tells = held.by["key"] == "page" and len(key) >= _LONG_ENOUGH
    return Shown(
        reader=settings.reader,
        address=place_of(settings.openai_base_url),
        model=settings.model,
        key_set=bool(key),
        key_ends=key[-_ENDS:] if tells else "",
        **{name: getattr(settings, SETTINGS[name]) for name in NUMBERS},
        by=dict(held.by),
        variables={name: variable_of(setting) for name, setting in SETTINGS.items()},
        kept=held.kept is not None,
        changed_at=held.kept.changed_at if held.kept else None,
        trouble=held.trouble,
    )


def considered(wanted: Wanted, settings: Settings, kept: Kept | None, *, inside: bool) -> Kept:
    """The choice as it would be kept; `inside` is whether it may lead into this machine's network. Blocks while the
    address is looked up. Raises BadChoice, BadRequest for the address, Conflict (`set_by_environment`)."""
    if wanted.key is not None:
        remember([wanted.key.get_secret_value()], for_good=True)
    given = _given(settings)
    _respect_environment(wanted, settings, given)
    before = kept.wanted if kept else Wanted(reader=wanted.reader)
    values = {name: getattr(before if name in given else wanted, name) for name in SETTINGS if name != "key"}
    values["reader"] = wanted.reader
    values["address"] = place_of(settings.openai_base_url) if "address" in given else _address(wanted)
    values["model"] = _model(values["model"].strip(), values["address"], wanted.reader, fixed="model" in given)
    chosen = Kept(Wanted(**values), "" if "key" in given else _key(wanted, values["address"], kept))
    if wanted.reader == "openai" and "address" not in given:
        outside.check_service(chosen.wanted.address, inside=inside)
    if is_unpriced((would := in_force(settings, chosen)).settings):
        raise BadChoice(
            f"No price of {would.settings.model} is known, so a budget can't be kept. Give its prices, or no budget.",
            "price_input",
            code="model_unpriced",
        )
    return chosen


def keep(session: Session, vault: Vault, choice: Kept) -> tuple[Name, ...]:
    """Keeps it; returns which fields are others now. Where none is, nothing is written."""
    row = find(session, lock=True)
    before = opened(row, vault)
    old, new = before.says if before else {}, choice.says
    changed = tuple(name for name in SETTINGS if old.get(name) != new.get(name))
    if not changed and before is not None and not before.unreadable:
        return ()
    row = row or ModelChoice()
    row.revision, row.changed_at = new_id(), now()
    row.chosen = choice.wanted.model_dump(mode="json", exclude={"key"}, exclude_defaults=True)
    row.key = vault.seal({"key": choice.key}) if choice.key else None
    session.add(row)
    host = urlsplit(choice.wanted.address).netloc
    told: dict[str, Any] = {"host": host, "model": choice.wanted.model} if choice.wanted.reader == "openai" else {}
    audit.record(session, "model.chosen", None, reader=choice.wanted.reader, fields=list(changed), **told)
    return changed


def forget(session: Session) -> bool:
    """Back to what the environment says; whether there was anything to forget."""
    row = find(session, lock=True)
    if row is None:
        return False
    session.delete(row)
    audit.record(session, "model.forgotten", None)
    return True


def find(session: Session, *, lock: bool = False) -> ModelChoice | None:
    return session.get(ModelChoice, 1, with_for_update=lock)


def opened(row: ModelChoice | None, vault: Vault) -> Kept | None:
    """What the row keeps, readable; None where there is none, or where it is no longer understood, which is logged."""
    if row is None:
        return None
    try:
        wanted = Wanted.model_validate(row.chosen)
    except ValidationError as error:
        logger.warning("model_choice_not_understood: {} of its fields", error.error_count())
        return None
    try:
        key = str(vault.open(row.key)["key"]) if row.key is not None else ""
    except SessionExpired:
        return Kept(wanted, unreadable=True, changed_at=row.changed_at)
    remember([key], for_good=True)
    return Kept(wanted, key, changed_at=row.changed_at)


def place_of(address: str | None) -> str:
    """The address that is asked, as it is compared."""
    return (address or OPENAI_URL).rstrip("/")


def _given(settings: Settings) -> frozenset[Name]:
    """The fields the environment has a word on: set to something, and not to `auto`, which leaves it open."""
    found = {
        name
        for name, setting in SETTINGS.items()
        if setting in settings.model_fields_set and _plain(getattr(settings, setting)) not in (None, "", "auto")
    }
    return frozenset(found | SERVICE if found & SERVICE else found)


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _respect_environment(wanted: Wanted, settings: Settings, given: frozenset[Name]) -> None:
    """Raises Conflict where something else is wanted than the environment says."""
    for name in SETTINGS:
        said, holds = _plain(getattr(wanted, name)), _plain(getattr(settings, SETTINGS[name]))
        same = place_of(said) == place_of(holds) if name == "address" else said == holds
        if name in given and said not in (None, "") and not same:
            raise Conflict(
                f"The environment sets this ({variable_of(SETTINGS[name])}), and its word goes first. Take it out "
                "there to choose here.",
                code="set_by_environment",
            )


def _address(wanted: Wanted) -> str:
    """Raises BadChoice for what is no address of a service."""
    if wanted.reader == "embedded" and not wanted.address.strip():
        return ""
    address = place_of(wanted.address.strip())
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password or parts.query or parts.fragment or re.search(r"[\s\\]", address):
        raise BadChoice(
            "An address is written like https://api.mistral.ai/v1 or http://localhost:11434/v1, without name, password "
            "or question mark; a key has a field of its own.",
            "address",
            code="model_address",
        )
    return address


def _model(model: str, address: str, reader: str, *, fixed: bool) -> str:
    preset = preset_of(address)
    model = model or (preset.model if preset and not fixed and address else "")
    if reader == "openai" and not fixed and not (model and model.isprintable()):
        raise BadChoice("Name the model to ask for, as its service calls it.", "model", code="model_missing")
    return model


def _key(wanted: Wanted, address: str, kept: Kept | None) -> str:
    """A kept key stays with its address. Raises BadChoice for none where one is needed."""
    if wanted.key is not None:
        key = wanted.key.get_secret_value().strip()
    else:
        key = kept.key if kept and place_of(kept.wanted.address) == address else ""
    if key and not re.fullmatch("[!-~]+", key):
        raise BadChoice("A key is one word of plain letters, digits and signs.", "key", code="model_key_unusable")
    preset = preset_of(address)
    if not key and wanted.reader == "openai" and preset and preset.needs_key:
        raise BadChoice(f"{preset.title} needs a key.", "key", code="model_key_missing")
    return key
