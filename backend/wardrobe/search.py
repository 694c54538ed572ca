"""Finding one's way in the wardrobe: words, filters, order, counts by state; and views with a name.

Owns `Wanted`, its query, and the `saved_views` table. Owns no piece: what is found is `pieces.py`'s.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import func
from sqlmodel import Session, col, select

from backend.core.errors import BadRequest
from backend.core.plain_words import visible
from backend.core.search_words import fold
from backend.db.models import Draft, DraftPhoto, Photo, Piece, SavedView
from backend.db.scope import count_owned, get_owned, owned
from backend.wardrobe.pieces import STATES, PieceState, cents_of

Sort = Literal["newest", "oldest", "dear", "cheap", "title", "sold"]
_CAME = func.coalesce(col(Piece.listed_at), col(Piece.created_at))
_ORDERS: Mapping[Sort, Sequence[Any]] = {
    "newest": (_CAME.desc(),),
    "oldest": (_CAME.asc(),),
    "dear": (col(Piece.cents).desc().nulls_last(),),
    "cheap": (col(Piece.cents).asc().nulls_last(),),
    "title": (col(Piece.words).asc(),),
    "sold": (col(Piece.sold_on).desc().nulls_last(),),
}
SORTS = tuple(_ORDERS)
VIEWS_MAX, VIEW_NAME_MAX = 50, 60
_CHUNK = 500


class Wanted(BaseModel):
    """Which pieces, in which order. `dated` says which day `since` and `until` (included) are about."""

    model_config = ConfigDict(extra="ignore")

    q: Annotated[str, Field(max_length=200, description="Words, each to be found; case and accents don't matter.")] = ""
    state: PieceState | Literal[""] = ""
    account: Annotated[str, Field(max_length=100, description="An account's id.")] = ""
    category: Annotated[str, Field(max_length=100)] = ""
    brand: Annotated[str, Field(max_length=100)] = ""
    price_from: Annotated[Decimal | None, Field(ge=0, le=1_000_000)] = None
    price_to: Annotated[Decimal | None, Field(ge=0, le=1_000_000)] = None
    since: Annotated[date | None, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))] = None
    until: Annotated[date | None, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))] = None
    dated: Literal["listed", "sold"] = "listed"
    sort: Sort = "newest"

    @field_validator("price_from", "price_to", "since", "until", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value.strip().replace(",", ".") or None if isinstance(value, str) else value

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Wanted":
        """From what came with a link or out of the tables: what can't be used is left out."""
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            bad = {str(one["loc"][0]) for one in error.errors()}
            return cls.model_validate({name: value for name, value in given.items() if name not in bad})

    def given(self) -> dict[str, Any]:
        """What differs from everything in the usual order."""
        return self.model_dump(mode="json", exclude_defaults=True)


@dataclass(frozen=True)
class Found:
    """`total` is how many there are in this view, `counts` by state whatever the state asked for."""

    pieces: tuple[Piece, ...]
    total: int
    counts: Mapping[PieceState, int]


def find(session: Session, user_id: str, wanted: Wanted, *, limit: int, offset: int = 0) -> Found:
    """The pieces wanted. The tables are to be caught up with before (`pieces.catch_up`)."""
    whatever = _clauses(wanted.model_copy(update={"state": ""}))
    rows = session.exec(
        select(Piece.state, func.count()).where(Piece.user_id == user_id, *whatever).group_by(Piece.state)
    )
    by_state = dict(rows.all())
    counts: dict[PieceState, int] = {state: by_state.get(state, 0) for state in STATES}
    total = counts[wanted.state] if wanted.state else sum(counts.values())
    return Found(tuple(session.exec(_query(user_id, wanted).limit(limit).offset(offset))), total, counts)


def every(session: Session, user_id: str, wanted: Wanted) -> list[tuple[Piece, Draft | None]]:
    """All of them, with their drafts, in order."""
    found = session.exec(_query(user_id, wanted)).all()
    drafts = drafts_of(session, user_id, [piece.draft_id for piece in found if piece.draft_id])
    return [(piece, drafts.get(piece.draft_id or "")) for piece in found]


