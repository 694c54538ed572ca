"""The page of the user who reads it: password and address, where they are signed in, API keys, what was done, taking
everything along, leaving. Owns no rule: the services say what is refused.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from sqlmodel import Session
from starlette.datastructures import FormData

from backend.core.caller import SCOPES
from backend.core.errors import BadRequest, VintedBotError
from backend.db import audit
from backend.db.engine import clock
from backend.db.models import ApiKey, AuditEvent, AuthSession, User
from backend.users import keys, service, sign_in
from backend.users.access import COOKIE
from backend.web.form_text import text_of
from backend.web.page import Page, PageDep

router = APIRouter(include_in_schema=False)

EVENTS_SHOWN = 30
MOST_DAYS = 3660


@dataclass(frozen=True)
class Security:
    """What the page shows of its reader."""

    user: User
    sessions: list[AuthSession]
    keys: list[ApiKey]
    events: list[AuditEvent]


@router.get("/security")
async def show_security(page: PageDep) -> Response:
    return await security_page(page)


@router.post("/security/first")
async def first_user(page: PageDep) -> Response:
    """Gives this machine's own person a name and a password: the first user, and the admin."""

    async def work(form: FormData) -> Response:
        near = page.reader.way == "local"
        await page.runtime.people.register(text_of(form, "name"), _raw(form, "new"), email=None, invite=None, near=near)
        return page.go("/security", "user_changed")

    return await _on_form(page, work)


@router.post("/security/email")
async def change_email(page: PageDep) -> Response:
    async def work(form: FormData) -> Response:
        await page.runtime.people.check_password(page.user_id, _raw(form, "current"))
        awaited = await page.runtime.change_email(page.user_id, text_of(form, "email"))
        return page.go("/security", "email_asked" if awaited else "email_changed")

    return await _on_form(page, work)


@router.post("/security/password")
async def change_password(page: PageDep) -> Response:
    async def work(form: FormData) -> Response:
        await page.runtime.people.change_password(page.reader, _raw(form, "current"), _raw(form, "new"))
        return page.go("/security", "password_changed")

    return await _on_form(page, work)


@router.post("/security/sessions")
async def sign_out_everywhere(page: PageDep) -> Response:
    async def work(_: FormData) -> Response:
        await page.runtime.people.end_everything(page.user_id, but=page.reader.sign_in)
        return page.go("/security", "everywhere")

    return await _on_form(page, work)


@router.post("/security/sessions/{session_id}")
async def end_session(page: PageDep, session_id: str) -> Response:
    async def work(_: FormData) -> Response:
        await page.runtime.database.run(lambda s: sign_in.end_one(s, page.user_id, session_id, clock(s)))
        return page.go("/security", "session_ended", anchor="sessions")

    return await _on_form(page, work)


@router.post("/security/keys")
async def make_key(page: PageDep) -> Response:
    """The key is on the answer, this once: no redirect."""

    async def work(form: FormData) -> Response:
        scopes = [str(scope) for scope in form.getlist("scope")]
        name, days = text_of(form, "name"), _days(text_of(form, "days"))
        _, secret = await page.runtime.database.run(
            lambda s: keys.make(s, page.user_id, name, scopes, clock(s), days=days)
        )
        return await security_page(page, made=secret)

    return await _on_form(page, work)


@router.post("/security/keys/{key_id}")
async def revoke_key(page: PageDep, key_id: str) -> Response:
    async def work(_: FormData) -> Response:
        await page.runtime.database.run(lambda s: keys.revoke(s, page.user_id, key_id, clock(s)))
        return page.go("/security", "key_revoked", anchor="keys")

    return await _on_form(page, work)


@router.post("/security/export")
async def export_everything(page: PageDep) -> Response:
    await page.form()
    headers = {"Content-Disposition": f'attachment; filename="vintedbot-{page.reader.name}.zip"'}
    pieces = await run_in_threadpool(page.runtime.export, page.user_id)
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


@router.post("/security/leave")
async def leave(page: PageDep) -> Response:
    async def work(form: FormData) -> Response:
        if text_of(form, "name").lower() != page.reader.name:
            raise BadRequest("Type your own name to say that you mean it.", code="name_mismatch")
        await page.runtime.people.check_password(page.user_id, _raw(form, "current"))
        await page.runtime.remove_user(page.user_id)
        answer = page.go("/sign-in", "left")
        answer.delete_cookie(COOKIE)
        return answer

    return await _on_form(page, work)


async def security_page(page: Page, error: VintedBotError | None = None, made: str | None = None) -> Response:
    def look(session: Session) -> Security:
        user_id = page.user_id
        return Security(
            service.find(session, user_id),
            sign_in.sessions_of(session, user_id, clock(session)),
            keys.keys_of(session, user_id),
            audit.events_of(session, user_id, limit=EVENTS_SHOWN),
        )

    return page.render(
        "security.html",
        here="/security",
        status=error.status if error else 200,
        shown=await page.runtime.database.run(look),
        reader=page.reader,
        scopes=[scope for scope in SCOPES if scope != "admin" or page.reader.is_admin],
        made=made,
        error=page.words.error(error) if error else None,
    )


async def _on_form(page: Page, work: Callable[[FormData], Awaitable[Response]]) -> Response:
    """Carries it out, or shows the page with what was in the way. Raises NotFound for what isn't the reader's."""
    form = await page.form()
    try:
        return await work(form)
    except VintedBotError as error:
        if error.code == "not_found":
            raise
        return await security_page(page, error)


def _days(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise BadRequest(f"Days are a number from 1 to {MOST_DAYS}, or nothing.", code="bad_request")
    return int(text)


def _raw(form: FormData, name: str) -> str:
    return str(form.get(name, ""))
