"""The queue: what waits for its owner, in place, and right after a restart."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from PIL import Image
from playwright.async_api import Browser, expect
from sqlmodel import select

from backend.app import create_app
from backend.core import bundles
from backend.db.engine import Database
from backend.db.models import Account, PublicationEvent, User
from backend.marketplace.port import InputEvent, WardrobeItem
from backend.runtime import Runtime
from backend.sandbox.loopback import serving
from backend.settings import Settings
from backend.workflows.reconcile import Verdict
from tests.browser.pages.seller import Visit, ask
from tests.fakes import ScriptedReader, add_publication

pytestmark = pytest.mark.asyncio(loop_scope="package")


def picture(colour: str) -> bytes:
    (made := io.BytesIO()).name = "frame.jpg"
    Image.new("RGB", (320, 180), colour).save(made)
    return made.getvalue()


class Puzzle:
    """A page that waits for its owner."""

    challenge = "hcaptcha"

    async def frames(self) -> AsyncIterator[bytes]:
        yield picture("teal")
        await asyncio.sleep(60)

    async def act(self, event: InputEvent) -> None:
        raise AssertionError(event)

    async def solved(self) -> bool:
        return False


async def test_the_live_view_opens_in_place(visit: Visit, app: FastAPI, waiting: str) -> None:
    runtime: Runtime = app.state.runtime
    with runtime.live.showing(runtime.user_id, waiting, Puzzle(), limit=60):
        async with visit() as page:
            await page.goto("/publications")
            await page.locator(f"#loud-{waiting}").click()
            await expect(page.locator("dialog live-view")).to_have_attribute("data-state", "open")
            await expect(page.locator("dialog canvas")).to_be_focused()
            await page.get_by_role("button", name="Close").click()
            await expect(page.locator("live-view")).to_have_count(0)
            assert page.url.endswith("/publications")


async def test_the_queue_is_right_after_a_restart(browser: Browser, tmp_path: Path) -> None:
    """The page stays open; what happened meanwhile stands on it once the server is back."""
    settings = Settings(data=tmp_path / "data")
    with serving(create_app(settings, run_jobs=False, analyzer=ScriptedReader())) as url:
        context = await browser.new_context(base_url=url, locale="en-GB")
        page = await context.new_page()
        await page.goto("/publications")
        await expect(page.locator(".empty")).to_be_visible()
    await expect(page.locator("#lost")).to_be_visible()
    with Database(settings.database).session() as session:
        user = session.exec(select(User)).one()
        account = Account(user_id=user.id, username="m", base_url="http://127.0.0.1:9", state="ready")
        session.add(account)
        session.flush()
        add_publication(session, account, state="needs_person", error_code="challenge", sheet={"title": "Coat"})
    port = urlsplit(url).port
    assert port is not None
    with serving(create_app(settings, run_jobs=False, analyzer=ScriptedReader()), port=port):
        await expect(page.locator(".loud")).to_contain_text("Coat")
        await expect(page.locator("#lost")).to_be_hidden()
    await context.close()


@pytest.fixture
def doubts(settings_here: Settings, address: str) -> list[str]:
    """Three clicks that nobody knows the end of, with what the page looked like and what the account has had since. The
    account rests, so that what is tried again stays in its line."""
    with Database(settings_here.database).session() as session:
        user = session.exec(select(User)).one()
        account = Account(user_id=user.id, username="doubtful", base_url="http://127.0.0.1:9", state="ready")
        account.paused = True
        session.add(account)
        session.flush()
        ids = []
        for number, title in enumerate(("Robe", "Jupe", "Pull")):
            doubt = {"state": "needs_person", "error_code": "uncertain", "sheet": {"title": title}}
            made = add_publication(session, account, **doubt)
            found = Verdict("unsure", candidates=(WardrobeItem(f"471{number}", title, None, True, 3),)).shown
            detail = {"verdict": "unsure", "candidates": found}
            session.add(PublicationEvent(user_id=user.id, publication_id=made.id, state="needs_person", detail=detail))
            bundles.write(settings_here.evidence_folder / made.id, "uncertain", {"page.jpg": picture("maroon")})
            ids.append(made.id)
        return ids


async def test_a_doubt_is_settled_with_the_evidence_in_sight(visit: Visit, doubts: list[str]) -> None:
    """By each of the three answers, on a phone."""
    adopted, again, over = doubts
    async with visit(phone=True, language="fr-FR", expected=("422",)) as page:
        await page.goto("/publications")
        card = page.locator(f"[id='{adopted}']")
        seen = card.locator(".evidence img")
        await seen.scroll_into_view_if_needed()
        await expect(seen).to_have_js_property("naturalWidth", 320)
        await expect(card.locator(".candidates")).to_contain_text("Robe")
        number = card.get_by_label("Son adresse ou son numéro")
        say = card.locator("form", has=page.get_by_label("Son adresse ou son numéro")).get_by_role(
            "button", name="C’est cette annonce"
        )
        await number.fill("ma robe")
        await say.tap()
        await expect(page.get_by_role("alert").first).to_contain_text("numéro")
        await number.fill("https://www.vinted.fr/items/4711-robe?referrer=x")
        await say.tap()
        await expect(page.locator(".note-good")).to_have_text("C’est noté.")
        await expect(card.locator(".state")).to_have_text("Retrouvée")
        await expect(card.get_by_role("link", name="Voir l’annonce")).to_have_attribute("href", re.compile("4711"))

        card = page.locator(f"[id='{again}']")
        sure = card.get_by_role("button", name="J’ai regardé : réessayer")
        await expect(sure).to_be_hidden()
        await card.get_by_text("Elle n’y est pas : réessayer…").tap()
        await sure.tap()
        await expect(page.locator(f".queue li[id='{again}']")).to_be_visible()

        card = page.locator(f"[id='{over}']")
        await card.get_by_role("button", name="Abandonner").tap()
        await expect(card.locator(".state")).to_have_text("Échec")
        await expect(card.get_by_role("button")).to_have_count(0)
        rows = [await ask(page, f"/publications/{one}") for one in doubts]
        assert [(row["state"], row["listing_id"]) for row in rows] == [
            ("reconciled", "4711"),
            ("queued", None),
            ("failed", None),
        ]
        await page.context.request.post(f"/api/v1/publications/{again}/cancel")
