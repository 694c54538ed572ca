"""The web application: `create_app(settings)`. Input and output happen in the lifespan only."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from backend.api import errors
from backend.api.bodies import BoundedBodies
from backend.api.deps import only_storable
from backend.api.inside import ApiPages
from backend.api.limits import AddressLimits, RequestLimits
from backend.api.observed import Observed
from backend.api.v1.routers import (
    accounts,
    ai,
    audit,
    auth,
    board,
    bulk,
    drafts,
    health,
    ingest,
    insights,
    live,
    me,
    metrics,
    model,
    notifications,
    photos,
    preferences,
    publications,
    queue,
    uploads,
    users,
    vinted,
    wardrobe,
)
from backend.core.operator_metrics import know_routes
from backend.core.reading import Analyzer
from backend.runtime import Runtime, running
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
    app.state.limits = RequestLimits(
        {
            "publish": settings.limit_publish,
            "uploads": settings.limit_uploads,
            "pieces": settings.limit_reads,  # of one upload, a few a second
            "logins": settings.limit_logins,
            "downloads": settings.limit_downloads,
            "writes": settings.limit_writes,
            "reads": settings.limit_reads,
        }
    )
    errors.install(app)
    app.router.routes.extend(_routes())
    # The last one added is the outermost: the guard first, then who asks too often, then how much is sent.
    app.add_middleware(BoundedBodies, longest_upload=settings.max_upload_mb * 1_000_000)
    app.add_middleware(AddressLimits, limits=app.state.limits)
    app.add_middleware(ApiPages, public=settings.public_docs)
    site.install(app, names=settings.server_names)
    _observe(app)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """Every route, the same for each application of a process: to build them takes most of a second."""
    root = APIRouter(dependencies=[Depends(only_storable)])
    root.include_router(health.router)
    root.include_router(metrics.router)
    for router in (
        *(ingest, uploads, bulk, board, ai, model, drafts, preferences, photos),
        *(accounts, vinted, publications, queue, live, wardrobe, notifications),
        *(auth, me, users, audit, insights),
    ):
        root.include_router(router.router, prefix="/api/v1")
    root.include_router(health.router, prefix="/api/v1", include_in_schema=False)
    root.include_router(vinted.router, include_in_schema=False)  # the alias /vinted/listings/publish
    for pages in site.ROUTERS:
        root.include_router(pages)
    return root.routes


def create_watch_app(runtime: Runtime) -> FastAPI:
    """What a process without pages answers: whether it lives and works, and its metrics."""
    app = FastAPI(title="VintedBot worker", version=version("vintedbot"), openapi_url=None)
    app.state.runtime = runtime
    errors.install(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    _observe(app)
    return app


def _observe(app: FastAPI) -> None:
    templates = [path for route in iter_route_contexts(app.routes) if (path := getattr(route, "path", None))]
    know_routes(templates)
    app.add_middleware(Observed, templates=templates)
