"""`wardrobe list|refresh|sold|note|views`: what is live, sold and waiting. Its files are `wardrobe_files.py`'s."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table
from sqlmodel import Session

from backend.accounts import service as accounts
from backend.cli.terminal import AsJson, out, progress_bars, show_json, with_runtime
from backend.core.errors import BadRequest
from backend.db.models import Piece
from backend.db.scope import find_by_prefix
from backend.runtime import Runtime
from backend.wardrobe import pieces, search
from backend.wardrobe.search import Wanted

app = typer.Typer(help="What is live, sold and waiting, of all your accounts.", no_args_is_help=True)

Words = Annotated[list[str] | None, typer.Argument(help="Words to be found; case and accents don't matter.")]
State = Annotated[str, typer.Option(help=f"One of: {', '.join(pieces.STATES)}.")]
Account = Annotated[str, typer.Option(help="An account's name or id.")]
Category = Annotated[str, typer.Option(help="A category, such as t-shirt.")]
Brand = Annotated[str, typer.Option(help="A brand, as it is written.")]
PriceFrom = Annotated[str, typer.Option("--from", help="Lowest price.")]
PriceTo = Annotated[str, typer.Option("--to", help="Highest price.")]
Since = Annotated[str, typer.Option(help="Listed on this day or later: 2026-11-30.")]
Until = Annotated[str, typer.Option(help="Listed on this day or before.")]
Sort = Annotated[str, typer.Option(help=f"One of: {', '.join(search.SORTS)}.")]
View = Annotated[str | None, typer.Option("--view", help="A view saved under this name; other options narrow it.")]
PieceId = Annotated[str, typer.Argument(help="A piece's id, or its first characters.", show_default=False)]
_STATE_COLOURS = {"live": "green", "draft": "yellow", "waiting": "cyan", "sold": "bold", "hidden": "dim", "gone": "dim"}


@app.command("list")
def list_pieces(
    words: Words = None,
    state: State = "",
    account: Account = "",
    category: Category = "",
    brand: Brand = "",
    price_from: PriceFrom = "",
    price_to: PriceTo = "",
    since: Since = "",
    until: Until = "",
    sort: Sort = "newest",
    view: View = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 200,
    as_json: AsJson = False,
) -> None:
    """The pieces of your wardrobe, newest first.

    Example: `vintedbot wardrobe list sezane --state live --from 20 --sort cheap`"""
    given = given_by(words, state, account, category, brand, price_from, price_to, since, until, sort)

    async def act(runtime: Runtime) -> tuple[list[dict[str, Any]], int]:
        def work(session: Session, user_id: str) -> tuple[list[dict[str, Any]], int]:
            found = search.find(session, user_id, wanted_by(session, user_id, given, view), limit=limit)
            names = {a.id: a.username for a in accounts.accounts_of(session, user_id, removed=True)}
            return [row_of(piece, names) for piece in found.pieces], found.total

        return await pieces.caught_up(runtime.database, work, runtime.user_id)

    rows, total = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(rows)
        return
    _show(rows)
    if total > len(rows):
        out.print(f"{len(rows)} of {total}; more with --limit.")


@app.command("refresh")
def refresh(
    account: Annotated[str | None, typer.Argument(help="Account's name or id, when there are several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Looks at the account's wardrobe on the marketplace and keeps what it shows. Nothing there is changed.

    Example: `vintedbot wardrobe refresh marie`"""

    async def act(runtime: Runtime) -> dict[str, Any]:
        with progress_bars(quiet=as_json) as bars:
            bar = bars.add_task("Listings seen", total=None)

            async def seen(count: int) -> None:
                bars.update(bar, completed=count)

            return vars(await runtime.accounts.refresh_wardrobe(runtime.user_id, account, seen))

    found = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(found)
        return
    out.print(f"{found['listings']} listings seen: {found['new']} new, {found['sold']} sold, {found['gone']} gone.")
    if not found["whole"]:
        out.print("There are more than are looked at: of the others nothing was found out.")


@app.command("sold")
def sold(
    piece_id: PieceId,
    price: Annotated[str, typer.Argument(help='What it sold for; "" takes your word back.')],
    on: Annotated[str, typer.Option(help="The day: 2026-11-30. Today, if not said.")] = "",
    as_json: AsJson = False,
) -> None:
    """Your word that it was sold; prices of what is like it rest on that from now on.

    Example: `vintedbot wardrobe sold 3f2a 12,50 --on 2026-11-20`"""
    number = pieces.cents_typed(price)
    if price and not number:
        raise typer.BadParameter(f"{price!r} is no price.", param_hint="PRICE")
    day = _day(on) if on else datetime.now().astimezone().date()

    def work(session: Session, user_id: str, piece: Piece) -> Piece:
        if number is None:
            return pieces.take_sale_back(session, user_id, piece.id)
        return pieces.sell(session, user_id, piece.id, number, day)

    _on_piece(piece_id, work, as_json)


