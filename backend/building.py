"""Each part as the settings want it: what it is built from, and with which keys.

Owns what the settings mean for a part. Owns no lifetime: `runtime.py` starts what is built here, and closes it.
"""

import secrets
import sys
from decimal import Decimal
from functools import partial
from typing import Any

from backend import preferences
from backend.accounts.vault import Vault, parse_keys
from backend.core import logs
from backend.core.ai_analyzer import load_analyzer
from backend.core.captcha_solver import TwoCaptchaSolver
from backend.core.errors import SetupError
from backend.core.model_calls import MICROS, Ledger
from backend.core.reading import Analyzer
from backend.core.redaction import remember
from backend.db.engine import Database
from backend.notifications.kinds import Message
from backend.notifications.mail import Mailer, parse_server
from backend.notifications.outbox import Outbox
from backend.notifications.senders import parse_targets
from backend.photos.quota import Quota
from backend.photos.store import PhotoStore
from backend.preferences import InForce, Operators
from backend.settings import Settings, kept_secret
from backend.spending.ledger import Budget
from backend.users.letters import Letters
from backend.vision.tariff import OPENAI_URL, tariff_of
from backend.watch import checks
from backend.watch.checks import Checks, Part, Probe
from backend.watch.reader import Reader
from backend.workflows.engine import JobEngine

KEY_FILE, SIGNING_FILE = "secret.key", "jwt.key"


def build_analyzer(settings: Settings, ledger: Ledger) -> Analyzer:
    """The reader of photos the settings name; a model's reader falls back on the embedded one, field by field.

    Raises SetupError for a budget on a model whose price nobody knows: it could not be kept."""
    asked = build_asked(settings, ledger)
    if settings.reader == "embedded":
        return asked
    # Only who asks for a model waits for its client.
    from backend.vision.boundaries import ModelBoundaryJudge  # noqa: PLC0415
    from backend.vision.calls import ModelCalls  # noqa: PLC0415
    from backend.vision.fallback import FallbackAnalyzer  # noqa: PLC0415

    judge = ModelBoundaryJudge(ModelCalls(**_way(settings, ledger)))
    return FallbackAnalyzer(asked, load_analyzer("embedded"), judge)


def build_asked(settings: Settings, ledger: Ledger) -> Analyzer:
    """The model's reader by itself, without one to stand in for it; the embedded one where no model is named.

    Raises SetupError as `build_analyzer` does."""
    if settings.reader == "embedded":
        return load_analyzer("embedded")
    if is_unpriced(settings):
        raise SetupError(
            f"No price of {settings.model} is known, so a budget for it can't be kept. Set VINTEDBOT_MODEL_PRICE_INPUT "
            "and VINTEDBOT_MODEL_PRICE_OUTPUT (dollars per million tokens), or unset the budget."
        )
    return load_analyzer("openai", **_way(settings, ledger))


