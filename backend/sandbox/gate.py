"""The sandbox's door: counts every request, finds out who asks, and lets the faults in force happen.

Owns the order in which faults act. Does not own their texts (`fault_answers.py`) or their choice (`faults.py`).
"""

import asyncio
import re
from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.sandbox.fault_answers import answer
from backend.sandbox.faults import Fault, FaultPlan
from backend.sandbox.state import SandboxState
from backend.sandbox.visitor import CLEARANCE, Visitor, identify

OPEN_PATHS = ("/__sandbox__/", "/static/", "/photos/", "/favicon.ico")
"""Our own machinery and plain files: neither counted nor disturbed."""


class Connections(dict[tuple[str, int], asyncio.BaseTransport]):
    """The server's open connections by the client's address, so that one can be cut without an answer."""

    def cut(self, scope: Scope) -> None:
        transport = self.get(tuple(scope["client"]))
        if not isinstance(transport, asyncio.Transport):
            raise ConnectionResetError("The sandbox cuts this connection.")
        transport.abort()


class Gate:
    """The outermost layer of the site."""

    def __init__(self, app: ASGIApp, state: SandboxState, plan: FaultPlan, connections: Connections) -> None:
        self.app, self.state, self.plan, self.connections = app, state, plan, connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OPEN_PATHS):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        visitor = identify(request, self.state)
        scope["sandbox.visitor"] = visitor
        line = f"{scope['method']} {scope['path']}"
        self.state.count_request(re.sub(r"/\d+[^/]*", "/{id}", line))
        visitor.faults = self.plan.take(
            line,
            visitor.account.username if visitor.account else None,
            cleared=request.cookies.get(CLEARANCE) in self.state.cleared_challenges,
        )
        for fault in visitor.faults:
            await self._prepare(fault, visitor)
        await self._serve(request, visitor, send)

    async def _prepare(self, fault: Fault, visitor: Visitor) -> None:
        """What a fault changes before the site sees the request."""
        if fault.kind == "latency":
            await asyncio.sleep(fault.params["seconds"])
        elif fault.kind == "session_expired" and visitor.account:
            self.state.expire_sessions(visitor.account.id, refresh_too=fault.params["refresh_too"])
            visitor.session = visitor.account = None
        elif fault.kind == "wrong_account" and visitor.account:
            other = self.state.account_named(fault.params["username"])
            visitor.account = other or self.state.add_account(fault.params["username"], "sandbox")

    async def _serve(self, request: Request, visitor: Visitor, send: Send) -> None:
        scope, receive = request.scope, request.receive
        answering = next((fault for fault in visitor.faults if fault.effect == "answer"), None)
        if answering is not None and answering.kind == "dropped_before":
            await _read_all(receive)
            await self._cut(request)
        elif answering is not None:
            await _read_all(receive)
            await answer(answering, request, self.state)(scope, receive, send)
        elif visitor.met("dropped_after"):
            await self.app(scope, receive, _unheard)
            await self._cut(request)
        else:
            await self.app(scope, receive, send)

    async def _cut(self, request: Request) -> None:
        """Closes the connection without an answer, and waits until the server knows."""
        self.connections.cut(request.scope)
        while (await request.receive())["type"] != "http.disconnect":
            pass


async def _read_all(receive: Receive) -> None:
    """Takes the whole request in first, as a real server does before it answers."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _unheard(message: Message) -> None:
    """The answer nobody gets."""


def droppable(protocol: type[Any], connections: Connections) -> type[Any]:
    """The server's protocol, noting each connection while it lasts."""

    class Noting(protocol):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.peer = transport.get_extra_info("peername")
            connections[self.peer] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self.peer, None)
            super().connection_lost(exc)

    return Noting
