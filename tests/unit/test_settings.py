"""Settings: names, defaults, secrets, and their page in the docs."""

import re
import stat
from pathlib import Path

import pytest

from backend.accounts.vault import Vault
from backend.core.errors import SessionExpired, SetupError
from backend.settings import Settings, kept_secret, load_settings, prepare_data_folder

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def names() -> set[str]:
    """Each setting's name in the environment."""
    found = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        found.add(str(alias.choices[0]) if alias else f"VINTEDBOT_{name.upper()}")  # type: ignore[union-attr]
    return found


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", DOCS.read_text(), re.M)) == names()


def test_documented_defaults_are_the_real_ones() -> None:
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", DOCS.read_text(), re.M))
    settings = Settings(data=Path("/nowhere"))
    for name in ("PORT", "VINTEDBOT_HOST", "VINTEDBOT_MODE", "VINTEDBOT_ANALYZER", "VINTEDBOT_MAX_PHOTOS"):
        assert documented[name] == str(getattr(settings, name.removeprefix("VINTEDBOT_").lower()))


def test_the_users_names_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "5999")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@h/n")
    settings = load_settings()
    assert settings.port == 5999
    assert settings.database == "postgresql+psycopg://a:b@h/n"
    assert settings.reader == "openai"
    assert "sk-canary" not in repr(settings)


def test_the_port_is_5000_unless_set() -> None:
    assert load_settings().port == 5000


def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINTEDBOT_MODE", "yolo")
    with pytest.raises(SetupError, match=r"mode.*docs/settings.md"):
        load_settings()


def test_a_secret_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    prepare_data_folder(settings)
    first = kept_secret(settings, "jwt.key", lambda: "one")
    again = kept_secret(settings, "jwt.key", lambda: "two")
    assert (first, again) == ("one", "one")
    assert stat.S_IMODE((settings.data / "jwt.key").stat().st_mode) == 0o600
    assert [p.name for p in settings.data.iterdir()] == ["jwt.key"]


def test_the_vault_opens_only_with_its_own_key() -> None:
    vault = Vault(Vault.new_key())
    sealed = vault.seal({"cookies": [{"value": "canary"}]})
    assert b"canary" not in sealed
    assert vault.open(sealed) == {"cookies": [{"value": "canary"}]}
    with pytest.raises(SessionExpired, match="vintedbot login"):
        Vault(Vault.new_key()).open(sealed)


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(SetupError, match="VINTEDBOT_SECRET_KEY"):
        Vault("short")
