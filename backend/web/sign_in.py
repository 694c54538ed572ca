"""The pages at the door: signing in and out, coming by an invitation, a new password by a link.

Owns no rule: `users/people.py` says who gets in. The cookie of who is signed in is `page.py`'s.
"""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from backend.core.caller import Origin
from backend.core.errors import VintedBotError
from backend.users.access import COOKIE, credentials
from backend.web.form_text import text_of
from backend.web.page import OpenPageDep, Page

router = APIRouter(include_in_schema=False)

LONGEST_NAME = 254


@router.get("/sign-in")
async def show_sign_in(page: OpenPageDep, next: str = "/") -> Response:  # noqa: A002 - as it stands in the address
    return await _sign_in_page(page, next)


@router.post("/sign-in")
async def sign_in(page: OpenPageDep) -> Response:
    """Leads to where one wanted to go; only ever to a page of ours."""
    form = await page.form()
    name, way = text_of(form, "name"), text_of(form, "next")
    try:
        _, secret = await page.runtime.people.sign_in(name, _password(form), "page", origin_of(page))
    except VintedBotError as error:
        return await _sign_in_page(page, way, error, name=name)
    answer = RedirectResponse(way if _is_ours(way) else "/", 303)
    page.keep_signed_in(answer, secret)
    return answer


@router.post("/sign-out")
async def sign_out(page: OpenPageDep) -> Response:
    await page.form()
    if page.who is not None:
        await page.runtime.people.sign_out(page.who)
    answer = page.go("/sign-in", "signed_out")
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/register")
async def show_register(page: OpenPageDep, invite: str = "") -> Response:
    return await _register_page(page, {"invite": invite})


@router.post("/register")
async def register(page: OpenPageDep) -> Response:
    form = await page.form()
    typed = {name: text_of(form, name) for name in ("name", "email", "invite")}
    try:
        _, awaited = await page.runtime.register(
            typed["name"],
            _password(form),
            email=typed["email"] or None,
            invite=typed["invite"] or None,
            near=is_near(page),
        )
    except VintedBotError as error:
        return await _register_page(page, typed, error)
    return page.go("/sign-in", "registered_email" if awaited else "registered")


@router.get("/reset")
async def show_reset(page: OpenPageDep, link: str = "") -> Response:
    return page.render("reset.html", here="/reset", link=link, error=None)


@router.post("/reset")
async def reset(page: OpenPageDep) -> Response:
    form = await page.form()
    link = text_of(form, "link")
    try:
        await page.runtime.people.reset(link, _password(form))
    except VintedBotError as error:
        return page.render("reset.html", here="/reset", status=error.status, link=link, error=page.words.error(error))
    return page.go("/sign-in", "password_reset")


@router.get("/forgotten")
async def show_forgotten(page: OpenPageDep) -> Response:
    return page.render("forgotten.html", here="/forgotten", mail=page.runtime.letters is not None, asked=False)


@router.post("/forgotten")
async def ask_for_reset(page: OpenPageDep) -> Response:
    """The answer is the same whether anybody has that name or not, and comes as soon."""
    form = await page.form()
    if (letters := page.runtime.letters) is not None and (name := text_of(form, "name")[:LONGEST_NAME]):
        letters.ask_for_reset(name)
    return page.render("forgotten.html", here="/forgotten", mail=letters is not None, asked=letters is not None)


@router.get("/email")
async def show_email(page: OpenPageDep, link: str = "") -> Response:
    """Asks once more before the address is changed: some mail readers open every link."""
    return page.render("email.html", here="/email", link=link, error=None)


@router.post("/email")
async def confirm_email(page: OpenPageDep) -> Response:
    form = await page.form()
    link = text_of(form, "link")
    try:
        await page.runtime.people.confirm_email(link)
    except VintedBotError as error:
        return page.render("email.html", here="/email", status=error.status, link=link, error=page.words.error(error))
    return page.go("/security" if page.who else "/sign-in", "email_changed")


def origin_of(page: Page) -> Origin:
    client = page.request.client
    return Origin(client.host if client else "", page.request.headers.get("user-agent", ""))


def is_near(page: Page) -> bool:
    """Whether the reader sits at this very machine."""
    client = page.request.client
    host = client.host if client else None
    return credentials(page.request.headers, page.request.cookies, host, alone=False).near


async def _sign_in_page(page: Page, way: str, error: VintedBotError | None = None, name: str = "") -> Response:
    return page.render(
        "sign_in.html",
        here="/sign-in",
        status=error.status if error else 200,
        next=way if _is_ours(way) else "/",
        name=name,
        open=await page.runtime.people.may_register(None, near=is_near(page)),
        mail=page.runtime.letters is not None,
        error=page.words.error(error) if error else None,
    )


async def _register_page(page: Page, typed: dict[str, str], error: VintedBotError | None = None) -> Response:
    return page.render(
        "register.html",
        here="/register",
        status=error.status if error else 200,
        typed={"name": "", "email": "", **typed},
        open=await page.runtime.people.may_register(typed["invite"] or None, near=is_near(page)),
        error=page.words.error(error) if error else None,
    )


def _is_ours(way: str) -> bool:
    """Whether this is a path of this server: `//host` and `/\\host` lead elsewhere."""
    return way.startswith("/") and not way.startswith(("//", "/\\")) and way.isprintable()


def _password(form: FormData) -> str:
    return str(form.get("password", ""))