def _way(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """How the model's service is asked: the arguments of `ModelCalls`."""
    return {
        "api_key": settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        "base_url": settings.openai_base_url,
        "model": settings.model,
        "timeout": settings.model_timeout,
        "ledger": ledger,
        "price_input": settings.model_price_input,
        "price_output": settings.model_price_output,
    }


def is_unpriced(settings: Settings) -> bool:
    """Whether there is a budget on a model whose price nobody knows."""
    return settings.reader == "openai" and budget_of(settings).limited and not reader_of(settings).tariff.known


def reader_of(settings: Settings) -> Reader:
    """The reader the settings name, without its key."""
    if settings.reader == "embedded":
        return Reader("embedded")
    address = settings.openai_base_url or OPENAI_URL
    prices = {"price_input": settings.model_price_input, "price_output": settings.model_price_output}
    return Reader("openai", settings.model, address, tariff_of(settings.model, address, **prices))


def budget_of(settings: Settings) -> Budget:
    """What calls to a model may cost, as set."""

    def micros(dollars: Decimal | None) -> int | None:
        return None if dollars is None else int(dollars * MICROS)

    return Budget(
        micros(settings.model_day_budget),
        micros(settings.model_user_day_budget),
        micros(settings.model_batch_budget),
    )


def quota_of(settings: Settings) -> Quota:
    kept = settings.storage_mb
    return Quota(settings.photos_a_day, None if kept is None else kept * 1_000_000)


async def in_force(settings: Settings, database: Database, user_id: str) -> InForce:
    """What holds for the user unless they say otherwise: their preferences, else the settings."""
    return await database.look(preferences.in_force, user_id, operators_of(settings))


def operators_of(settings: Settings) -> Operators:
    return Operators(settings.language, settings.marketplace, settings.mode)


def build_checks(settings: Settings, database: Database, store: PhotoStore, jobs: JobEngine, model: Part) -> Checks:
    """What `/ready` asks; `model` is the reader's part. Without a browser, a model or much disk the rest works."""
    return Checks(
        {
            "database": Part(partial(checks.database, database)),
            "storage": Part(partial(checks.storage, store)),
            "jobs": Part(partial(checks.jobs, lambda: jobs.somebody_works)),
            "browser": Part(partial(checks.browser_found, settings.browser), needed=False, costly=True),
            "model": model,
            "disk": Part(partial(checks.disk, settings.data), needed=False),
            "clock": Part(partial(checks.clock, settings.data), needed=False),
        }
    )


def model_check(settings: Settings) -> Probe:
    """Whether the model's service answers, where one is set."""
    if settings.reader == "embedded":
        return checks.offline_reader
    address = settings.openai_base_url or "https://api.openai.com/v1"
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    return partial(checks.model, address, key, settings.model)


def build_outbox(settings: Settings, database: Database, mailer: Mailer | None) -> Outbox:
    """The way of notifications to the outside; raises SetupError for an address that can't be used."""
    targets = parse_targets(settings.notify.get_secret_value()) if settings.notify else []
    return Outbox(database, targets, language=settings.told_in, mailer=mailer)


def build_mailer(settings: Settings) -> Mailer | None:
    """The operator's server for mail; there is none unless set. Raises SetupError for one that can't be used."""
    if settings.smtp is None:
        return None
    return Mailer(parse_server(settings.smtp.get_secret_value()), settings.mail_from)


def build_letters(settings: Settings, database: Database, mailer: Mailer | None) -> Letters | None:
    """Letters to people about their own user. Raises SetupError where links would lead nowhere."""
    if mailer is None:
        return None

    async def post(to: str, subject: str, text: str) -> bool:
        return await mailer.deliver(to, Message(subject, text))

    return Letters(database, post, address=settings.public_address, language=settings.told_in)


def build_solver(settings: Settings) -> TwoCaptchaSolver | None:
    """The solver service, an operator's opt-in: there is none without a key."""
    if settings.twocaptcha_api_key is None:
        return None
    return TwoCaptchaSolver(settings.twocaptcha_api_key.get_secret_value(), base_url=settings.captcha_url)


def secret_key(settings: Settings) -> str:
    """The keys of the vault, newest first: the setting's, or those kept in the data folder."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    return kept_secret(settings, KEY_FILE, Vault.new_key)


def signing_keys(settings: Settings) -> list[str]:
    """The keys that sign sign-in tokens, newest first: the setting's, or those kept in the data folder."""
    if settings.jwt_secret_key is not None:
        return parse_keys(settings.jwt_secret_key.get_secret_value())
    made = parse_keys(kept_secret(settings, SIGNING_FILE, lambda: secrets.token_urlsafe(48)))
    remember(made, for_good=True)
    return made


def set_up_logging(settings: Settings, level: str | None = None, *, service: bool = False) -> None:
    """Log lines to standard error; `level` instead of the setting's. A `service` logs JSON where no terminal shows it.

    What the settings keep secret stands in no line."""
    as_json = settings.log_json if settings.log_json is not None else service and not sys.stderr.isatty()
    remember(settings.secrets(), for_good=True)
    logs.set_up(level or settings.log_level, as_json=as_json)
