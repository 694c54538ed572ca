"""Whose word holds for the reader of photos, and what may be chosen at all."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from backend.accounts import outside
from backend.accounts.vault import Vault
from backend.core.errors import BadRequest, Conflict
from backend.core.redaction import HIDDEN, hide
from backend.db.models import ModelChoice
from backend.model_choice import SETTINGS, Kept, Wanted, considered, in_force, opened, parse_wanted, shown
from backend.settings import Settings
from backend.vision.presets import PRESETS

KEY = "sk-kept-on-the-page-0123456789"
HOME, MISTRAL = "http://127.0.0.1:11434/v1", "https://api.mistral.ai/v1"
CHOSEN = Kept(Wanted(reader="openai", address=MISTRAL, model="pixtral", price_input=1, day_budget=2), KEY)
OFFLINE = Kept(Wanted(reader="embedded"))


def settings(**given: Any) -> Settings:
    return Settings(data=Path("/nowhere"), **given)


@pytest.mark.parametrize(
    ("environment", "kept", "holds", "word"),  # of reader, address, key and model: environment, page or default
    [
        ({}, None, ("embedded", None, None, "gpt-4o"), "dddd"),
        ({}, CHOSEN, ("openai", MISTRAL, KEY, "pixtral"), "pppp"),
        ({}, OFFLINE, ("embedded", None, None, "gpt-4o"), "pddd"),
        # The environment's word goes first, field by field.
        ({"VINTEDBOT_ANALYZER": "embedded"}, CHOSEN, ("embedded", MISTRAL, KEY, "pixtral"), "eppp"),
        ({"VINTEDBOT_ANALYZER": "auto"}, CHOSEN, ("openai", MISTRAL, KEY, "pixtral"), "pppp"),
        ({"VINTEDBOT_MODEL": "own"}, CHOSEN, ("openai", MISTRAL, KEY, "own"), "pppe"),
        # Address and key are one word: neither's key goes to the other's address, nor is its model asked for there.
        ({"OPENAI_API_KEY": "env"}, CHOSEN, ("openai", None, "env", "gpt-4o"), "peed"),
        ({"OPENAI_BASE_URL": HOME}, CHOSEN, ("openai", HOME, None, "gpt-4o"), "peed"),
        ({"OPENAI_BASE_URL": MISTRAL + "/", "OPENAI_API_KEY": "env"}, CHOSEN,
         ("openai", MISTRAL + "/", "env", "pixtral"), "peep"),
        # Where it leaves the reader open, the page may still say offline.
        ({"OPENAI_API_KEY": "env"}, OFFLINE, ("embedded", None, "env", "gpt-4o"), "peed"),
        # Set to nothing is not set.
        ({"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}, CHOSEN, ("openai", MISTRAL, KEY, "pixtral"), "pppp"),
    ],
)  # fmt: skip
def test_whose_word_holds(
    environment: dict[str, str],
    kept: Kept | None,
    holds: tuple[str, str | None, str | None, str],
    word: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    held = in_force(settings(), kept)
    key = held.settings.openai_api_key
    now = (held.settings.reader, held.settings.openai_base_url, key.get_secret_value() if key else None)
    assert (*now, held.settings.model) == holds
    assert "".join(held.by[name][0] for name in ("reader", "address", "key", "model")) == word


def test_budgets_and_prices_have_their_word_too(monkeypatch: pytest.MonkeyPatch) -> None:
    held = in_force(settings(), CHOSEN)
    assert (held.budget.day, held.settings.model_price_input) == (2_000_000, Decimal(1))
    monkeypatch.setenv("VINTEDBOT_MODEL_DAY_BUDGET", "7")
    assert in_force(settings(), CHOSEN).budget.day == 7_000_000
    elsewhere = in_force(settings(openai_base_url=HOME, OPENAI_BASE_URL=HOME), CHOSEN).settings
    assert elsewhere.model_price_input is None, "a price is the model's it was given for"


def choose(
    environment: dict[str, Any] | None = None, kept: Kept | None = None, inside: bool = True, **wanted: Any
) -> Kept:
    return considered(parse_wanted({"reader": "openai", **wanted}), settings(**environment or {}), kept, inside=inside)


def test_what_is_left_out_is_proposed_or_stays() -> None:
    first = choose(address="http://localhost:11434/v1/")
    assert (first.wanted.address, first.wanted.model, first.key) == ("http://localhost:11434/v1", "qwen2.5vl", "")
    kept = Kept(Wanted(reader="openai", address=HOME, model="m", day_budget=3), KEY)
    assert choose(kept=kept, address=HOME, model="n").key == KEY
    assert choose(kept=kept, address=HOME, model="n", key="").key == ""
    assert choose(kept=kept, address=HOME, model="n", key="another").key == "another"
    assert choose(kept=kept, address="http://127.0.0.1:9/v1", model="n").key == "", "it was not given for that address"
    assert choose(kept=kept, address=HOME, model="n").wanted.day_budget is None
    fixed = choose({"model_day_budget": "1"}, kept=kept, address=HOME, model="n")
    assert fixed.wanted.day_budget == 3, "what the environment overrules meanwhile stays kept"
    assert choose({"OPENAI_BASE_URL": HOME}, model="n").wanted.address == HOME


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"address": "mistral"}, "model_address"),
        ({"address": "ftp://127.0.0.1"}, "model_address"),
        ({"address": "http://lea:secret@127.0.0.1/v1"}, "model_address"),
        ({"address": "http://127.0.0.1/v1?key=1"}, "model_address"),
        ({"address": "http://127.0.0.1:x/v1"}, "model_address"),
        ({"address": "http://[::1/v1"}, "model_address"),
        ({"address": HOME + "2", "model": "a\nb"}, "model_missing"),
        ({"address": "http://127.0.0.1:1/v1"}, "model_missing"),
        ({"address": HOME, "model": "m", "key": "two words"}, "model_key_unusable"),
        ({"address": HOME, "model": "m", "key": "clé"}, "model_key_unusable"),
        ({"address": MISTRAL}, "model_key_missing"),
        ({}, "model_key_missing"),
        ({"address": "https://1.1.1.1/v1", "model": "brand-new", "key": KEY, "day_budget": "1"}, "model_unpriced"),
        ({"timeout": 0}, "model_value"),
        ({"day_budget": "-1"}, "model_value"),
        ({"price_input": "NaN"}, "model_value"),
        ({"reader": "psychic"}, "model_value"),
        ({"address": "http://169.254.169.254/v1", "model": "m"}, "service_inside"),
        ({"address": "http://1.1.1.1/v1", "model": "m"}, "service_open"),
        ({"address": "https://no-such-name.invalid/v1", "model": "m"}, "service_unknown"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_told(wanted: dict[str, Any], code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        choose(**wanted)
    assert refused.value.code == code
    assert KEY not in str(refused.value)


def test_the_environments_word_is_not_overruled() -> None:
    for given, wanted in (
        ({"OPENAI_BASE_URL": HOME}, {"address": MISTRAL}),
        ({"OPENAI_BASE_URL": HOME}, {"key": KEY}),
        ({"OPENAI_BASE_URL": HOME, "model": "own"}, {"model": "other"}),
        ({"analyzer": "embedded"}, {}),
    ):
        with pytest.raises(Conflict) as refused:
            choose(given, **wanted)
        assert refused.value.code == "set_by_environment"


@pytest.mark.parametrize(
    ("address", "at_home", "for_nobody"),
    [
        ("http://127.0.0.1:11434", "", "service_inside"), ("http://[::1]:1234", "", "service_inside"),
        ("http://192.168.1.20", "", "service_inside"), ("http://[fd00::7]", "", "service_inside"),
        ("https://1.1.1.1", "", ""), ("http://[2606:4700::1111]", "service_open", "service_open"),
        *((a, "service_inside", "service_inside") for a in (
            "http://169.254.169.254", "http://[fe80::1]", "http://[::ffff:169.254.169.254]", "http://[fd00:ec2::254]",
            "http://0.0.0.0", "http://224.0.0.1", "http://255.255.255.255", "http://100.64.0.1",
            "http://[64:ff9b::a9fe:a9fe]",
        )),
    ],
)  # fmt: skip
def test_where_a_service_may_be(address: str, at_home: str, for_nobody: str) -> None:
    for inside, code in ((True, at_home), (False, for_nobody)):
        try:
            outside.check_service(address, inside=inside)
        except BadRequest as refused:
            assert refused.code == code, (address, inside)
        else:
            assert not code, (address, inside)


def test_a_key_is_shown_by_its_end_alone_and_hidden_from_then_on() -> None:
    chosen = choose(address=HOME, model="m", key=KEY)
    told = shown(in_force(settings(), chosen))
    assert (told.key_set, told.key_ends) == (True, KEY[-4:]) and KEY not in told.model_dump_json() + repr(told)
    assert hide(f"refused: {KEY}") == f"refused: {HIDDEN}"
    short = shown(in_force(settings(), Kept(chosen.wanted, "short")))
    assert (short.key_set, short.key_ends) == (True, "")
    theirs = shown(in_force(settings(OPENAI_API_KEY=SecretStr("sk-environment-0123456789")), None))
    assert (theirs.key_set, theirs.key_ends, theirs.by["key"]) == (True, "", "environment")


def test_a_key_that_cannot_be_read_is_trouble_only_where_it_is_needed() -> None:
    stranger = ModelChoice(
        chosen={"reader": "openai", "address": HOME, "model": "m"}, key=Vault(Vault.new_key()).seal({"key": KEY})
    )
    kept = opened(stranger, Vault(Vault.new_key()))
    assert kept is not None and kept.unreadable
    assert "Give it again" in in_force(settings(), kept).trouble
    assert not in_force(settings(OPENAI_BASE_URL=HOME), kept).trouble
    assert not in_force(settings(analyzer="embedded"), kept).trouble
    later = ModelChoice(chosen={"reader": "telepathy"})
    assert opened(later, Vault(Vault.new_key())) is None, "of a version to come: as if nothing was chosen"


def test_every_field_has_a_setting_and_every_preset_a_line_in_the_docs() -> None:
    assert set(SETTINGS.values()) <= set(Settings.model_fields)
    lines = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    told = re.findall(r"^\| ([^|`]+) \| `(http[^`]+)` \| [^|]+ \| ([^|]+) \|$", lines, re.M)
    assert [(title, address, tuple(re.findall("`([^`]+)`", models))) for title, address, models in told] == [
        (one.title, one.address, one.models) for one in PRESETS
    ]
