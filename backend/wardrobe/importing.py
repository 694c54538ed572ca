"""A table back into the wardrobe: what each line would change, what is refused and why; and then the changes.

The columns are the export's; a column that isn't there or that a line doesn't reach, and a cell that says what is so
already, or what was so at the export, change nothing. An empty cell takes back, but no sale: the site may have told of
it since the export. A line with a cell that was changed in the table and here too is older than what is here: it is
held back unless its seller says so. A draft's fields go through the drafts service: with a revision, and to be undone
there. Owns the reading of lines. Owns no column (`sheet.py`) and no rule of drafts or pieces.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, col, select

from backend.core.errors import BadRequest, Conflict, NotFound, VintedBotError
from backend.core.listing import FIELD_NAMES
from backend.core.spreadsheets import Row, from_csv
from backend.db import audit
from backend.db.engine import Database
from backend.db.models import Draft, Piece, Publication
from backend.db.scope import get_owned, owned
from backend.drafts import service as drafts
from backend.drafts.schemas import FieldsPatch
from backend.publications.journal import RUNNING
from backend.wardrobe import as_exported, pieces, search, sheet

LINES_MAX = 5000
CHANGED_MAX = 500
"""Lines that change something; each of them is an edit of a draft."""
BYTES_MAX = 5_000_000
_SALE = ("sold_price", "sold_on")
_OF_PIECE = ("reference", "notes", *_SALE)


@dataclass(frozen=True)
class Change:
    column: str
    before: str
    after: str


@dataclass(frozen=True)
class Line:
    """One line of the file: the changes it asks for, or why it can't be. `of_draft` are a draft's fields as its service
    wants them, `own` the rest by column; `older` are the columns that changed here since the export, for which it is
    held back."""

    number: int
    title: str = ""
    piece_id: str | None = None
    draft_id: str | None = None
    revision: int = 0
    changes: tuple[Change, ...] = ()
    of_draft: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    older: tuple[str, ...] = ()
    refused: VintedBotError | None = None

    @property
    def goes(self) -> bool:
        return self.refused is None and not self.older


@dataclass(frozen=True)
class Plan:
    """`ignored` are columns that nobody knows; `unchanged` counts the lines that say what is so already."""

    lines: tuple[Line, ...]
    unchanged: int
    ignored: tuple[str, ...]

    @property
    def changing(self) -> list[Line]:
        return [line for line in self.lines if line.goes]

    @property
    def older(self) -> list[Line]:
        return [line for line in self.lines if line.older]

    @property
    def refused(self) -> list[Line]:
        return [line for line in self.lines if line.refused is not None]


def look(session: Session, user_id: str, raw: bytes) -> Plan:
    """What the file would change, line by line. Changes nothing; the pieces are to be caught up with before. Raises
    BadRequest for what is no table of ours (`csv_unreadable`, `csv_too_long`, `column_twice`)."""
    if len(raw) > BYTES_MAX:
        raise BadRequest(f"More than {BYTES_MAX // 1_000_000} MB. Split the file.", code="csv_too_long")
    columns, found = from_csv(raw, most=LINES_MAX)
    if not {"id", "draft_id"} & set(columns):
        raise BadRequest(
            "A column `id` or `draft_id` has to say what each line is about: begin with an export.",
            code="csv_unreadable",
        )
    known = _Known(session, user_id, found)
    read = [known.read(row) for row in found]
    lines = tuple(line for line in read if line.changes or line.refused)
    if sum(line.refused is None for line in lines) > CHANGED_MAX:
        raise BadRequest(f"More than {CHANGED_MAX} lines change something. Split the file.", code="csv_too_long")
    return Plan(lines, len(read) - len(lines), tuple(c for c in columns if c and c not in sheet.COLUMNS))


async def bring_in(
    database: Database, user_id: str, raw: bytes, *, make: bool, older: bool = False
) -> tuple[Plan, list[Line]]:
    """What the file asks for, and its lines as they are after that: with `make` the changes are made, with `older`
    those of older lines too. Raises BadRequest, as `look` does."""
    plan = await pieces.caught_up(database, look, user_id, raw)
    if not make:
        return plan, list(plan.lines)
    held = [] if older else plan.older
    done = await apply(database, user_id, [*plan.changing, *(plan.older if older else [])])
    return plan, sorted([*done, *held, *plan.refused], key=lambda line: line.number)


async def apply(database: Database, user_id: str, lines: Iterable[Line]) -> list[Line]:
    """Makes the changes, each line in a transaction of its own, and returns the lines with what could not be."""
    done: list[Line] = []
    for line in lines:
        try:
            await database.run(_change, user_id, line)
            done.append(replace(line, older=()))
        except VintedBotError as error:
            done.append(Line(line.number, line.title, line.piece_id, line.draft_id, refused=error))
    return done


def _change(session: Session, user_id: str, line: Line) -> None:
    if line.of_draft:
        assert line.draft_id is not None
        _check_idle(session, user_id, line.draft_id)
        drafts.edit(session, user_id, line.draft_id, line.revision, line.of_draft)
    if line.own:
        assert line.piece_id is not None
        _check_as_looked_at(session, user_id, line.piece_id, line.changes)
        given = line.own
        if {"reference", "notes"} & given.keys():
            pieces.note(session, user_id, line.piece_id, reference=given.get("reference"), notes=given.get("notes"))
        if "sold" in given:
            pieces.sell(session, user_id, line.piece_id, *given["sold"])
    audit.record(session, "wardrobe.imported", user_id, line.piece_id or line.draft_id or "", line=line.number)


def _check_as_looked_at(session: Session, user_id: str, piece_id: str, changes: Iterable[Change]) -> None:
    """The seller's own words are still those that the changes were told of."""
    now = sheet.cells(sheet.values_of(get_owned(session, Piece, user_id, piece_id), None))
    if any(now[change.column] != change.before for change in changes if change.column in _OF_PIECE):
        raise Conflict("The piece has changed meanwhile. Look again.", code="piece_changed")


