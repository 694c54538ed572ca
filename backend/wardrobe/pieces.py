"""The pieces of a seller's wardrobe: drafts with a listing or on their way to one, and listings seen on the site.

Owns the `pieces` table, how it follows the publications and drafts it is drawn from, and a sale by anybody's word. Owns
no search (`search.py`), no visit to a marketplace (`refresh.py`), and changes no draft.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, get_args

from sqlmodel import Session, col, or_, select

from backend.core import catalog
from backend.core.errors import BadRequest
from backend.core.listing import Listing
from backend.core.plain_words import visible
from backend.core.readiness import amount
from backend.core.search_words import fold
from backend.db import audit
from backend.db.engine import Database
from backend.db.models import Draft, Piece, Publication, now
from backend.db.scope import get_owned, owned
from backend.drafts.schemas import FIELDS
from backend.marketplace.port import Wardrobe, WardrobeItem

P = ParamSpec("P")
T = TypeVar("T")

PieceState = Literal["live", "draft", "waiting", "sold", "hidden", "gone"]
STATES: tuple[PieceState, ...] = get_args(PieceState)
"""For sale; a draft on the marketplace; in the queue; sold; there but shown to nobody; no longer there."""
REFERENCE_MAX, NOTES_MAX = 80, 2000
_CENTS_MAX = 100_000_000


@dataclass(frozen=True)
class Seen:
    """What a look at the marketplace's wardrobe came to: how many it showed, and what was news."""

    listings: int
    new: int
    sold: int
    gone: int
    whole: bool


async def caught_up(
    database: Database, work: Callable[Concatenate[Session, str, P], T], user_id: str, *args: P.args, **kwargs: P.kwargs
) -> T:
    """`work(session, user_id, …)`, which only reads, on pieces that are caught up with: a long look holds nobody up."""
    await database.store(catch_up, user_id)
    return await database.look(work, user_id, *args, **kwargs)


def catch_up(session: Session, user_id: str) -> None:
    """Brings the pieces up to what publications and drafts say now. Costs one query where nothing has changed."""
    standing = (Publication.user_id == user_id, col(Publication.live_key).is_not(None), Publication.mode != "dry_run")
    drawn = col(Piece.drawn_at)
    behind = or_(drawn.is_(None), drawn < col(Draft.updated_at), drawn < col(Publication.updated_at))
    query = (
        select(Publication, Draft, Piece)
        .join(Draft, col(Draft.id) == col(Publication.draft_id))
        .outerjoin(Piece, col(Piece.draft_id) == col(Draft.id))
        .where(*standing, behind)
        .order_by(col(Publication.created_at))
    )
    for publication, draft, piece in session.exec(query).all():
        _draw(session, publication, draft, piece)
    kept = select(Publication.draft_id).where(*standing)
    left = owned(Piece, user_id).where(Piece.state == "waiting", col(Piece.draft_id).not_in(kept))
    for piece in session.exec(left.where(Piece.reference == "", Piece.notes == "")):  # cancelled, nothing said of it
        session.delete(piece)
    session.flush()


def _draw(session: Session, publication: Publication, draft: Draft, piece: Piece | None) -> None:
    piece = _piece_of(session, publication, piece)
    fields = Listing(FIELDS.validate_python(draft.fields))
    piece.draft_id, piece.account_id = draft.id, publication.account_id
    piece.category, piece.audience, piece.brand = (fields.value(name) for name in ("category", "audience", "brand"))
    if piece.seen_at is None:
        piece.title = str(publication.sheet.get("title") or fields.value("title") or "")
        piece.cents = cents_of(publication.sheet.get("price") or fields.value("price"))
    if publication.listing_id is not None:
        piece.listing_id, piece.url = publication.listing_id, piece.url or publication.listing_url
        piece.listed_at = piece.listed_at or publication.updated_at
        piece.seen_state = piece.seen_state or ("draft" if publication.mode == "draft" else "live")
    piece.drawn_at = max(draft.updated_at, publication.updated_at)
    _settle(piece)
    _index(piece, fields)
    session.flush()


def _piece_of(session: Session, publication: Publication, piece: Piece | None) -> Piece:
    """The draft's piece. Where its listing was seen before the publication knew of it, the two become one."""
    seen = _by_listing(session, publication.user_id, publication.account_id, publication.listing_id)
    if seen is None:
        made = piece or Piece(user_id=publication.user_id, account_id=publication.account_id, state="waiting")
        session.add(made)
        return made
    if piece is not None and piece.id != seen.id:
        seen.reference, seen.notes = seen.reference or piece.reference, seen.notes or piece.notes
        if piece.sold_by == "person" != seen.sold_by:
            seen.sold_by, seen.sold_cents, seen.sold_on = "person", piece.sold_cents, piece.sold_on
        session.delete(piece)
        session.flush()
    return seen


def _by_listing(session: Session, user_id: str, account_id: str, listing_id: str | None) -> Piece | None:
    if listing_id is None:
        return None
    query = owned(Piece, user_id).where(Piece.account_id == account_id, Piece.listing_id == listing_id)
    return session.exec(query).first()


