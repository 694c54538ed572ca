"""The sandbox marketplace's pages: sign-in, the form, items, wardrobes.

Owns which page a visitor gets. Does not own the web API behind the form (`vinted_api.py`) or the form's own
behaviour (`static/form/`).
"""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from backend.sandbox import names, views
from backend.sandbox.faults import REDIRECTS
from backend.sandbox.labels import labels
from backend.sandbox.pages import render
from backend.sandbox.state import Account, SandboxState, StoredItem
from backend.sandbox.vinted_api import State, set_session_cookies
from backend.sandbox.visitor import ANON, CONSENT, REFRESH, visitor_of

router = APIRouter(default_response_class=HTMLResponse)

FORM_LABELS = (
    *(
        "back",
        "brand",
        "brand_custom",
        "brand_none",
        "brand_search",
        "category",
        "category_search",
        "color",
        "condition",
    ),
    *("error_general", "material", "no_brand", "package_size", "photo_failed", "photo_remove", "size", "unisex"),
)
"""The words the form's script writes; others on the page would be found by whoever looks for a sign-in or a wall."""


@router.get("/")
def home(request: Request, state: State) -> Response:
    newest = state.items_of(None, drafts=False)[:48]
    return page(request, state, "home.html", cards=[views.card(item, state) for item in newest])


@router.get("/member/login")
def login_form(request: Request, state: State, ref_url: str = "/") -> Response:
    return page(request, state, "login.html", ref_url=ref_url, wrong=False)


@router.post("/member/login")
def login(
    request: Request,
    state: State,
    username: Annotated[str, Form()],
    password: Annotated[str, Form()],
    ref_url: Annotated[str, Form()] = "/",
) -> Response:
    account = state.account_named(username)
    if account is None or not secrets.compare_digest(account.password.encode(), password.encode()):
        return page(request, state, "login.html", 401, ref_url=ref_url, wrong=True)
    session = state.open_session(account)
    response = RedirectResponse(_local(ref_url), 303)
    set_session_cookies(response, session.access, session.refresh)
    return response


@router.get("/session-refresh")
def session_refresh(request: Request, state: State, ref_url: str = "/") -> Response:
    return page(request, state, "session_refresh.html", ref_url=_local(ref_url))


@router.get("/users/verification")
def verification(request: Request, state: State) -> Response:
    return page(request, state, "verification.html")


@router.get("/items/new")
def new_item(request: Request, state: State) -> Response:
    if visitor_of(request).account is None:
        return _sign_in_first(request, state)
    return page(request, state, "form.html", item=None, config=form_config(request, state, None))


@router.get("/items/{item_id:int}/edit")
def edit_item(request: Request, state: State, item_id: int) -> Response:
    account = visitor_of(request).account
    if account is None:
        return _sign_in_first(request, state)
    item = state.items.get(item_id)
    if item is None or item.account_id != account.id:
        raise HTTPException(404)
    return page(request, state, "form.html", item=item, config=form_config(request, state, item))


@router.get("/items/{reference}")
def item_page(request: Request, state: State, reference: str) -> Response:
    """`/items/<id>` or `/items/<id>-<slug>`; a draft, or a hidden one, is its owner's alone."""
    number = reference.split("-", 1)[0]
    item = state.items.get(int(number)) if number.isdigit() else None
    if item is None or ((item.is_draft or item.closed == "hidden") and not _is_own(request, item)):
        raise HTTPException(404)
    if f"/items/{reference}" != views.path(item):
        return RedirectResponse(views.path(item), 302)
    return page(
        request,
        state,
        "item.html",
        item=item,
        seller=state.accounts[item.account_id],
        own=_is_own(request, item),
        price=views.price_text(item.price, state.options.language),
        attributes=views.attributes(item, state),
    )


@router.get("/member/{user_id:int}")
def member(request: Request, state: State, user_id: int) -> Response:
    owner = state.accounts.get(user_id)
    if owner is None:
        raise HTTPException(404)
    account = visitor_of(request).account
    own = account is not None and account.id == user_id
    cards = [views.card(item, state) for item in state.items_of(user_id, drafts=own)]
    return page(request, state, "member.html", owner=owner, own=own, cards=cards)


@router.get("/photos/{photo_id:int}")
def photo(state: State, photo_id: int) -> Response:
    content = state.photo_bytes(photo_id)
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type=state.photos[photo_id].media_type)


def page(request: Request, state: SandboxState, template: str, status: int = 200, **values: Any) -> Response:
    """A page with the site's header and, for a visitor who has not answered it, the consent banner."""
    visitor = visitor_of(request)
    language = state.options.language
    html = render(
        template,
        t=labels(language),
        language=language,
        account=visitor.account,
        csrf=visitor.session.csrf if visitor.session else "",
        banner=state.options.banner and CONSENT not in request.cookies,
        **values,
    )
    response = HTMLResponse(html, status)
    if ANON not in request.cookies:
        response.set_cookie(ANON, secrets.token_hex(16), samesite="lax")
    return response


def form_config(request: Request, state: SandboxState, item: StoredItem | None) -> dict[str, Any]:
    """What the form's script is told when the page loads."""
    visitor = visitor_of(request)
    account = visitor.account
    assert isinstance(account, Account)
    language = state.options.language
    return {
        "language": language,
        "currency": state.options.currency,
        "widgets": state.options.widgets,
        "member_id": account.id,
        "labels": {name: labels(language)[name] for name in FORM_LABELS},
        "parcels": [{"id": p.id, "title": title} for p, title in names.terms("parcels", language)],
        "quirks": [{"kind": f.kind, **f.params} for f in visitor.faults if f.effect == "quirk"],
        "item": _values(item) if item else None,
    }


def _values(item: StoredItem) -> dict[str, Any]:
    brand = views.brand_name(item)
    return {
        "id": item.id,
        "is_draft": item.is_draft,
        "title": item.title,
        "description": item.description,
        "catalog_id": item.catalog_id,
        "brand": {"id": item.brand_id, "title": brand} if brand is not None else None,
        "size_id": item.size_id,
        "condition_id": item.condition_id,
        "color_ids": item.color_ids,
        "material_ids": item.material_ids,
        "price": item.price,
        "package_size_id": item.package_size_id,
        "is_unisex": item.is_unisex,
        "photos": [{"id": i, "url": f"/photos/{i}"} for i in item.photo_ids],
    }


def _sign_in_first(request: Request, state: SandboxState) -> Response:
    """To the refresh page while the refresh token may still be good, else to the sign-in."""
    target = "/session-refresh" if state.can_renew(request.cookies.get(REFRESH)) else "/member/login"
    return RedirectResponse(f"{target}?ref_url={request.url.path}", 302)


def _is_own(request: Request, item: StoredItem) -> bool:
    account = visitor_of(request).account
    return account is not None and account.id == item.account_id


def _local(ref_url: str) -> str:
    """Never off the site."""
    return ref_url if ref_url.startswith("/") and not ref_url.startswith("//") else REDIRECTS[0]
