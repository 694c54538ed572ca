"""The web application: `create_app(settings)`. Input and output happen in the lifespan only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from backend.api import errors
from backend.api.deps import new_limiter
from backend.api.v1.routers import (
    accounts,
    ai,
    board,
    bulk,
    drafts,
    health,
    ingest,
    live,
    metrics,
    notifications,
    photos,
    preferences,
    publications,
    queue,
    uploads,
    vinted,
)
from backend.core.reading import Analyzer
from backend.runtime import running
from backend.settings import Settings, load_settings
from backend.web import site


def create_app(settings: Settings | None = None, *, run_jobs: bool = True, analyzer: Analyzer | None = None) -> FastAPI:
    """The application; `settings` default to the environment's. Jobs run here unless another process runs them."""
    settings = settings or load_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, run_jobs=run_jobs, analyzer=analyzer) as runtime:
            app.state.runtime = runtime
            yield

    app = FastAPI(
        title="VintedBot",
        version=version("vintedbot"),
        summary="Photos in, correct listings out, each published exactly once.",
        lifespan=lifespan,
    )
    app.state.limiter = new_limiter()
    errors.install(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    for router in (
        *(ingest, uploads, bulk, board, ai, drafts, preferences, photos),
        *(accounts, vinted, publications, queue, live, notifications),
    ):
        app.include_router(router.router, prefix="/api/v1")
    app.include_router(health.router, prefix="/api/v1", include_in_schema=False)
    app.include_router(vinted.router, include_in_schema=False)  # the alias /vinted/listings/publish
    site.install(app)
    return app