def take_in(session: Session, user_id: str, account_id: str, shown: Wardrobe, *, begun: datetime) -> Seen:
    """Stores what the account's wardrobe showed in a look that began at `begun`. What a whole wardrobe doesn't show is
    gone, unless it was listed since; an empty one, where listings are known, is not believed to be whole."""
    catch_up(session, user_id)
    here = owned(Piece, user_id).where(Piece.account_id == account_id, col(Piece.listing_id).is_not(None))
    known = {str(piece.listing_id): piece for piece in session.exec(here)}
    sold_before = sum(piece.state == "sold" for piece in known.values())
    for item in reversed(shown.items):  # newest last, as if each had come in when it was listed
        piece = known.get(item.id) or Piece(
            user_id=user_id, account_id=account_id, listing_id=item.id, state=item.state
        )
        session.add(piece)
        _see(session, piece, item, begun)
    ids = {item.id for item in shown.items}
    whole = shown.whole and bool(ids or not known)
    missing = [piece for piece in known.values() if piece.listing_id not in ids] if whole else []
    gone = _lose(missing, begun)
    session.flush()
    sold = sum(piece.state == "sold" for piece in session.exec(here)) - sold_before
    return Seen(len(ids), len(ids - known.keys()), max(0, sold), gone, whole)


def _see(session: Session, piece: Piece, item: WardrobeItem, at: datetime) -> None:
    was_for_sale = piece.seen_state in ("live", "hidden")
    piece.title, piece.cents = visible(item.title)[:200].strip(), cents_of(item.price)
    piece.url = item.url or piece.url
    piece.seen_state, piece.seen_at = item.state, at
    if item.state == "sold" and piece.sold_by is None:
        piece.sold_by, piece.sold_cents = "site", piece.cents
        piece.sold_on = at.date() if was_for_sale else None  # when one was sold before the first look, nobody knows
    elif item.state != "sold" and piece.sold_by == "site":
        piece.sold_by = piece.sold_cents = piece.sold_on = None
    _settle(piece)
    _index(piece, _fields(session, piece))


def _lose(missing: Iterable[Piece], begun: datetime) -> int:
    lost = [p for p in missing if p.seen_state != "gone" and (p.listed_at is None or p.listed_at < begun)]
    for piece in lost:
        piece.seen_state = "gone"
        _settle(piece)
    return len(lost)


def sell(session: Session, user_id: str, piece_id: str, cents: int, on: date | None) -> Piece:
    """The seller's word that it was sold for so much, on that day if they know.

    Raises NotFound, BadRequest (`bad_sale`)."""
    piece = get_owned(session, Piece, user_id, piece_id)
    if not 0 < cents <= _CENTS_MAX:
        raise BadRequest("A sale's price is above 0.", code="bad_sale")
    if on is not None and not date(2000, 1, 1) <= on <= now().date() + timedelta(days=1):
        raise BadRequest("The day of a sale is not in the future.", code="bad_sale")
    piece.sold_cents, piece.sold_on, piece.sold_by = cents, on, "person"
    _settle(piece)
    audit.record(session, "wardrobe.sold", user_id, piece.id, cents=cents)
    return piece


def take_sale_back(session: Session, user_id: str, piece_id: str) -> Piece:
    """It was not sold after all, as far as the seller is asked; where the marketplace says so, its word stands."""
    piece = get_owned(session, Piece, user_id, piece_id)
    if piece.seen_state != "sold":
        piece.sold_by = piece.sold_cents = piece.sold_on = None
    elif piece.sold_by != "site":
        piece.sold_by, piece.sold_cents, piece.sold_on = "site", piece.cents, None
    _settle(piece)
    audit.record(session, "wardrobe.sale_taken_back", user_id, piece.id)
    return piece


def note(session: Session, user_id: str, piece_id: str, *, reference: str | None, notes: str | None) -> Piece:
    """The seller's own reference and notes; None leaves one as it is. Raises NotFound, BadRequest (`note_too_long`)."""
    piece = get_owned(session, Piece, user_id, piece_id)
    reference = piece.reference if reference is None else visible(reference).strip()
    notes = piece.notes if notes is None else "\n".join(map(visible, notes.splitlines())).strip()
    if len(reference) > REFERENCE_MAX or len(notes) > NOTES_MAX:
        told = f"A reference has at most {REFERENCE_MAX} characters, notes {NOTES_MAX}."
        raise BadRequest(told, code="note_too_long")
    piece.reference, piece.notes = reference, notes
    _index(piece, _fields(session, piece))
    audit.record(session, "wardrobe.noted", user_id, piece.id)
    return piece


def cents_of(price: Any) -> int | None:
    """A price as cents; None for what is none."""
    number = None if price is None else amount(price)
    return int(number * 100) if number is not None and 0 <= number * 100 <= _CENTS_MAX else None


def cents_typed(text: str) -> int | None:
    """A price as somebody writes it, with a comma, blanks or a sign, as cents; None for what is none."""
    return cents_of("".join(text.split()).strip("€£").replace(",", "."))


def price_of(cents: int | None) -> str | None:
    """Cents as a decimal string: "12.50"."""
    return None if cents is None else f"{Decimal(cents) / 100:.2f}"


def _settle(piece: Piece) -> None:
    """The one place where a piece's state follows from what is known."""
    state = "sold" if piece.sold_by else piece.seen_state or "waiting"
    if piece.state != state:
        piece.state, piece.state_since = state, now()


def _fields(session: Session, piece: Piece) -> Listing:
    draft = None if piece.draft_id is None else get_owned(session, Draft, piece.user_id, piece.draft_id)
    return Listing({} if draft is None else FIELDS.validate_python(draft.fields))


def _index(piece: Piece, fields: Listing) -> None:
    """What a search looks through; it begins with the title, by which pieces are sorted too."""
    kind = catalog.kinds().get(fields.value("category") or "")
    colours = (catalog.colours().get(slug) for slug in fields.value("colours") or [])
    named = [term.name(language) for term in (kind, *colours) if term for language in ("fr", "en")]
    told = [fields.value(name) or "" for name in ("title", "brand", "size")]
    own = [piece.reference, piece.notes, piece.listing_id or ""]
    piece.words = fold(" ".join(dict.fromkeys([piece.title, *map(str, told), *named, *own])))