def drafts_of(session: Session, user_id: str, ids: Sequence[str]) -> dict[str, Draft]:
    chunks = (ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK))
    return {d.id: d for chunk in chunks for d in session.exec(owned(Draft, user_id).where(col(Draft.id).in_(chunk)))}


def choices(session: Session, user_id: str) -> tuple[list[str], list[str]]:
    """The brands and the categories that occur."""

    def told(column: Any) -> list[str]:
        rows = session.exec(select(column).where(Piece.user_id == user_id, column.is_not(None)).distinct())
        return sorted((name for name in rows if name), key=fold)

    return told(col(Piece.brand)), told(col(Piece.category))


def photos_of(session: Session, user_id: str, draft_ids: Collection[str]) -> dict[str, list[Photo]]:
    """The photos of these drafts, in order."""
    ids, found = list(draft_ids), dict[str, list[Photo]]()
    for at in range(0, len(ids), _CHUNK):
        query = (
            select(DraftPhoto.draft_id, Photo)
            .join(Photo, col(Photo.id) == col(DraftPhoto.photo_id))
            .where(Photo.user_id == user_id, col(DraftPhoto.draft_id).in_(ids[at : at + _CHUNK]))
            .order_by(col(DraftPhoto.position))
        )
        for draft_id, photo in session.exec(query):
            found.setdefault(draft_id, []).append(photo)
    return found


def views_of(session: Session, user_id: str) -> list[SavedView]:
    return list(session.exec(owned(SavedView, user_id).order_by(col(SavedView.name))))


def keep_view(session: Session, user_id: str, name: str, wanted: Wanted) -> SavedView:
    """Saves the view under this name, in the place of one of the same name. Raises BadRequest (`bad_view`)."""
    name = " ".join(visible(name).split())
    if not 0 < len(name) <= VIEW_NAME_MAX:
        raise BadRequest(f"A view's name has 1 to {VIEW_NAME_MAX} characters.", code="bad_view")
    view = session.exec(owned(SavedView, user_id).where(SavedView.name == name)).first()
    if view is None and count_owned(session, SavedView, user_id) >= VIEWS_MAX:
        raise BadRequest(f"There are {VIEWS_MAX} views already. Forget one first.", code="bad_view")
    view = view or SavedView(user_id=user_id, name=name)
    view.wanted = wanted.given()
    session.add(view)
    session.flush()
    return view


def forget_view(session: Session, user_id: str, view_id: str) -> None:
    """Raises NotFound."""
    view = get_owned(session, SavedView, user_id, view_id)
    session.delete(view)


def _query(user_id: str, wanted: Wanted) -> Any:
    return owned(Piece, user_id).where(*_clauses(wanted)).order_by(*_ORDERS[wanted.sort], col(Piece.id))


def _clauses(wanted: Wanted) -> list[Any]:
    clauses: list[Any] = [col(Piece.words).contains(word, autoescape=True) for word in fold(wanted.q).split()]
    same = {"state": Piece.state, "account": Piece.account_id, "category": Piece.category, "brand": Piece.brand}
    clauses += [column == value for name, column in same.items() if (value := getattr(wanted, name))]
    if wanted.price_from is not None:
        clauses.append(col(Piece.cents) >= cents_of(round(wanted.price_from, 2)))
    if wanted.price_to is not None:
        clauses.append(col(Piece.cents) <= cents_of(round(wanted.price_to, 2)))
    return clauses + _days(wanted)


def _days(wanted: Wanted) -> list[Any]:
    if wanted.dated == "sold":
        column: Any = col(Piece.sold_on)
        first, after = wanted.since, wanted.until and wanted.until + timedelta(days=1)
    else:
        column = col(Piece.listed_at)
        first = wanted.since and datetime.combine(wanted.since, time(), UTC)
        after = wanted.until and datetime.combine(wanted.until, time(), UTC) + timedelta(days=1)
    return ([column >= first] if first else []) + ([column < after] if after else [])
