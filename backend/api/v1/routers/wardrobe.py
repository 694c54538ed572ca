"""The wardrobe: what is live, sold and waiting; found, noted, exported, imported, looked at anew."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response, status
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from backend.api.deps import KnownFirst, RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.db.models import Piece, SavedView
from backend.db.scope import get_owned
from backend.wardrobe import importing, pieces, search, sheet
from backend.wardrobe.importing import Line, Plan
from backend.wardrobe.photos import photos_zip
from backend.wardrobe.pieces import PieceState
from backend.wardrobe.search import Wanted

router = APIRouter(prefix="/wardrobe", tags=["wardrobe"], responses=RESPONSES, route_class=KnownFirst)

WantedDep = Annotated[Wanted, Query()]


class PieceOut(BaseModel):
    """A draft with a listing, or a listing seen on the marketplace. Prices are decimal strings; `sold_by` says whose
    word a sale is: the `site`'s or the `person`'s."""

    id: str
    account_id: str
    draft_id: str | None
    listing_id: str | None
    url: str | None
    title: str
    price: str | None
    state: PieceState
    state_since: datetime
    category: str | None
    audience: str | None
    brand: str | None
    listed_at: datetime | None
    seen_at: datetime | None
    sold_price: str | None
    sold_on: date | None
    sold_by: str | None
    reference: str
    notes: str


class WardrobeOut(BaseModel):
    """`total` in this view; `counts` by state whatever state was asked for."""

    total: int
    counts: Mapping[PieceState, int]
    pieces: list[PieceOut]


class Sale(BaseModel):
    model_config = ConfigDict(extra="forbid")

    price: Annotated[Decimal, Field(gt=0, lt=1_000_000, decimal_places=2)]
    on: date | None = None


class PieceChange(BaseModel):
    """What is left out stays; `sold: null` takes the seller's word of a sale back."""

    model_config = ConfigDict(extra="forbid")

    reference: str | None = None
    notes: str | None = None
    sold: Sale | None = None


class Refresh(BaseModel):
    """`account` by id or name, where there are several."""

    model_config = ConfigDict(extra="forbid")

    account: str | None = None


class SeenOut(BaseModel):
    """What the look came to; not `whole` where there were more listings than are looked at."""

    listings: int
    new: int
    sold: int
    gone: int
    whole: bool


class NewView(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=200)]
    wanted: Wanted


class ViewOut(BaseModel):
    id: str
    name: str
    wanted: dict[str, Any]


class ChangeOut(BaseModel):
    column: str
    before: str
    after: str


class LineOut(BaseModel):
    """A line that changes something, or is refused, or is held back: `older` are its cells that changed here since the
    export."""

    line: int
    title: str
    id: str | None
    draft_id: str | None
    changes: list[ChangeOut]
    older: list[str]
    code: str | None
    refused: str | None


class ImportOut(BaseModel):
    """`applied` is false for a dry look. `older` lines are held back, `ignored` are columns that nobody knows."""

    applied: bool
    changed: int
    older: int
    refused: int
    unchanged: int
    ignored: list[str]
    lines: list[LineOut]


