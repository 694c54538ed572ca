"""An account's check with a real browser against the sandbox: what it finds is stored, and the ready go on."""

from collections.abc import Iterator
from typing import Any

import pytest

from backend.accounts import service
from backend.core.errors import VintedNetworkError
from backend.db.models import Account
from backend.runtime import Runtime, running
from backend.sandbox.server import Sandbox, running_sandbox
from backend.settings import Settings
from tests.fakes import ScriptedReader, signed_in


@pytest.fixture(scope="module")
def site() -> Iterator[Sandbox]:
    with running_sandbox() as running_site:
        yield running_site


async def checked(runtime: Runtime, account: Account) -> Account:
    told = await runtime.accounts.check(runtime.user_id, account.id)
    stored = await runtime.database.run(service.find, runtime.user_id, account.id)
    assert told.model_dump() == stored.model_dump()
    return stored


async def test_a_check_stores_what_it_found_and_each_way_back(
    site: Sandbox, settings: Settings, reader: ScriptedReader
) -> None:
    async with running(settings, run_jobs=False, analyzer=reader) as runtime:
        account = await signed_in(runtime, site)
        found: list[tuple[Any, ...]] = []
        for fault, params in (
            (None, {}),
            ("verification_wall", {}),
            ("address_ban", {}),
            ("wrong_account", {}),
            ("challenge", {}),
            (None, {}),
        ):
            site.clear_faults()
            if fault:
                site.set_fault(fault, "form" if fault in ("address_ban", "wrong_account") else None, times=-1, **params)
            now = await checked(runtime, account)
            found.append((now.state, bool(now.state_detail)))
        assert found == [
            ("ready", False),
            ("verification_wall", True),
            ("address_banned", True),
            ("wrong_account", True),
            ("challenge", True),
            ("ready", False),
        ]
        site.set_fault("server_error", "form", times=-1, status=503)
        with pytest.raises(VintedNetworkError):
            await runtime.accounts.check(runtime.user_id, account.id)
        assert (await runtime.database.run(service.find, runtime.user_id, account.id)).state == "ready"
        site.clear_faults()
        site.expire_sessions(account.username)
        assert (await checked(runtime, account)).state == "session_expired"
        assert (await signed_in(runtime, site)).state == "ready"
