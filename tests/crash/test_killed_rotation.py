"""A key change killed at each of its steps leaves every session readable, and the next one ends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from sqlmodel import select

from backend.accounts import keys, service
from backend.accounts.keys import KeyFile, Step
from backend.accounts.vault import Vault, parse_keys
from backend.db.engine import Database
from backend.db.models import Account
from backend.settings import Settings, kept_secret, prepare_data_folder
from backend.users.service import local_user

ROOT = Path(__file__).parents[2]
PLAIN = [{"cookies": [{"name": "access_token_web", "value": f"canary-{n}"}]} for n in range(3)]


def readable(database: Database, key_text: str) -> list[object]:
    vault = Vault(key_text)
    with database.session() as session:
        accounts = session.exec(select(Account).order_by(Account.username)).all()
        return [service.open_session(account, vault) for account in accounts]


@pytest.mark.parametrize("step", get_args(Step))
def test_killed_at_any_step_nothing_becomes_unreadable(step: str, settings: Settings) -> None:
    prepare_data_folder(settings)
    path = settings.data / "secret.key"
    first = kept_secret(settings, path.name, Vault.new_key)
    database = Database(settings.database)
    database.migrate()
    with database.session() as session:
        user_id = local_user(session).id
        for n, plain in enumerate(PLAIN):
            service.save_session(
                session, Vault(first), user_id, username=f"u{n}", base_url="http://127.0.0.1:9", storage_state=plain
            )
    died = subprocess.run(
        [sys.executable, str(ROOT / "tests/crash/rotating_process.py"), str(settings.data), step],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert readable(database, path.read_text()) == PLAIN
    assert path.stat().st_mode & 0o777 == 0o600
    assert (first in parse_keys(path.read_text())) == (step != "old_keys_dropped")

    done = keys.rotate(database, KeyFile(path))
    [last] = parse_keys(path.read_text())
    assert last != first and (done.sessions, done.unreadable) == (3, 0)
    assert readable(database, last) == PLAIN
    assert sorted(p.name for p in settings.data.glob("*secret.key*")) == ["secret.key", "secret.key.lock"]
    assert not list(settings.data.glob(".secret.key*"))
    database.close()