@router.get("")
async def show_wardrobe(
    runtime: RuntimeDep,
    user_id: UserId,
    wanted: WantedDep,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> WardrobeOut:
    """The pieces wanted, a page at a time."""

    found = await pieces.caught_up(runtime.database, search.find, user_id, wanted, limit=limit, offset=offset)
    return WardrobeOut(total=found.total, counts=found.counts, pieces=[shown(piece) for piece in found.pieces])


@router.post("/refresh")
async def refresh_wardrobe(wish: Refresh, runtime: RuntimeDep, user_id: UserId) -> SeenOut:
    """Reads the account's own wardrobe on the marketplace and stores what it shows; nothing there is touched.

    409 with the way to mend it where the account can't be used now."""
    seen = await runtime.accounts.refresh_wardrobe(user_id, wish.account)
    return SeenOut.model_validate(seen, from_attributes=True)


@router.get("/export")
async def export_wardrobe(
    runtime: RuntimeDep, user_id: UserId, wanted: WantedDep, kind: Annotated[sheet.Format, Query(alias="as")] = "csv"
) -> Response:
    """All that is wanted as a CSV, XLSX or JSON file."""
    body = await pieces.caught_up(runtime.database, sheet.export, user_id, wanted, kind)
    return Response(body, media_type=sheet.MEDIA_TYPES[kind], headers=_as_file(f"wardrobe.{kind}"))


@router.get("/photos.zip", response_class=StreamingResponse)
async def export_photos(runtime: RuntimeDep, user_id: UserId, wanted: WantedDep) -> StreamingResponse:
    """The photos of all that is wanted: a folder a piece, in order. 409 `photos_elsewhere` where there are none."""
    streamed = await pieces.caught_up(runtime.database, photos_zip, user_id, wanted, runtime.store)
    return StreamingResponse(streamed, media_type="application/zip", headers=_as_file("wardrobe-photos.zip"))


@router.post("/import")
async def import_wardrobe(
    runtime: RuntimeDep,
    user_id: UserId,
    table: Annotated[bytes, Body(media_type="text/csv")],
    apply: bool = False,
    older: bool = False,
) -> ImportOut:
    """Says line by line what the table would change and what is refused; with `apply` it is changed, with `older` also
    where a cell is older than what is here."""
    plan, lines = await importing.bring_in(runtime.database, user_id, table, make=apply, older=older)
    return import_shown(plan, lines, applied=apply)


@router.get("/views")
async def show_views(runtime: RuntimeDep, user_id: UserId) -> list[ViewOut]:
    return [view_shown(view) for view in await runtime.database.run(search.views_of, user_id)]


@router.post("/views", status_code=status.HTTP_201_CREATED)
async def keep_view(new: NewView, runtime: RuntimeDep, user_id: UserId) -> ViewOut:
    """Saves a view under a name, in the place of one of the same name."""
    return view_shown(await runtime.database.run(search.keep_view, user_id, new.name, new.wanted))


@router.delete("/views/{view_id}", status_code=status.HTTP_204_NO_CONTENT)
async def forget_view(view_id: str, runtime: RuntimeDep, user_id: UserId) -> None:
    await runtime.database.run(search.forget_view, user_id, view_id)


@router.get("/{piece_id}")
async def show_piece(piece_id: str, runtime: RuntimeDep, user_id: UserId) -> PieceOut:
    return shown(await runtime.database.look(get_owned, Piece, user_id, piece_id))


@router.patch("/{piece_id}")
async def change_piece(piece_id: str, wish: PieceChange, runtime: RuntimeDep, user_id: UserId) -> PieceOut:
    """The seller's own reference and notes, and that it was sold: for so much, on that day."""

    def work(session: Session) -> PieceOut:
        piece = pieces.note(session, user_id, piece_id, reference=wish.reference, notes=wish.notes)
        if wish.sold is not None:
            piece = pieces.sell(session, user_id, piece_id, pieces.cents_of(wish.sold.price) or 0, wish.sold.on)
        elif "sold" in wish.model_fields_set:
            piece = pieces.take_sale_back(session, user_id, piece_id)
        return shown(piece)

    return await runtime.database.run(work)


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def shown(piece: Piece) -> PieceOut:
    prices = {"price": pieces.price_of(piece.cents), "sold_price": pieces.price_of(piece.sold_cents)}
    return PieceOut.model_validate({**piece.model_dump(), **prices})


def view_shown(view: SavedView) -> ViewOut:
    return ViewOut(id=view.id, name=view.name, wanted=view.wanted)


def import_shown(plan: Plan, lines: list[Line], *, applied: bool) -> ImportOut:
    return ImportOut(
        applied=applied,
        changed=sum(line.goes for line in lines),
        older=sum(bool(line.older) for line in lines),
        refused=sum(line.refused is not None for line in lines),
        unchanged=plan.unchanged,
        ignored=list(plan.ignored),
        lines=[line_shown(line) for line in lines],
    )


def line_shown(line: Line) -> LineOut:
    return LineOut(
        line=line.number,
        title=line.title,
        id=line.piece_id,
        draft_id=line.draft_id,
        changes=[ChangeOut(column=c.column, before=c.before, after=c.after) for c in line.changes],
        older=list(line.older),
        code=line.refused.code if line.refused else None,
        refused=str(line.refused) if line.refused else None,
    )