def _check_idle(session: Session, user_id: str, draft_id: str) -> None:
    """A draft that is being published is left alone: its publication would end by it."""
    running = owned(Publication, user_id).where(Publication.draft_id == draft_id, col(Publication.state).in_(RUNNING))
    if session.exec(running).first():
        raise _in_publication()


def _in_publication() -> Conflict:
    return Conflict("This draft is being published. Let that end, or cancel it, first.", code="draft_in_publication")


class _Known:
    """What the lines may be about: the user's own pieces and drafts, looked up at once."""

    def __init__(self, session: Session, user_id: str, found: Sequence[Row]) -> None:
        self._pieces = {piece.id: piece for piece in session.exec(owned(Piece, user_id))}
        self._by_draft = {piece.draft_id: piece for piece in self._pieces.values() if piece.draft_id}
        meant = [self._pieces[id_].draft_id for row in found if (id_ := row.cells.get("id")) in self._pieces]
        named = {row.cells.get("draft_id") for row in found} | {*meant}
        self._drafts = search.drafts_of(session, user_id, [draft_id for draft_id in named if draft_id])
        busy = select(Publication.draft_id).where(Publication.user_id == user_id, col(Publication.state).in_(RUNNING))
        self._busy = frozenset(session.exec(busy))
        self._met: set[str] = set()

    def read(self, given: Row) -> Line:
        """The line as far as it can be told without changing anything."""
        number, row = given.number, given.cells
        try:
            if given.surplus:
                raise BadRequest("More cells than columns: text with a separator in it needs quotes.", code="bad_cells")
            piece, draft = self._meant(row)
        except VintedBotError as error:
            return Line(number, row.get("title", "") or row.get("listing_title", ""), refused=error)
        title = piece.title if piece else ""
        before = sheet.cells(sheet.values_of(piece, draft))
        told = Line(number, title or before["title"], piece.id if piece else None, draft.id if draft else None)
        try:
            return self._asked(told, row, before, piece, draft)
        except VintedBotError as error:
            return Line(number, told.title, told.piece_id, told.draft_id, refused=error)

    def _meant(self, row: Mapping[str, str]) -> tuple[Piece | None, Draft | None]:
        piece_id, draft_id = row.get("id", ""), row.get("draft_id", "")
        if not piece_id and not draft_id:
            raise BadRequest("The line says neither `id` nor `draft_id`.", code="line_about_nothing")
        piece = self._pieces.get(piece_id) if piece_id else self._by_draft.get(draft_id)
        draft = self._drafts.get(draft_id or (piece.draft_id or "" if piece else ""))
        if (piece_id and piece is None) or (draft_id and draft is None):
            raise NotFound("There is nothing of yours with this id.")
        if piece and draft_id and piece.draft_id != draft_id:
            raise BadRequest("`id` and `draft_id` are of two different things.", code="line_about_nothing")
        key = piece.id if piece else draft_id
        if key in self._met:
            raise BadRequest("An earlier line is about the same.", code="line_twice")
        self._met.add(key)
        return piece, draft

    def _asked(
        self, told: Line, row: Mapping[str, str], before: Mapping[str, str], piece: Piece | None, draft: Draft | None
    ) -> Line:
        then, here = (as_exported.marks(sheet.CHANGEABLE, cells.get(sheet.AS_EXPORTED, "")) for cells in (row, before))
        newer = [name for name in then if then[name] != here[name]]
        named = [name for name in sheet.CHANGEABLE if row.get(name) or (name in row and name not in _SALE)]
        named = [name for name in named if name not in newer or as_exported.mark(name, row[name]) != then[name]]
        typed = {name: row[name].replace("\r\n", "\n") for name in named}
        other = {name: value for name, value in typed.items() if not _same(name, value, before[name])}
        of_draft = _draft_changes({n: v for n, v in other.items() if n in (*FIELD_NAMES, "purchase_cost")})
        own = _own_changes(other, typed, before)
        changed = tuple(
            Change(name, before[name], typed[name])
            for name in sheet.CHANGEABLE
            if name in of_draft or name in own or ("sold" in own and name in other and name in _SALE)
        )
        if of_draft:
            self._check_draft(draft, "" if then else row.get("revision", ""))
        if own and piece is None:
            raise BadRequest("This draft has no listing yet: only its fields can be changed.", code="no_listing_yet")
        revision = draft.revision if draft else 0
        older = tuple(name for name in newer if name in other)
        return replace(told, revision=revision, changes=changed, of_draft=of_draft, own=own, older=older)

    def _check_draft(self, draft: Draft | None, revision: str) -> None:
        if draft is None:
            raise BadRequest(
                "This listing was not made here, so there is no draft of it to change.", code="no_draft_here"
            )
        if revision and revision != str(draft.revision):
            raise Conflict("The draft has changed since this was exported.", code="stale_revision")
        if draft.state in ("reading", "discarded"):
            raise Conflict(f"This draft is {draft.state}.", code=f"draft_{draft.state}")
        if draft.id in self._busy:
            raise _in_publication()


