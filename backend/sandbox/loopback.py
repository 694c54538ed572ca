"""Serves a stand-in on the loopback interface, on a port of its own, for as long as a `with` lasts.

Owns the server's thread. Does not own what is served.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """Tells when it listens, so that nobody has to poll."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def serving(app: ASGIApp, *, port: int = 0) -> Iterator[str]:
    """The address of `app`, served meanwhile by a thread of this process; port 0 takes any free one."""
    listener = socket.create_server(("127.0.0.1", port))
    server = _Server(uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        if not server.listening.wait(60):
            raise RuntimeError("The stand-in did not start within 60 s.")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()
