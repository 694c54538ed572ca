"""`serve` and `sandbox`: the servers."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import uvicorn

from backend.building import set_up_logging
from backend.cli.connections import patient_protocol
from backend.cli.terminal import Chosen, carry_out, err, fail
from backend.core.errors import SetupError
from backend.core.loopback import is_loopback
from backend.db.engine import Database
from backend.runtime import Runtime, running
from backend.settings import Settings, listed, load_settings, prepare_data_folder
from backend.users.service import somebody_signs_in

LONGEST_MESSAGE = 16_384
"""Bytes of a WebSocket message to us: inputs of a live view, no more."""


def serve(
    port: Annotated[int | None, typer.Option(help="Default: PORT, which is 5000 unless set.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; this machine only by default.")] = None,
    jobs: Annotated[bool, typer.Option(help="Run jobs in this process.")] = True,
) -> None:
    """Runs everything in one process: page, API, jobs, browser.

    Example: `vintedbot serve --port 5000`, then open http://127.0.0.1:5000"""
    from backend.app import create_app  # noqa: PLC0415 - takes a second, which no other command should wait

    try:
        settings = load_settings(**_chosen(port=port, host=host, data=Chosen.data))
        set_up_logging(settings, service=True)
        prepare_data_folder(settings)
        if not is_loopback(settings.host):
            _check_people(settings)
        listener = listening_socket(settings.host, settings.port)
    except SetupError as error:
        fail(error)
    shown = f"http://{settings.host}:{listener.getsockname()[1]}"
    err.print(f"VintedBot listens on [bold]{shown}[/] (data in {settings.data}). Stop it with Ctrl-C.")
    config = uvicorn.Config(
        create_app(settings, run_jobs=jobs),
        log_level="warning",
        log_config=None,  # its lines go where ours do
        timeout_graceful_shutdown=3,
        http=patient_protocol(),
        server_header=False,
        **proxy_options(settings),
        ws_max_size=LONGEST_MESSAGE,
        ws_per_message_deflate=False,  # pictures are compressed already
    )
    uvicorn.Server(config).run([listener])


def _check_people(settings: Settings) -> None:
    """Raises SetupError on a public address while nobody could sign in there."""
    database = Database(settings.database)
    try:
        database.migrate()
        with database.session() as session:
            known = somebody_signs_in(session)
    finally:
        database.close()
    if not known:
        raise SetupError(
            f"Listening on {settings.host} opens VintedBot to the network, and nobody has a password yet. Make the "
            "first user, the admin: vintedbot user add NAME. Or keep 127.0.0.1, where nobody needs to sign in."
        )


def proxy_options(settings: Settings) -> dict[str, Any]:
    """For uvicorn: X-Forwarded-For and -Proto are believed of the proxies that are named, and of nobody else."""
    trusted = listed(settings.trusted_proxies)
    return {"proxy_headers": bool(trusted), "forwarded_allow_ips": trusted}


def worker(
    port: Annotated[
        int | None, typer.Option(help="Answer /metrics, /health and /ready here. Default: VINTEDBOT_WORKER_PORT.")
    ] = None,
) -> None:
    """Runs jobs only, beside any number of servers and workers on the same tables. Stop it with Ctrl-C or SIGTERM:
    what is under way goes on elsewhere, or at the next start.

    Example: `DATABASE_URL=postgresql://… vintedbot worker --port 9101`"""

    async def work() -> None:
        settings = load_settings(**_chosen(data=Chosen.data, worker_port=port))
        set_up_logging(settings, service=True)
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        async with running(settings) as runtime, _watched(runtime):
            err.print(f"This worker runs jobs (data in {settings.data}). Stop it with Ctrl-C.")
            await stop.wait()

    carry_out(work)


@asynccontextmanager
async def _watched(runtime: Runtime) -> AsyncIterator[None]:
    """Inside, `/metrics`, `/health` and `/ready` answer at the worker's port, where it has one."""
    from backend.app import create_watch_app  # noqa: PLC0415 - as above

    settings = runtime.settings
    if settings.worker_port is None:
        yield
        return
    listener = listening_socket(settings.host, settings.worker_port)
    err.print(f"Its metrics: http://{settings.host}:{listener.getsockname()[1]}/metrics")
    server = uvicorn.Server(uvicorn.Config(create_watch_app(runtime), log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server._serve([listener]))  # without its signal handlers: ours end it
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises SetupError when the port is taken or not allowed."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SetupError(
            f"Port {port} on {host} can't be used ({error.strerror}). Another program may have it: end that, or "
            "choose another with --port or PORT."
        ) from error
    return listener


def sandbox(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 5055,
    language: Annotated[
        Literal["fr", "en", "de", "es", "it", "nl", "pt", "pl"], typer.Option(help="Language of its form.")
    ] = "fr",
    widgets: Annotated[Literal["new", "old"], typer.Option(help="Tiles for size and colour, or older lists.")] = "new",
    banner: Annotated[bool, typer.Option(help="Whether a new visitor meets the consent banner.")] = True,
    state: Annotated[
        Path | None, typer.Option(help="Keep everything in this file, and begin with what it has.")
    ] = None,
) -> None:
    """Runs the stand-in marketplace to try things on; it is on this machine only and nothing like a real shop.

    Example: `vintedbot sandbox --port 5055 --state sandbox.json`"""
    from backend.sandbox.options import SandboxOptions  # noqa: PLC0415 - as below
    from backend.sandbox.server import serve as serve_sandbox  # noqa: PLC0415 - only this command and the demo use it

    try:
        serve_sandbox("127.0.0.1", port, SandboxOptions(language, widgets=widgets, banner=banner, state_file=state))
    except SetupError as error:
        fail(error)


def _chosen(**options: object) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}
