"""The page of marketplace accounts: how each stands, what to do where it can't go on, adding one, renewing its session.

Owns no rule: the runtime adds, checks and forgets, `accounts/states` says what a state means.
"""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from backend.accounts import service, standing
from backend.accounts.states import Explained, explain
from backend.core import catalog
from backend.core.errors import BadRequest, VintedBotError
from backend.db.models import Account
from backend.web.language import Words
from backend.web.page import Page, PageDep

router = APIRouter(include_in_schema=False)

COOKIES_LIMIT = 200_000
USERNAME_LIMIT = 100


@dataclass(frozen=True)
class AccountView:
    row: Account
    site: str
    state: Explained
    since: str
    stopped_until: str
    pace: str


@router.get("/accounts")
async def show_accounts(page: PageDep) -> Response:
    return await accounts_page(page)


@router.post("/accounts")
async def add_account(page: PageDep) -> Response:
    """Adds an account, or renews its session, by cookies pasted or chosen as a file."""
    form = await page.form()
    username, base_url = str(form.get("username", "")).strip(), str(form.get("base_url", ""))
    try:
        if not 0 < len(username) <= USERNAME_LIMIT:
            raise BadRequest("Say the account's name on the marketplace.", code="username_missing")
        account = await page.runtime.accounts.add(page.user_id, username, await _cookies(form), base_url or None)
    except VintedBotError as error:
        return await accounts_page(page, error, typed={"username": username, "base_url": base_url})
    return page.go("/accounts", "account_added", anchor=account.id)


@router.post("/accounts/{account_id}/{verb}")
async def act(page: PageDep, account_id: str, verb: Literal["check", "pause", "resume", "usual", "remove"]) -> Response:
    """What its owner does with an account, from its page or, where `back` says so, from the queue's."""
    form = await page.form()
    runtime, user_id = page.runtime, page.user_id
    try:
        account = await runtime.database.run(service.find, user_id, account_id)
        if verb == "check":
            checked = await runtime.accounts.check(user_id, account.id)
            said = "account_ready" if checked.state == "ready" else "account_looked"
            return page.go("/accounts", said, anchor=account_id)
        if verb == "remove":
            await runtime.accounts.remove(user_id, account_id)
            return page.go("/accounts", "account_removed")
        if verb == "usual":
            await runtime.database.run(standing.use_usual_pace, user_id, account_id)
            return page.go("/settings/pace", "saved")
        await runtime.accounts.change(user_id, account_id, paused=verb == "pause")
    except VintedBotError as error:
        return await accounts_page(page, error)
    said = "account_paused" if verb == "pause" else "account_resumed"
    return page.go("/publications", said) if form.get("back") else page.go("/accounts", said, anchor=account_id)


async def accounts_page(
    page: Page, error: VintedBotError | None = None, typed: dict[str, str] | None = None
) -> Response:
    found = await page.runtime.database.look(service.accounts_of, page.user_id)
    default = (await page.runtime.in_force(page.user_id)).marketplace.rstrip("/")
    sites = catalog.sites_in_euros()
    if default not in sites:
        sites = {default: site_of(default), **sites}
    return page.render(
        "accounts.html",
        here="/accounts",
        status=error.status if error else 200,
        accounts=[_view(page, account) for account in found],
        sites=sites.items(),
        typed=typed or {"username": "", "base_url": default},
        error=page.words.error(error) if error else None,
    )


def site_of(base_url: str) -> str:
    """The address as people say it: without scheme and www."""
    return urlsplit(base_url).netloc.removeprefix("www.")


def _view(page: Page, account: Account) -> AccountView:
    words = page.words
    return AccountView(
        row=account,
        site=site_of(account.base_url),
        state=explain(account.state, page.language),
        since=words.moment(account.state_since) if account.state_since else "",
        stopped_until=words.moment(account.stopped_until) if account.stopped_until else "",
        pace=pace_in_words(words, account) or words("account.pace.usual"),
    )


def pace_in_words(words: Words, account: Account) -> str:
    """What is set for this account alone."""

    def told(value: Any) -> str:
        if isinstance(value, list):
            return "–".join(map(told, value))
        return f"{value:g}" if isinstance(value, int | float) else str(value)

    kept = {name: value for name, value in account.pace.items() if value not in (None, "")}
    return " · ".join(words("account.pace.one", what=words(f"settings.{n}"), value=told(v)) for n, v in kept.items())


async def _cookies(form: FormData) -> str:
    """What was chosen as a file, else what was pasted. Raises BadRequest."""
    chosen = form.get("file")
    if isinstance(chosen, UploadFile) and chosen.filename:
        raw = await chosen.read(COOKIES_LIMIT + 1)
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise BadRequest("This file is no text.", code="cookies_unreadable") from None
    else:
        text = str(form.get("cookies", ""))
    if not text.strip() or len(text) > COOKIES_LIMIT:
        raise BadRequest("Paste the cookies, or choose the file they are in.", code="cookies_unreadable")
    return text
