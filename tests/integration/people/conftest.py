"""An application by invitation, with an admin, marie, and a member, paul."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from backend.app import create_app
from backend.runtime import Runtime
from backend.settings import Settings
from tests.fakes import ScriptedReader
from tests.people import new_user, visitor


@pytest.fixture(autouse=True)
def _quick(quick_hashes: None) -> None:
    """Passwords by the dozen."""


@pytest.fixture
async def app(settings: Settings, reader: ScriptedReader) -> AsyncIterator[FastAPI]:
    built = create_app(settings.model_copy(update={"registration": "invite"}), run_jobs=False, analyzer=reader)
    async with built.router.lifespan_context(built):
        yield built


@pytest.fixture
async def runtime(app: FastAPI) -> Runtime:
    """With an admin, marie, and a member, paul."""
    found: Runtime = app.state.runtime
    await new_user(found, "marie", email="marie@example.org")
    await new_user(found, "paul")
    return found


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with visitor(app) as opened:
        yield opened
