"""API keys: scopes, whose they are, shown once."""

from datetime import UTC, datetime, timedelta

import httpx

from backend.db.models import ApiKey
from backend.runtime import Runtime
from tests.people import (
    bearer,
    code_of,
)


async def test_a_key_does_what_its_scopes_say_and_no_more(runtime: Runtime, client: httpx.AsyncClient) -> None:
    me = await bearer(runtime, "marie")

    async def key(*scopes: str, **more: object) -> dict[str, str]:
        made = await client.post("/api/v1/me/keys", json={"name": "x", "scopes": scopes, **more}, headers=me)
        assert made.status_code == 201, made.text
        return {"Authorization": f"Bearer {made.json()['key']}"}

    tries = {
        "read": ("GET", "/api/v1/drafts", None),
        "write": ("POST", "/api/v1/drafts/none/approve", {}),
        "publish": ("POST", "/api/v1/queue", {"draft_ids": ["none"]}),
        "admin": ("GET", "/api/v1/users", None),
    }
    for scope in tries:
        headers = await key(scope)
        for needed, (method, path, body) in tries.items():
            answer = await client.request(method, path, json=body, headers=headers)
            lacks = answer.status_code == 403 and answer.json()["code"] == "scope_missing"
            assert lacks == (needed != scope), (scope, needed, answer.text)
    everything = await key("read", "write", "publish", "admin")
    for path in ("/api/v1/me/keys", "/api/v1/me/sessions", "/api/v1/me/export"):
        assert await code_of(await client.get(path, headers=everything)) == (403, "key_not_allowed")


async def test_a_members_key_makes_no_admin_of_them(runtime: Runtime, client: httpx.AsyncClient) -> None:
    me = await bearer(runtime, "paul")
    made = await client.post("/api/v1/me/keys", json={"name": "x", "scopes": ["admin"]}, headers=me)
    for headers in (me, {"Authorization": f"Bearer {made.json()['key']}"}):
        assert await code_of(await client.get("/api/v1/users", headers=headers)) == (403, "admin_only")


async def test_a_key_is_shown_once_and_ends(runtime: Runtime, client: httpx.AsyncClient) -> None:
    me = await bearer(runtime, "paul")
    made = (await client.post("/api/v1/me/keys", json={"name": "shop", "days": 3}, headers=me)).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (await client.get("/api/v1/drafts", headers=headers)).status_code == 200
    [listed] = (await client.get("/api/v1/me/keys", headers=me)).json()
    assert listed["last_used_at"] is not None
    assert "key" not in listed and listed["prefix"] == made["key"][:10]

    def run_out(session) -> None:
        session.get_one(ApiKey, made["id"]).expires_at = datetime.now(UTC) - timedelta(seconds=1)

    await runtime.database.run(run_out)
    assert await code_of(await client.get("/api/v1/drafts", headers=headers)) == (401, "key_invalid")
    other = (await client.post("/api/v1/me/keys", json={"name": "shop"}, headers=me)).json()
    assert (await client.delete(f"/api/v1/me/keys/{other['id']}", headers=me)).status_code == 204
    headers = {"Authorization": f"Bearer {other['key']}"}
    assert await code_of(await client.get("/api/v1/drafts", headers=headers)) == (401, "key_invalid")
