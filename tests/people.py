"""What tests of several people share: users with passwords, their tokens, and browsers that sign in."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from sqlmodel import select

from backend.core.caller import Origin
from backend.db.models import AuditEvent, User
from backend.runtime import Runtime

PASSWORD = "coat hanger violet sparrow"
OTHER = "umbrella gravel Tuesday 7 kites"
"""The password one changes to."""
ADDRESS = "http://127.0.0.1:5000"
UNHURRIED = {
    f"limit_{name}": "100000/minute" for name in ("publish", "uploads", "downloads", "logins", "writes", "reads")
}
"""Settings for tests that ask more often than anybody would."""


async def new_user(runtime: Runtime, name: str, **more: str) -> User:
    return await runtime.people.add(name, PASSWORD, **more)


async def bearer(runtime: Runtime, name: str) -> dict[str, str]:
    """The headers of a program that signed in."""
    pair = await runtime.people.tokens(name, PASSWORD, Origin("192.0.2.7", "a program"))
    return {"Authorization": f"Bearer {pair.access_token}"}


@asynccontextmanager
async def visitor(app: FastAPI, address: str = "192.0.2.7", **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at another machine, unless `address` says otherwise."""
    transport = httpx.ASGITransport(app, client=(address, 50000))
    given = {"Accept-Language": "en", **headers}
    async with httpx.AsyncClient(transport=transport, base_url="http://closet.example", headers=given) as client:
        yield client


@asynccontextmanager
async def browser(app: FastAPI, name: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody's browser, signed in as `name` on the page."""
    own = {"Accept": "text/html", "Origin": "http://closet.example", "Sec-Fetch-Site": "same-origin"}
    async with visitor(app, **own) as client:
        if name is not None:
            answer = await send(client, "/sign-in", name=name, password=PASSWORD)
            assert answer.status_code == 303, answer.text
        yield client


async def send(client: httpx.AsyncClient, path: str, **fields: str | list[str]) -> httpx.Response:
    """A form of ours with the token that goes with it."""
    if "vintedbot_token" not in client.cookies:
        await client.get("/sign-in")
    return await client.post(path, data={"token": client.cookies["vintedbot_token"], **fields})


def words_of(answer: httpx.Response) -> str:
    return re.sub(r"<[^>]+>", " ", answer.text)


async def signed_in(client: httpx.AsyncClient, name: str = "paul", password: str = PASSWORD) -> dict[str, Any]:
    """The tokens of one who signs in by the API."""
    answer = await client.post("/api/v1/auth/sign-in", json={"name": name, "password": password})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def with_token(tokens: Mapping[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def actions(runtime: Runtime) -> list[str]:
    return [e.action for e in await runtime.database.run(lambda s: list(s.exec(select(AuditEvent))))]
