"""The sandbox marketplace as an application, as a server in a thread for tests, and for the command line.

Owns how the parts are put together, the port and the shutdown. Does not own any page, rule or fault.
"""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.h11_impl import H11Protocol

from backend.core.errors import SetupError
from backend.sandbox import admin, vinted_api, vinted_site
from backend.sandbox.faults import Fault, FaultPlan, make_fault
from backend.sandbox.gate import Connections, Gate, droppable
from backend.sandbox.options import SandboxOptions
from backend.sandbox.state import SandboxState

DEMO_ACCOUNT, DEMO_PASSWORD = "demo", "sandbox"
CLOSE = [("Connection", "close")]
"""Chromium sends a request again by itself when a reused connection dies without an answer; a real site's HTTP/2
doesn't invite that. So no connection is reused, and a dropped answer stays dropped."""


@dataclass
class Sandbox:
    """A running sandbox marketplace: its address, and direct hands on what it knows."""

    url: str
    state: SandboxState
    faults: FaultPlan

    def create_account(self, username: str, password: str = DEMO_PASSWORD) -> dict[str, Any]:
        """Playwright's storage state of a fresh session; the account is made if it is new."""
        return admin.storage_state(self.state, username, password, self.url.split("//")[1].rsplit(":", 1)[0])

    def set_fault(
        self,
        kind: str,
        where: str | None = None,
        *,
        times: int = 1,
        skip: int = 0,
        account: str | None = None,
        **params: Any,
    ) -> Fault:
        """Puts one more fault in force and hands it back; its `hits` counts. Raises `BadRequest` outside the set."""
        fault = make_fault(kind, where, times, skip, account, **params)
        self.faults.add(fault)
        return fault

    def clear_faults(self) -> None:
        self.faults.replace([])

    def expire_sessions(self, username: str, *, refresh_too: bool = True) -> int:
        account = self.state.account_named(username)
        return self.state.expire_sessions(account.id, refresh_too=refresh_too) if account else 0

    def received(self) -> dict[str, Any]:
        """Counts of all that came in and every stored listing, as `GET /__sandbox__/received`."""
        return admin.received(self.state)


def create_sandbox_app(
    options: SandboxOptions | None = None,
    *,
    state: SandboxState | None = None,
    plan: FaultPlan | None = None,
    connections: Connections | None = None,
) -> FastAPI:
    """The site with its controls. State, faults and connections may be given, to be reached from outside."""
    state = SandboxState(options or SandboxOptions()) if state is None else state
    plan = FaultPlan() if plan is None else plan
    connections = Connections() if connections is None else connections
    app = FastAPI(title="Sandbox marketplace", openapi_url=None)
    app.state.sandbox, app.state.faults = state, plan
    app.mount("/static", StaticFiles(directory=str(files("backend.sandbox") / "static")))
    for part in (admin, vinted_api, vinted_site):
        app.include_router(part.router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_middleware(Gate, state=state, plan=plan, connections=connections)
    return app


@contextmanager
def running_sandbox(host: str = "127.0.0.1", port: int = 0, options: SandboxOptions | None = None) -> Iterator[Sandbox]:
    """A sandbox served by a thread of this process while the `with` lasts; port 0 takes any free one.

    Raises `SetupError` when the port is taken."""
    state, plan, connections = SandboxState(options or SandboxOptions()), FaultPlan(), Connections()
    app = create_sandbox_app(state=state, plan=plan, connections=connections)
    listener = _listen(host, port)
    server = _Server(_config(app, connections))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        if not server.listening.wait(10):
            raise SetupError("The sandbox did not start within 10 s.")
        yield Sandbox(f"http://{host}:{listener.getsockname()[1]}", state, plan)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def serve(host: str = "127.0.0.1", port: int = 5001, options: SandboxOptions | None = None) -> None:
    """Serves until interrupted, and prints the address and a demo account.

    Raises `SetupError` on a taken port and on a state file that is none."""
    state, plan, connections = _begun(options or SandboxOptions()), FaultPlan(), Connections()
    if state.account_named(DEMO_ACCOUNT) is None:
        state.add_account(DEMO_ACCOUNT, DEMO_PASSWORD)
    app = create_sandbox_app(state=state, plan=plan, connections=connections)
    listener = _listen(host, port)
    address = f"http://{host}:{listener.getsockname()[1]}"
    print(f"Sandbox marketplace on {address}")  # noqa: T201 - the command line's own output
    print(f"Sign in at {address}/member/login as {DEMO_ACCOUNT} / {DEMO_PASSWORD}", flush=True)  # noqa: T201
    uvicorn.Server(_config(app, connections)).run(sockets=[listener])


def _begun(options: SandboxOptions) -> SandboxState:
    try:
        return SandboxState(options)
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise SetupError(
            f"{options.state_file} is not a sandbox's state ({broken!r}). Choose another file."
        ) from broken


class _Server(uvicorn.Server):
    """Tells when it listens, so that nobody has to poll."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


def _config(app: FastAPI, connections: Connections) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=droppable(H11Protocol, connections),
        headers=CLOSE,
        lifespan="off",
        log_level="error",
        timeout_graceful_shutdown=1,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as refused:
        raise SetupError(
            f"The sandbox can't use {host}:{port} ({refused.strerror or refused}). Choose another with --port."
        ) from refused


async def _refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, HTTPException)
    if isinstance(refused.detail, Mapping):
        return JSONResponse(refused.detail, refused.status_code)
    return HTMLResponse(f"<!doctype html><title>{refused.detail}</title><h1>{refused.detail}</h1>", refused.status_code)


async def _unreadable(request: Request, refused: Exception) -> Response:
    """A body that is no submission at all: 422 from the controls, the site's own error elsewhere."""
    assert isinstance(refused, RequestValidationError)
    if request.url.path.startswith("/__sandbox__/"):
        return JSONResponse({"detail": str(refused)}, 422)
    errors = [{"field": ".".join(map(str, e["loc"])), "value": e["msg"]} for e in refused.errors()]
    return JSONResponse({"code": 99, "message_code": "validation_error", "errors": errors}, 400)
