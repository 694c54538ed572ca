"""`GET /metrics` for Prometheus: for this machine and for holders of the token, for nobody else."""

import secrets

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from backend.api.deps import RuntimeDep
from backend.core import metrics
from backend.core.errors import NotFound
from backend.users.access import is_forwarded, is_loopback

router = APIRouter(tags=["monitoring"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def read_metrics(request: Request, runtime: RuntimeDep) -> Response:
    """The metrics of docs/metrics.md. From elsewhere than this machine: 404 without `VINTEDBOT_METRICS_TOKEN`."""
    if not _may_read(request, runtime):
        raise NotFound("There is nothing here.")
    body, content_type = await run_in_threadpool(metrics.render)
    return Response(body, headers={"Content-Type": content_type})


def _may_read(request: Request, runtime: RuntimeDep) -> bool:
    token = runtime.settings.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token is not None and secrets.compare_digest(given.encode(), token.get_secret_value().encode()):
        return True
    return request.client is not None and is_loopback(request.client.host) and not is_forwarded(request.headers)
