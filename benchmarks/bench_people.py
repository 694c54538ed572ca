"""Twenty people at once over HTTP: requests a second, the slow ones, errors, and whether anything crossed.

    python benchmarks/bench_people.py [SECONDS]

A real server (uvicorn, SQLite) in a process of its own; half of the people use a browser's cookie, half an access
token. Everything a person keeps carries their mark; an answer with another's mark counts as wrong (`tests/crowd.py`).
"""

import asyncio
import random
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from multiprocessing import get_context
from pathlib import Path

import httpx
import uvicorn
from rich.console import Console
from rich.table import Table

from backend.app import create_app
from backend.core.caller import Origin
from backend.runtime import Runtime, running
from backend.settings import Settings
from backend.users.access import COOKIE
from tests.crowd import Person, Tally, furnish
from tests.fakes import ScriptedReader
from tests.people import UNHURRIED

PEOPLE, SECONDS = 20, 60
PASSWORD = "coat hanger violet sparrow"
PACE = 1.0
"""Seconds between two things a person does, on average."""


def serve(data: Path, listener: socket.socket) -> None:
    app = create_app(Settings(data=data, sign_in="always", **UNHURRIED), run_jobs=False, analyzer=ScriptedReader())
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listener])


async def settle_in(settings: Settings, address: str, stack: AsyncExitStack, tally: Tally) -> list[Person]:
    """Users with things of their own, each signed in."""
    people = []
    async with running(settings, run_jobs=False, analyzer=ScriptedReader()) as runtime:
        for number in range(PEOPLE):
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=30))
            client.headers["Origin"] = address
            people.append(await newcomer(runtime, client, number, tally))
    for person in people:
        person.overheard = people[(person.number + 1) % PEOPLE].drafts
    return people


async def newcomer(runtime: Runtime, client: httpx.AsyncClient, number: int, tally: Tally) -> Person:
    name, by_page = f"person{number}", bool(number % 2)
    user = await runtime.people.add(name, PASSWORD)
    ids, photo = await runtime.database.run(furnish, runtime, user.id, number)
    if by_page:
        client.cookies.set(COOKIE, (await runtime.people.sign_in(name, PASSWORD, "page", Origin()))[1])
    else:
        pair = await runtime.people.tokens(name, PASSWORD, Origin())
        client.headers["Authorization"] = f"Bearer {pair.access_token}"
    return Person(number, client, ids, photo, tally, random.Random(number), pages=by_page)


async def until(deadline: float, person: Person) -> None:
    while time.perf_counter() < deadline:
        await person.act()
        await asyncio.sleep(person.dice.expovariate(1 / PACE))


async def main(seconds: float) -> int:
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        listener = socket.create_server(("127.0.0.1", 0))
        async with AsyncExitStack() as stack:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            people = await settle_in(settings, address, stack, tally)
            server = get_context("spawn").Process(target=serve, args=(Path(folder), listener), daemon=True)
            server.start()
            await answering(address)
            await asyncio.gather(*(until(time.perf_counter() + seconds, person) for person in people))
            server.terminate()
            server.join(10)
    show(tally, seconds)
    return 1 if tally.wrong else 0


async def answering(address: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(f"{address}/health")
            except httpx.TransportError:
                await asyncio.sleep(0.2)
            else:
                return


def show(tally: Tally, seconds: float) -> None:
    table = Table(f"{PEOPLE} people, {seconds:.0f} s", "requests", "median ms", "p95 ms", "slowest ms", box=None)
    for what, took in [*sorted(tally.seconds.items()), ("all", [s for t in tally.seconds.values() for s in t])]:
        ms = sorted(1000 * s for s in took)
        figures = (share(ms, 0.5), share(ms, 0.95), ms[-1])
        table.add_row(what, str(len(ms)), *(f"{f:.0f}" for f in figures))
    out = Console()
    out.print(table)
    out.print(f"{tally.requests / seconds:.0f} requests a second; wrong answers: {len(tally.wrong)}")
    for line in tally.wrong[:10]:
        out.print(line)


def share(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


if __name__ == "__main__":
    sys.exit(asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)))
