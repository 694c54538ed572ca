"""The page of the wardrobe: found, noted, looked at anew; and a table brought back into it.

Owns what is shown of a piece and where a form leads back to. Owns no rule: `backend/wardrobe` finds, notes, imports.
Exports are the API's own addresses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session
from starlette.datastructures import FormData, UploadFile

from backend.accounts import service as accounts
from backend.accounts.states import explain
from backend.core.errors import BadRequest, NeedsPersonError, VintedBotError
from backend.core.listing import FIELD_NAMES
from backend.core.spreadsheets import decoded
from backend.db.models import Account, Photo, Piece, SavedView
from backend.wardrobe import importing, pieces, search, sheet
from backend.wardrobe.importing import Line, Plan
from backend.wardrobe.pieces import PieceState
from backend.wardrobe.search import Wanted
from backend.web import piece_form
from backend.web.language import Words
from backend.web.page import Page, PageDep
from backend.web.piece_form import Typed
from backend.web.values import value_text

router = APIRouter(include_in_schema=False)

A_PAGE = 48
HERE = "/wardrobe"


@dataclass(frozen=True)
class PieceView:
    row: Piece
    cover: Photo | None
    price: str
    sold_price: str
    words: Mapping[str, str]
    facts: str
    when: str
    on_site: str


@dataclass(frozen=True)
class WardrobeView:
    """A page of it: `number` of `numbers`. `views` come with their addresses; `looked` is when the last look was."""

    pieces: tuple[PieceView, ...]
    total: int
    counts: Mapping[PieceState, int]
    number: int
    numbers: int
    views: tuple[tuple[SavedView, str], ...]
    accounts: tuple[Account, ...]
    looked: str
    brands: tuple[str, ...]
    categories: tuple[tuple[str, str], ...]


@router.get(HERE)
async def show_wardrobe(page: PageDep) -> Response:
    return await wardrobe_page(page, page.request.query_params)


@router.post(f"{HERE}/refresh")
async def refresh_wardrobe(page: PageDep) -> Response:
    form = await page.form()
    account = str(form.get("account", "")) or None
    try:
        await page.runtime.accounts.refresh_wardrobe(page.user_id, account)
    except VintedBotError as error:
        return await wardrobe_page(page, _view_of(form), error=error)
    return _back(form, "wardrobe_seen")


@router.post(f"{HERE}/views")
async def keep_view(page: PageDep) -> Response:
    form = await page.form()
    try:
        await page.runtime.database.run(
            search.keep_view, page.user_id, str(form.get("name", "")), Wanted.of(_view_of(form))
        )
    except VintedBotError as error:
        return await wardrobe_page(page, _view_of(form), error=error)
    return _back(form, "view_kept")


@router.post(f"{HERE}/views/{{view_id}}")
async def forget_view(page: PageDep, view_id: str) -> Response:
    form = await page.form()
    await page.runtime.database.run(search.forget_view, page.user_id, view_id)
    return _back(form, "view_forgotten")


@router.get(f"{HERE}/import")
async def show_import(page: PageDep) -> Response:
    return _import_page(page)


@router.post(f"{HERE}/import")
async def import_table(page: PageDep) -> Response:
    """First a dry look at the file, which is sent along for the second time, when it is applied."""
    await page.request.form(max_part_size=importing.BYTES_MAX + 1)
    form = await page.form()
    database, user_id = page.runtime.database, page.user_id
    try:
        table = await _table(form)
        make, older = form.get("do") == "apply", bool(form.get("older"))
        plan, lines = await importing.bring_in(database, user_id, table, make=make, older=older)
    except VintedBotError as error:
        return _import_page(page, error=error)
    return _import_page(page, plan, lines, applied=make, table=b"" if make and not plan.older else table)


@router.post(f"{HERE}/{{piece_id}}")
async def change_piece(page: PageDep, piece_id: str) -> Response:
    """The seller's words about a piece: reference, notes, and what it sold for, or nothing."""
    form = await page.form()

    typed = piece_form.typed(form)
    try:
        await page.runtime.database.run(piece_form.change, page.user_id, piece_id, typed)
    except VintedBotError as error:
        return await wardrobe_page(page, _view_of(form), error=error, open_id=piece_id, typed=typed)
    return _back(form, "saved", anchor=piece_id)


async def wardrobe_page(
    page: Page,
    view: Mapping[str, str],
    *,
    error: VintedBotError | None = None,
    open_id: str = "",
    typed: Mapping[str, Typed] = MappingProxyType({}),
) -> Response:
    """What a view's address asks for; the form of the piece `open_id` stands open, with what was typed into it."""
    wanted, number = Wanted.of(view), _number(view)
    shown = await pieces.caught_up(page.runtime.database, _look, page.user_id, page.words, wanted, number)
    return page.render(
        "wardrobe.html",
        here=HERE,
        status=error.status if error else 200,
        shown=shown,
        wanted=wanted,
        query=urlencode(wanted.given()),
        view=urlencode(wanted.given() | ({"page": number} if number > 1 else {})),
        link=lambda **change: link(wanted, **change),
        narrowed=bool(wanted.model_copy(update={"sort": "newest"}).given()),
        states=pieces.STATES,
        sorts=search.SORTS,
        open_id=open_id,
        typed={name: one.said for name, one in typed.items()},
        today=date.today().isoformat(),
        error=_told(page, error, shown) if error else None,
        mend=isinstance(error, NeedsPersonError),
    )


