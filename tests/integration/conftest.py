"""Servers that the tests of a module share, and a client of the application."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from backend.app import create_app
from backend.sandbox.server import Sandbox, running_sandbox
from backend.sandbox.vision_api import VisionApi, running_vision_api
from backend.settings import Settings
from tests.fakes import ScriptedReader


@pytest.fixture(scope="module")
def site() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(site: Sandbox) -> Sandbox:
    """The module's sandbox, empty and well-behaved."""
    site.clear_faults()
    site.state.reset()
    return site


@pytest.fixture(scope="module")
def vision_api() -> Iterator[VisionApi]:
    with running_vision_api() as running:
        yield running


@pytest.fixture
def api(vision_api: VisionApi) -> VisionApi:
    """The module's model endpoint, without script or memory."""
    vision_api.forget()
    return vision_api


@pytest.fixture
async def client(settings: Settings, reader: ScriptedReader) -> AsyncIterator[httpx.AsyncClient]:
    """A client on this machine of an application that runs no jobs; `client.runtime` is the application's."""
    app = create_app(settings, run_jobs=False, analyzer=reader)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as opened:
            opened.runtime = app.state.runtime  # type: ignore[attr-defined]
            yield opened


@pytest.fixture
async def page_client(
    request: pytest.FixtureRequest, settings: Settings, reader: ScriptedReader
) -> AsyncIterator[httpx.AsyncClient]:
    """A French reader's browser on this machine. Jobs run where photos are to be read; a `draft`
    that was read before stays as it is."""
    app = create_app(settings, run_jobs="draft" not in request.fixturenames, analyzer=reader)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        headers = {"Accept": "text/html", "Accept-Language": "fr"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000", headers=headers) as opened:
            yield opened
