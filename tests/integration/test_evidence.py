"""Evidence by API, command line and page: the owner's own, whole, and out of reach by any trick with a path."""

import io
import json
import zipfile
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from backend.cli import app as cli
from backend.core import bundles
from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, Publication, User
from backend.runtime import Runtime
from backend.settings import Settings, prepare_data_folder
from backend.users.service import local_user


def a_failed_publication(database: Database, settings: Settings, user_id: str) -> str:
    with database.session() as session:
        batch = Batch(user_id=user_id, state="done")
        account = Account(user_id=user_id, username=f"lea{user_id[:4]}", base_url="http://127.0.0.1:9")
        session.add_all([batch, account])
        session.flush()
        draft = Draft(user_id=user_id, batch_id=batch.id, ordinal=1, state="open")
        session.add(draft)
        session.flush()
        publication = Publication(
            user_id=user_id, draft_id=draft.id, draft_revision=1, account_id=account.id, route="web", mode="draft",
            state="failed", error_code="timeout", sheet={"title": "Robe"},
        )  # fmt: skip
        session.add(publication)
        session.flush()
        bundles.write(
            settings.evidence_folder / publication.id,
            "timeout",
            {"error.txt": b"slow", "page.html": b"<script>alert(1)</script>", "page.jpg": b"\xff\xd8picture"},
        )
        return publication.id


@pytest.fixture
def mine(client: httpx.AsyncClient) -> str:
    runtime: Runtime = client.runtime  # type: ignore[attr-defined]
    return a_failed_publication(runtime.database, runtime.settings, runtime.user_id)


@pytest.fixture
def theirs(client: httpx.AsyncClient) -> str:
    runtime: Runtime = client.runtime  # type: ignore[attr-defined]
    with runtime.database.session() as session:
        user = User(name="paul")
        session.add(user)
        session.flush()
        user_id = user.id
    return a_failed_publication(runtime.database, runtime.settings, user_id)


async def test_the_api_lists_shows_and_packs_it(client: httpx.AsyncClient, mine: str) -> None:
    at = f"/api/v1/publications/{mine}"
    (bundle,) = (await client.get(f"{at}/evidence")).json()
    assert bundle["code"] == "timeout" and bundle["files"]["error.txt"] == 4
    picture = await client.get(f"{at}/evidence/{bundle['name']}/page.jpg")
    assert picture.content == b"\xff\xd8picture" and picture.headers["content-type"] == "image/jpeg"
    page = await client.get(f"{at}/evidence/{bundle['name']}/page.html")
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["content-disposition"].startswith("attachment"), "another site's page never runs as ours"
    packed = await client.get(f"{at}/evidence.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.testzip() is None
        assert archive.read(f"{bundle['name']}/error.txt") == b"slow" and len(archive.namelist()) == 3


async def test_another_users_and_other_files_are_not_found(client: httpx.AsyncClient, mine: str, theirs: str) -> None:
    (bundle,) = (await client.get(f"/api/v1/publications/{mine}/evidence")).json()
    for path in (
        f"{theirs}/evidence", f"{theirs}/evidence.zip", f"{theirs}/evidence/{bundle['name']}/error.txt",
        f"{mine}/evidence/..%2F{theirs}/error.txt", f"{mine}/evidence/%2E%2E/{theirs}",
        f"{mine}/evidence/{bundle['name']}/..%2F..%2F..%2Fsecret.key",
        f"{mine}/evidence/{bundle['name']}/%2Fetc%2Fpasswd",
        "..%2F..%2Fsecret.key/evidence", "checks/evidence",
    ):  # fmt: skip
        answer = await client.get(f"/api/v1/publications/{path}")
        assert answer.status_code == 404, path
        assert b"slow" not in answer.content


async def test_the_page_shows_the_picture_and_the_way_to_all_of_it(client: httpx.AsyncClient, mine: str) -> None:
    page = await client.get("/publications", headers={"Accept": "text/html", "Accept-Language": "en"})
    assert f"/api/v1/publications/{mine}/evidence.zip" in page.text and "What the page looked like" in page.text
    (bundle,) = (await client.get(f"/api/v1/publications/{mine}/evidence")).json()
    assert f"{bundle['name']}/page.jpg" in page.text


async def test_nothing_kept_is_said_so(client: httpx.AsyncClient, mine: str, settings: Settings) -> None:
    for bundle in bundles.bundles_in(settings.evidence_folder / mine):
        for file in bundle.folder.iterdir():
            file.unlink()
        bundle.folder.rmdir()
    assert (await client.get(f"/api/v1/publications/{mine}/evidence")).json() == []
    assert (await client.get(f"/api/v1/publications/{mine}/evidence.zip")).status_code == 404
    assert "evidence.zip" not in (await client.get("/publications", headers={"Accept": "text/html"})).text


def test_the_command_line_lists_and_writes_it(settings: Settings, tmp_path: Path) -> None:
    prepare_data_folder(settings)
    database = Database(settings.database)
    database.migrate()
    with database.session() as session:
        user_id = local_user(session).id
    mine = a_failed_publication(database, settings, user_id)
    database.close()
    target = tmp_path / "why.zip"
    result = CliRunner().invoke(cli, ["publications", "evidence", mine[:8], "--out", str(target), "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["bundles"][0]["code"] == "timeout" and said["written"] == str(target)
    assert len(zipfile.ZipFile(target).namelist()) == 3
    assert CliRunner().invoke(cli, ["publications", "evidence", mine, "--out", f"{tmp_path}/no/x.zip"]).exit_code == 1