def _told(page: Page, error: VintedBotError, shown: WardrobeView) -> str:
    """What went wrong; of an account that needs its owner, how it stands and what to do."""
    if isinstance(error, NeedsPersonError) and shown.accounts:
        said = explain("no_session" if error.code == "session_missing" else error.code, page.language)
        return f"{said.sentence} {said.fix}".strip()
    return page.words.error(error)


def _look(session: Session, user_id: str, words: Words, wanted: Wanted, number: int) -> WardrobeView:
    found = search.find(session, user_id, wanted, limit=A_PAGE, offset=(number - 1) * A_PAGE)
    known = accounts.accounts_of(session, user_id, removed=True)
    names = {account.id: account.username for account in known} if len(known) > 1 else {}
    drafts = [piece.draft_id for piece in found.pieces if piece.draft_id]
    photos = search.photos_of(session, user_id, drafts)
    brands, categories = search.choices(session, user_id)
    looked = [account.wardrobe_seen_at for account in known if account.wardrobe_seen_at]
    return WardrobeView(
        pieces=tuple(_view(words, p, next(iter(photos.get(p.draft_id or "", [])), None), names) for p in found.pieces),
        total=found.total,
        counts=found.counts,
        number=number,
        numbers=max(1, -(-found.total // A_PAGE)),
        views=tuple((view, link(Wanted.of(view.wanted))) for view in search.views_of(session, user_id)),
        accounts=tuple(account for account in known if account.removed_at is None),
        looked=words.moment(max(looked)) if looked else "",
        brands=tuple(brands),
        categories=tuple((slug, value_text(words, "category", slug)) for slug in categories),
    )


def _view(words: Words, piece: Piece, cover: Photo | None, names: Mapping[str, str]) -> PieceView:
    price, sold_price = pieces.price_of(piece.cents), pieces.price_of(piece.sold_cents)
    facts = [piece.brand or "", value_text(words, "category", piece.category), names.get(piece.account_id, "")]
    if piece.state == "sold" and piece.sold_on:
        when = words("wardrobe.sold_on", day=words.day(piece.sold_on))
    else:
        when = words("wardrobe.listed_on", day=words.day(piece.listed_at)) if piece.listed_at else ""
    return PieceView(
        row=piece,
        cover=cover,
        price=words.money(price) if price else "",
        sold_price=words.money(sold_price) if sold_price else "",
        words=piece_form.stands(piece),
        facts=" · ".join(filter(None, facts)),
        when=when,
        on_site=piece.url if piece.url and piece.url.startswith(("https://", "http://")) else "",
    )


def link(wanted: Wanted, **change: Any) -> str:
    """The address of this view with something otherwise."""
    number = change.pop("page", None)
    query = {**wanted.given(), **change} | ({"page": number} if number else {})
    told = urlencode({name: value for name, value in query.items() if value not in ("", None)})
    return f"{HERE}?{told}" if told else HERE


def _view_of(form: FormData) -> dict[str, str]:
    """The view a form was sent from, and its page."""
    return dict(parse_qsl(str(form.get("view", ""))[:2000]))


def _number(view: Mapping[str, str]) -> int:
    asked = view.get("page", "")
    return max(1, int(asked)) if asked.isdecimal() and len(asked) < 7 else 1


def _back(form: FormData, said: str, *, anchor: str = "") -> Response:
    view = _view_of(form)
    number = _number(view)
    target = link(Wanted.of(view), said=said, page=number if number > 1 else None)
    return RedirectResponse(f"{target}#{anchor}" if anchor else target, 303)


async def _table(form: FormData) -> bytes:
    """The file chosen, else the text that was looked at before."""
    chosen = form.get("file")
    if isinstance(chosen, UploadFile) and chosen.filename:
        return await chosen.read(importing.BYTES_MAX + 1)
    if not (text := str(form.get("table", ""))):
        raise BadRequest("Choose a CSV file.", code="csv_missing")
    return text.encode()


def _import_page(
    page: Page,
    plan: Plan | None = None,
    lines: Sequence[Line] = (),
    *,
    applied: bool = False,
    table: bytes = b"",
    error: VintedBotError | None = None,
) -> Response:
    columns = {name: _column(page.words, name) for name in sheet.CHANGEABLE}
    return page.render(
        "wardrobe_import.html",
        here=f"{HERE}/import",
        status=error.status if error else 200,
        plan=plan,
        lines=[(line, page.words.error(line.refused) if line.refused else "") for line in lines],
        applied=applied,
        changed=sum(line.goes for line in lines),
        older=sum(bool(line.older) for line in lines),
        refused=sum(line.refused is not None for line in lines),
        table=decoded(table),
        columns=columns,
        columns_of=lambda names: ", ".join(columns[name] for name in names),
        error=page.words.error(error) if error else None,
    )


def _column(words: Words, name: str) -> str:
    return words.field(name) if name in FIELD_NAMES else words(f"column.{name}")
