"""Every setting and its default, read once from the environment and `.env`.

Owns names, types, defaults and the secrets made at first start. Read by the roots only (`app`, `cli`,
`runtime`); everything below is handed values. `docs/settings.md` describes each one; a test keeps it so.
"""

import errno
import os
import re
import secrets
from collections.abc import Callable
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote

from limits import parse
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.core import wording
from backend.core.errors import SetupError
from backend.core.files import write_first
from backend.core.modes import Mode


def _data_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "vintedbot"


def _named(name: str) -> AliasChoices:
    return AliasChoices(name)


Seconds = Annotated[float, Field(gt=0, le=3600)]
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000)]


class Settings(BaseSettings):
    """The one settings object: frozen, built by `load_settings`."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_prefix="VINTEDBOT_")

    # Where things live
    data: Path = Field(default_factory=_data_home, description="Folder of everything VintedBot keeps.")
    database_url: str | None = Field(
        None,
        validation_alias=_named("DATABASE_URL"),
        description="SQLite file in the data folder, or postgresql://…",
    )
    storage_url: str | None = Field(
        None, validation_alias=_named("STORAGE_URL"), description="Where photos are kept: file:///folder."
    )

    # The server
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        5000, validation_alias=_named("PORT"), description="Port of the server."
    )
    host: str = Field("127.0.0.1", description="Address the server listens on.")
    sign_in: Literal["auto", "always"] = Field(
        "auto", description="Whether this machine's own person has to sign in too; everybody else always has to."
    )
    registration: Literal["open", "invite", "closed"] = Field(
        "closed", description="Who may make a user by themselves, once there is a first one."
    )
    jwt_secret_key: SecretStr | None = Field(
        None,
        validation_alias=_named("JWT_SECRET_KEY"),
        description="Signs sign-in tokens (several keys, newest first); made at first start.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Encrypts kept sessions and a model's key (Fernet keys, newest first); made at first start.",
    )
    names: str = Field("", description="Names the server is reached by, commas between; this machine's own always are.")
    address: str | None = Field(
        None, description="Address people reach the server by, which links in mails begin with."
    )
    trusted_proxies: str = Field(
        "",
        description="Proxies whose X-Forwarded-For and -Proto are believed: addresses or networks, commas between.",
    )
    public_docs: bool = Field(False, description="Whether /docs and /openapi.json are for others than this machine.")
    private_addresses: bool | None = Field(
        None, description="Whether users may name addresses within this network; by default only on loopback."
    )
    limit_publish: str = Field("5/minute", description="Publish requests of one user.")
    limit_uploads: str = Field("30/minute", description="Uploads of one user; four times as many from one address.")
    limit_logins: str = Field("10/minute", description="Tries to sign in; four times as many from one address.")
    limit_downloads: str = Field("20/minute", description="Exports and photos as files, of one user.")
    limit_writes: str = Field("300/minute", description="Other changes of one user; four times from one address.")
    limit_reads: str = Field("3000/minute", description="Reads of one user; four times as many from one address.")
    max_upload_mb: Annotated[int, Field(ge=1)] = Field(4000, description="Most megabytes of one upload.")
    photos_a_day: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Most photos a user may upload within 24 hours."
    )
    storage_mb: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Most megabytes of photos kept for one user."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token that may read /metrics from elsewhere than this machine."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe line logged.")
    log_json: bool | None = Field(
        None, description="Log JSON lines (true) or text (false); unset: JSON where no terminal shows them."
    )
    log_days: Annotated[int, Field(ge=1)] = Field(14, description="Days for which log lines are kept.")
    traces: str | None = Field(None, description="Address traces are sent to (OTLP over HTTP); none when unset.")
    worker_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="Port at which a worker answers /metrics, /health and /ready."
    )

    # Reading photos
    analyzer: Literal["auto", "embedded", "openai"] = Field(
        "auto", description="Reader of photos; auto is openai when a key or address is set, else embedded."
    )
    openai_api_key: SecretStr | None = Field(
        None, validation_alias=_named("OPENAI_API_KEY"), description="Key of the vision model's service."
    )
    openai_base_url: str | None = Field(
        None, validation_alias=_named("OPENAI_BASE_URL"), description="Address of an OpenAI-compatible service."
    )
    model: str = Field("gpt-4o", description="Vision model asked for.")
    model_timeout: Seconds = Field(60.0, description="Seconds one call to the vision model may take.")
    model_price_input: Dollars | None = Field(
        None, description="Its price in dollars per million tokens in, instead of the table's."
    )
    model_price_output: Dollars | None = Field(
        None, description="Its price in dollars per million tokens out, instead of the table's."
    )
    model_day_budget: Dollars | None = Field(
        None, description="Dollars all calls of a day (UTC) may cost; then the embedded reader reads alone."
    )
    model_user_day_budget: Dollars | None = Field(
        None, description="Dollars one user's calls of a day (UTC) may cost; then the embedded reader reads alone."
    )
    model_batch_budget: Dollars | None = Field(
        None, description="Dollars the calls for one batch may cost; then the embedded reader reads alone."
    )
    inbox: Path | None = Field(
        None,
        description="Folder to watch: photos put there become a batch; then they are moved to its subfolder `taken`.",
    )
    max_photos: Annotated[int, Field(ge=1)] = Field(2000, description="Most photos in one batch.")

    # Publishing
    marketplace: str = Field("https://www.vinted.fr", description="Address of the marketplace for new accounts.")
    language: wording.Language | None = Field(
        None, description="Language of drafts, where the seller states none; that of their marketplace when unset."
    )
    mode: Mode = Field("dry_run", description="What publishing does by default: rehearse, save as a draft, or publish.")
    browser: str | None = Field(None, description="Path of the Chromium to use; found by itself when unset.")
    browser_contexts: Annotated[int, Field(ge=1, le=16)] = Field(2, description="Browser contexts open at once.")
    notify: SecretStr | None = Field(
        None, description="Where notifications are sent beside the page: apprise URLs, blanks between them."
    )
    smtp: SecretStr | None = Field(
        None, description="Server mail is sent by: smtps://user:password@host or smtp://user:password@host:587."
    )
    mail_from: str = Field("", description="Address mail comes from.")
    evidence_days: Annotated[int, Field(ge=1)] = Field(
        30, description="Days for which the evidence of failed publications is kept."
    )
    challenge_hours: Annotated[float, Field(gt=0, le=72)] = Field(
        12, description="How long a challenge's page stays open for its account's owner."
    )
    twocaptcha_api_key: SecretStr | None = Field(
        None, validation_alias=_named("TWOCAPTCHA_API_KEY"), description="Key of a challenge solver; off when unset."
    )
    captcha_url: str = Field("https://2captcha.com", description="Address of the challenge solver.")

    @field_validator("limit_publish", "limit_uploads", "limit_logins", "limit_downloads", "limit_writes", "limit_reads")
    @classmethod
    def _limit_is_one(cls, text: str) -> str:
        try:
            parse(text)
        except ValueError:
            raise ValueError(f"{text!r} is no limit such as 30/minute or 500/hour") from None
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, text: str) -> str:
        for one in listed(text):
            ip_network(one, strict=False)
        return text

    def secrets(self) -> set[str]:
        """Every value in here that must not be told, for redaction: keys, tokens, passwords within addresses."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        whole = {name: value.get_secret_value() for name, value in given.items() if isinstance(value, SecretStr)}
        parts = {one for value in whole.values() for one in re.split(r"[\s,]+", value)}
        addresses = [*parts, self.database_url or "", self.openai_base_url or "", self.captcha_url]
        return parts | {one for address in addresses if "://" in address for one in _within(address)}

    @property
    def told_in(self) -> wording.Language:
        """The language of whoever says none: the one set, else the marketplace's. Whoever tells something in it has
        French and English (`core/texts`)."""
        return self.language or wording.language_at(self.marketplace) or wording.FIRST

    @property
    def server_names(self) -> tuple[str, ...]:
        return tuple(name.lower() for name in listed(self.names))

    @property
    def public_address(self) -> str:
        """What links in mails begin with. Raises SetupError where the server goes by no name others could use."""
        if self.address:
            return self.address.rstrip("/")
        if self.server_names:
            return f"https://{self.server_names[0]}"
        if self.host in ("127.0.0.1", "localhost"):
            return f"http://127.0.0.1:{self.port}"
        raise SetupError("Mail with links needs the address people reach this server by: set VINTEDBOT_ADDRESS.")

    @property
    def database(self) -> str:
        """SQLAlchemy's address of our tables."""
        url = self.database_url or f"sqlite:///{self.data.absolute() / 'vintedbot.db'}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1).replace(
            "postgres://", "postgresql+psycopg://", 1
        )

    @property
    def engine_database(self) -> str:
        """Address of the job engine's tables: a file of its own on SQLite, the same server on PostgreSQL."""
        return (
            f"sqlite:///{self.data.absolute() / 'engine.db'}" if self.database.startswith("sqlite") else self.database
        )

    @property
    def photo_folder(self) -> Path:
        if self.storage_url is None:
            return self.data / "photos"
        if not self.storage_url.startswith("file://"):
            raise SetupError(f"STORAGE_URL {self.storage_url!r}: only file:///folder is supported.")
        return Path(self.storage_url.removeprefix("file://"))

    @property
    def log_folder(self) -> Path:
        return self.data / "logs"

    @property
    def evidence_folder(self) -> Path:
        """Below it, a folder for each publication that failed, and `checks` for accounts' checks that did."""
        return self.data / "evidence"

    @property
    def uploads_folder(self) -> Path:
        """Photos of uploads that are not finished."""
        return self.data / "uploads"

    @property
    def incoming_folder(self) -> Path:
        """Below it, a folder for each batch whose uploaded files are still to be taken in."""
        return self.data / "incoming"

    @property
    def reader(self) -> Literal["embedded", "openai"]:
        if self.analyzer != "auto":
            return self.analyzer
        return "openai" if self.openai_api_key or self.openai_base_url else "embedded"