def _same(name: str, typed: str, before: str) -> bool:
    """Whether the cell says what is so already."""
    return as_exported.said(name, typed) == as_exported.said(name, before)


def _draft_changes(typed: Mapping[str, str]) -> dict[str, Any]:
    """The changed fields as the drafts service wants them. Raises BadRequest (`bad_cells`) with each that can't be."""
    given: dict[str, Any] = {name: _value(name, text) for name, text in typed.items()}
    try:
        return FieldsPatch.model_validate(given).changes()
    except ValidationError as error:
        told = "; ".join(f"{e['loc'][0]}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors())
        raise BadRequest(told, code="bad_cells") from None


def _value(name: str, text: str) -> Any:
    if name == "brand" and text == sheet.NO_BRAND:
        return ""
    if not text:
        return None
    return as_exported.listed(text) if name in as_exported.LISTS else text


def _own_changes(other: Mapping[str, str], typed: Mapping[str, str], before: Mapping[str, str]) -> dict[str, Any]:
    own: dict[str, Any] = {name: other[name] for name in ("reference", "notes") if name in other}
    for name, most in (("reference", pieces.REFERENCE_MAX), ("notes", pieces.NOTES_MAX)):
        if len(own.get(name, "")) > most:
            raise BadRequest(f"{name}: at most {most} characters.", code="note_too_long")
    if other.keys() & {*_SALE}:
        price, day = (typed.get(name, before[name]) for name in _SALE)
        if not price:
            raise BadRequest("A day of sale needs its price (`sold_price`).", code="bad_sale")
        own["sold"] = (_cents(price), _day(day))
    return own


def _cents(text: str) -> int:
    cents = pieces.cents_typed(text)
    if not cents:
        raise BadRequest(f"{text!r} is no price.", code="bad_sale")
    return cents


def _day(text: str) -> date | None:
    if not text:
        return None
    if (day := as_exported.day_of(text)) is None:
        raise BadRequest(f"{text!r} is no day. Write 2026-11-30.", code="bad_sale")
    return day