@app.command("note")
def note(
    piece_id: PieceId,
    reference: Annotated[str | None, typer.Option(help="Your own reference, such as a box's number.")] = None,
    notes: Annotated[str | None, typer.Option(help="Anything you want to remember.")] = None,
    as_json: AsJson = False,
) -> None:
    """Your own reference and notes: known to you alone, and found by a search.

    Example: `vintedbot wardrobe note 5b7e --reference B12 --notes "blue box"`"""
    _on_piece(
        piece_id, lambda s, user, piece: pieces.note(s, user, piece.id, reference=reference, notes=notes), as_json
    )


@app.command("views")
def views(
    save: Annotated[str | None, typer.Option(help="Save what the other options say under this name.")] = None,
    forget: Annotated[str | None, typer.Option(help="Forget the view of this name.")] = None,
    words: Words = None,
    state: State = "",
    account: Account = "",
    category: Category = "",
    brand: Brand = "",
    price_from: PriceFrom = "",
    price_to: PriceTo = "",
    since: Since = "",
    until: Until = "",
    sort: Sort = "newest",
    as_json: AsJson = False,
) -> None:
    """Shows the views you saved, saves one, or forgets one.

    Example: `vintedbot wardrobe views --save "dear coats" --category coat --from 40`"""
    given = given_by(words, state, account, category, brand, price_from, price_to, since, until, sort)

    async def act(runtime: Runtime) -> list[dict[str, Any]]:
        def work(session: Session) -> list[dict[str, Any]]:
            user_id = runtime.user_id
            if save is not None:
                search.keep_view(session, user_id, save, wanted_by(session, user_id, given, None))
            if forget is not None:
                search.forget_view(session, user_id, _view_named(session, user_id, forget).id)
            return [{"name": view.name, "wanted": view.wanted} for view in search.views_of(session, user_id)]

        return await runtime.database.run(work)

    rows = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(rows)
        return
    for row in rows:
        told = ", ".join(f"{name}={value}" for name, value in row["wanted"].items()) or "everything"
        out.print(f"{row['name']}: {told}", markup=False, highlight=False)
    if not rows:
        out.print("No view saved yet.")


def row_of(piece: Piece, names: Mapping[str, str]) -> dict[str, Any]:
    """A piece as the command line gives it."""
    hidden = {"user_id", "words", "cents", "sold_cents", "drawn_at"}
    prices = {"price": pieces.price_of(piece.cents), "sold_price": pieces.price_of(piece.sold_cents)}
    return {**piece.model_dump(exclude=hidden, mode="json"), **prices, "account": names.get(piece.account_id, "")}


def given_by(words: list[str] | None, *more: str) -> dict[str, Any]:
    names = ("state", "account", "category", "brand", "price_from", "price_to", "since", "until", "sort")
    return {"q": " ".join(words or []), **dict(zip(names, more, strict=True))}


def wanted_by(session: Session, user_id: str, given: Mapping[str, Any], view: str | None) -> Wanted:
    """Raises BadRequest with what can't be used, NotFound."""
    base = {} if view is None else _view_named(session, user_id, view).wanted
    said = {name: value for name, value in given.items() if value and (name, value) != ("sort", "newest")}
    if "account" in said:
        said["account"] = accounts.choose(session, user_id, said["account"]).id
    try:
        return Wanted.model_validate({**base, **said})
    except ValidationError as error:
        told = "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())
        raise BadRequest(told, code="bad_view") from None


def _view_named(session: Session, user_id: str, name: str) -> Any:
    found = next((view for view in search.views_of(session, user_id) if view.name == name), None)
    if found is None:
        raise BadRequest(f"No view is called {name!r}.", code="bad_view")
    return found


def _on_piece(piece_id: str, work: Any, as_json: bool) -> None:
    async def act(runtime: Runtime) -> dict[str, Any]:
        def change(session: Session) -> dict[str, Any]:
            pieces.catch_up(session, runtime.user_id)
            piece = work(session, runtime.user_id, find_by_prefix(session, Piece, runtime.user_id, piece_id))
            names = {a.id: a.username for a in accounts.accounts_of(session, runtime.user_id, removed=True)}
            return row_of(piece, names)

        return await runtime.database.run(change)

    row = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(row)
    else:
        _show([row])


def _show(rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print("Nothing here. What you publish comes in by itself; for the rest: vintedbot wardrobe refresh")
        return
    table = Table(
        "Piece", "State", "Price", "Title", "Account", "Listed", box=None, header_style="bold", pad_edge=False
    )
    for row in rows:
        price = row["sold_price"] if row["state"] == "sold" else row["price"]
        state = f"[{_STATE_COLOURS[row['state']]}]{row['state']}[/]"
        listed = (row["sold_on"] if row["state"] == "sold" else None) or (row["listed_at"] or "")[:10]
        table.add_row(row["id"][:8], state, price or "–", escape(row["title"]), escape(row["account"]), listed)
    out.print(table)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day such as 2026-11-30.", param_hint="--on") from None