def _within(address: str) -> set[str]:
    """The parts of an address that may be secret: user and password, and long parts of path and query, which
    messengers' addresses keep their tokens in."""
    rest = address.partition("://")[2]
    login, _, place = rest.rpartition("@")
    telling = {part for part in re.split(r"[/?&=:]", place) if len(part) >= _TELLING}
    return {unquote(part) for part in (*login.split(":")[1:], *telling)} | telling | set(login.split(":")[1:])


_TELLING = 16
"""Letters from which on a part of an address is taken for a token: shorter ones are names of hosts and folders."""


def variable_of(name: str) -> str:
    """What a setting is called in the environment."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"VINTEDBOT_{name.upper()}"


def listed(text: str) -> list[str]:
    """What stands between commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, `.env` and these overrides. Raises SetupError naming the bad setting."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SetupError(f"A setting can't be used: {problems}. See docs/settings.md.") from None


def prepare_data_folder(settings: Settings) -> None:
    """Makes the data folder, private to its owner. Raises SetupError when it can't be written to."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = settings.data / f".writable-{secrets.token_hex(4)}"
        try:
            probe.write_bytes(b"x" * 65_536)
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SetupError(
                f"The disk of the data folder {settings.data} is full. Free some space; nothing stored is lost, and "
                "what was under way goes on at the next start."
            ) from error
        raise SetupError(
            f"The data folder {settings.data} can't be written to ({error.strerror}). "
            "Make it writable or set VINTEDBOT_DATA to another folder."
        ) from error


def kept_secret(settings: Settings, name: str, make: Callable[[], str]) -> str:
    """The secret in the data folder's file `name`, made by `make()` (mode 0600) at first need.

    Two processes starting together agree on one: the first to write it wins."""
    path = settings.data / name
    if not path.exists():
        write_first(path, make().encode())
    return path.read_text().strip()
