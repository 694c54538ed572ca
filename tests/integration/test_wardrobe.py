"""The wardrobe in real tables: what comes into it, how it is found, what a sale does, a table out and in again."""

import asyncio
import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from backend.core.errors import BadRequest, Conflict, NotFound
from backend.core.listing import stated
from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, Piece, Publication, User, new_id
from backend.drafts import service as drafts
from backend.drafts.schemas import FIELDS
from backend.marketplace.port import AccountSession, LookedAt, Wardrobe, WardrobeItem
from backend.publications import journal, queue
from backend.publications.journal import State
from backend.wardrobe import importing, pieces, search, sheet
from backend.wardrobe.importing import Plan
from backend.wardrobe.pieces import take_in
from backend.wardrobe.refresh import refresh
from backend.wardrobe.search import Wanted

COAT = {"category": "coat", "audience": "women", "brand": "Sézane", "size": "M", "condition": "very-good"}
_places = count(1)


def account_of(session: Session, name: str = "") -> Account:
    user = User(name=name or new_id())
    session.add(user)
    session.flush()
    account = Account(user_id=user.id, username="marie", base_url="http://127.0.0.1:9", state="ready")
    session.add(account)
    session.flush()
    return account


def listed(
    session: Session, account: Account, listing_id: str | None, *, mode: str = "publish", **fields: Any
) -> Draft:
    """A draft whose fields its seller stated, with the listing it has, or on its way to one."""
    batch = Batch(user_id=account.user_id)
    session.add(batch)
    session.flush()
    given = {**COAT, "title": "Manteau Sézane", "price": "60", **fields}
    told = FIELDS.dump_python({name: stated(value) for name, value in given.items()}, mode="json")
    draft = Draft(user_id=account.user_id, batch_id=batch.id, ordinal=0, state="open", fields=told, revision=2)
    session.add(draft)
    session.flush()
    publication = Publication(
        user_id=account.user_id, draft_id=draft.id, draft_revision=2, account_id=account.id, route="web", mode=mode,
        position=next(_places), live_key=f"{draft.id}:web", listing_id=listing_id,
        listing_url=listing_id and f"http://127.0.0.1:9/items/{listing_id}",
        state="confirmed" if listing_id else "queued", sheet={"title": given["title"], "price": given["price"]},
    )  # fmt: skip
    journal.open_journal(session, publication)
    return draft


def shown(*items: WardrobeItem, whole: bool = True) -> Wardrobe:
    return Wardrobe(items, whole)


def item(listing_id: str, title: str = "Robe", price: str = "20", state: Any = "live") -> WardrobeItem:
    return WardrobeItem(listing_id, title, Decimal(price), state == "draft", 1, state)


def found(session: Session, user_id: str, **wanted: Any) -> list[Piece]:
    pieces.catch_up(session, user_id)
    return list(search.find(session, user_id, Wanted(**wanted), limit=100).pieces)


def plan_of(session: Session, user_id: str, raw: bytes) -> Plan:
    pieces.catch_up(session, user_id)
    return importing.look(session, user_id, raw)


def look(session: Session, account: Account, *items: WardrobeItem, whole: bool = True, after: int = 0) -> pieces.Seen:
    begun = datetime.now(UTC) + timedelta(seconds=1 + after)
    return take_in(session, account.user_id, account.id, shown(*items, whole=whole), begun=begun)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Any:
    built = Database(f"sqlite:///{tmp_path_factory.mktemp('wardrobe') / 'test.db'}")
    built.migrate()
    yield built
    built.close()


@pytest.fixture
def session(tables: Database) -> Any:
    """A transaction that leaves nothing behind."""
    with Session(tables.engine, expire_on_commit=False) as opened:
        yield opened
        opened.rollback()


def test_words_filters_and_order_on_both_databases(database: Database) -> None:
    with database.session() as session:
        account = account_of(session, "marie")
        other = account_of(session, "eve")
        listed(session, account, "1", title="Manteau œuf 100%_laine", price="60", colours=["navy"])
        listed(session, account, "2", title="Jupe plissée", brand="Zara", category="skirt", price="9.50")
        listed(session, account, None, title="Pull en attente", brand="", category="jumper", price="15")
        listed(session, other, "3", title="Manteau Sézane d'Ève")
        user = account.user_id
        look(session, account, item("1", "Manteau œuf 100%_laine", "60"), item("2", "Jupe plissée", "9.50"),
             item("7", "Écharpe À CARREAUX", "12", "sold"), after=60)  # fmt: skip

        def titles(**wanted: Any) -> list[str]:
            return [piece.title[:5] for piece in found(session, user, **wanted)]

        assert titles(q="sezane") == titles(q="SÉZANE") == titles(q="oeuf coat") == titles(q="0%_l") == ["Mante"]
        assert titles(q="marine manteau") == ["Mante"], "colours and categories by name, in either language"
        assert titles(q="%") == ["Mante"], "a pattern is a character like any other"
        assert titles(q="echarpe carreaux") == ["Échar"]
        assert titles(q="manteau zara") == []
        assert titles(sort="cheap") == ["Jupe ", "Échar", "Pull ", "Mante"]
        assert titles(sort="dear") == titles(sort="cheap")[::-1]
        assert titles(sort="title") == ["Échar", "Jupe ", "Mante", "Pull "]
        assert titles() == titles(sort="oldest")[::-1]
        assert titles(price_from="9,50", price_to=12, sort="cheap") == ["Jupe ", "Échar"]
        assert titles(brand="Zara") == titles(category="skirt") == ["Jupe "]
        assert titles(account=other.id) == []
        assert len(titles(since=date.today() - timedelta(2))) == 2, "when the scarf was listed, nobody here knows"
        assert titles(until=date.today() - timedelta(2)) == []
        some = search.find(session, user, Wanted(state="live", price_to=Decimal(50)), limit=1)
        assert (some.total, some.counts["sold"], some.counts["waiting"], some.counts["live"]) == (1, 1, 1, 1)
        assert search.choices(session, user) == (["Sézane", "Zara"], ["coat", "jumper", "skirt"])
        assert titles(dated="sold", since="2000-01-01") == [], "of what was sold before the first look, no day is known"


def test_a_piece_follows_its_draft_its_publication_and_the_site(session: Session) -> None:
    account = account_of(session)
    draft = listed(session, account, None, title="Manteau")
    [piece] = found(session, account.user_id)
    assert (piece.state, piece.title, piece.cents) == ("waiting", "Manteau", 6000)
    pieces.note(session, account.user_id, piece.id, reference="A12", notes="")
    publication = session.exec(select(Publication).where(Publication.draft_id == draft.id)).one()
    look(session, account, item("5", "Manteau", "60"))  # the site showed it before we knew its number
    assert {p.state for p in found(session, account.user_id)} == {"waiting", "live"}
    publication.listing_id, publication.state, publication.updated_at = "5", "confirmed", datetime.now(UTC)
    [one] = found(session, account.user_id)
    assert (one.state, one.draft_id, one.reference, one.brand) == ("live", draft.id, "A12", "Sézane")
    drafts.edit(session, account.user_id, draft.id, draft.revision, {"brand": "Rouje"})
    assert [p.brand for p in found(session, account.user_id, q="rouje")] == ["Rouje"]
    look(session, account, item("5", "Manteau, prix baissé", "45"))
    assert [(p.title, p.cents) for p in found(session, account.user_id)] == [("Manteau, prix baissé", 4500)]
    look(session, account, item("5", "Manteau, prix baissé", "45", "hidden"))
    assert found(session, account.user_id)[0].state == "hidden"
    assert look(session, account, whole=False).gone == 0, "what a part of a wardrobe doesn't show may be in the rest"
    empty = look(session, account)
    assert (empty.gone, empty.whole) == (0, False), "an answer without anything is sooner a fault than a clearing out"
    assert look(session, account, item("6")).gone == 1
    assert {p.listing_id: p.state for p in found(session, account.user_id)} == {"5": "gone", "6": "live"}


@pytest.mark.parametrize("state", ["live", "sold"])
def test_a_sale_stays_where_a_piece_and_its_listing_become_one(session: Session, state: str) -> None:
    account = account_of(session)
    draft = listed(session, account, None)
    [piece] = found(session, account.user_id)
    pieces.sell(session, account.user_id, piece.id, 900, date(2026, 11, 2))
    look(session, account, item("5", price="60", state=state))
    publication = session.exec(select(Publication).where(Publication.draft_id == draft.id)).one()
    publication.listing_id, publication.state, publication.updated_at = "5", "confirmed", datetime.now(UTC)
    [one] = found(session, account.user_id)
    assert (one.listing_id, one.state, one.sold_by) == ("5", "sold", "person")
    assert (one.sold_cents, one.sold_on) == (900, date(2026, 11, 2)), "the seller's word, not the listing's price"


def test_what_was_listed_while_one_looked_is_not_gone(session: Session) -> None:
    account = account_of(session)
    begun = datetime.now(UTC) - timedelta(minutes=1)
    listed(session, account, "9")
    assert take_in(session, account.user_id, account.id, shown(item("8")), begun=begun).gone == 0
    assert {piece.state for piece in found(session, account.user_id)} == {"live"}


def test_what_was_cancelled_leaves_unless_something_was_said_of_it(session: Session) -> None:
    account = account_of(session)
    for reference in ("", "A1"):
        draft = listed(session, account, None, title=f"Robe {reference}")
        [piece] = [p for p in found(session, account.user_id) if p.draft_id == draft.id]
        pieces.note(session, account.user_id, piece.id, reference=reference, notes=None)
        publication = session.exec(select(Publication).where(Publication.draft_id == draft.id)).one()
        journal.move(session, publication.id, State.CANCELLED)
    assert [p.reference for p in found(session, account.user_id)] == ["A1"]


def test_a_sale_found_on_the_site_and_the_sellers_word(session: Session) -> None:
    account = account_of(session)
    listed(session, account, "1")
    look(session, account, item("1", price="60"))
    assert look(session, account, item("1", price="60", state="sold")).sold == 1
    [piece] = found(session, account.user_id)
    assert (piece.state, piece.sold_by, piece.sold_cents) == ("sold", "site", 6000)
    assert piece.sold_on is not None
    day = piece.sold_on
    pieces.take_sale_back(session, account.user_id, piece.id)
    assert (piece.sold_by, piece.sold_on) == ("site", day), "nothing of the seller's to take back"
    pieces.sell(session, account.user_id, piece.id, 4800, date(2026, 11, 2))
    look(session, account, item("1", price="60", state="sold"))
    assert (piece.sold_by, piece.sold_cents, piece.sold_on) == ("person", 4800, date(2026, 11, 2)), "the seller knows"
    pieces.take_sale_back(session, account.user_id, piece.id)
    assert (piece.state, piece.sold_by, piece.sold_on) == ("sold", "site", None), "the site says so all the same"
    look(session, account, item("1", price="60"))
    assert (piece.state, piece.sold_by, piece.sold_cents) == ("live", None, None), "a sale that fell through"
    for wrong in ((0, None), (500, date.today() + timedelta(days=3)), (500, date(1999, 1, 1))):
        with pytest.raises(BadRequest):
            pieces.sell(session, account.user_id, piece.id, *wrong)
    with pytest.raises(NotFound):
        pieces.sell(session, account_of(session).user_id, piece.id, 500, None)


def test_prices_rest_on_what_was_sold(session: Session) -> None:
    account = account_of(session)
    for number in range(3):
        listed(session, account, str(number), price="90")
    fresh = listed(session, account, None)
    edited = drafts.edit(session, account.user_id, fresh.id, 2, {"price": None})
    before = Decimal(edited.fields["price"]["value"])
    look(session, account, item("8", "Sans brouillon", "5", "sold"), whole=False)
    assert "(vendus" not in edited.fields["price"]["evidence"][0]["detail"]
    for piece in found(session, account.user_id, state="live"):
        pieces.sell(session, account.user_id, piece.id, 3000, None)
    after = drafts.edit(session, account.user_id, fresh.id, edited.revision, {"size": "L"}).fields["price"]
    assert Decimal(after["value"]) < before
    [evidence] = [one["detail"] for one in after["evidence"][:1]]
    assert "vos 3 articles comparables (vendus\u00a0: 3), 30 en médiane, comptent pour 67 %" in evidence


def test_a_table_shows_the_same_three_ways_and_calculates_nothing(session: Session) -> None:
    account = account_of(session)
    listed(session, account, "1", title='=HYPERLINK("http://x")', description="-2 ans\nligne", colours=["red", "navy"])
    look(session, account, item("2", "@SUM(A1)", "20"), item("1", "=1+1", "60"))
    wanted = Wanted(sort="cheap")
    written = {kind: sheet.export(session, account.user_id, wanted, kind) for kind in sheet.FORMATS}
    rows = json.loads(written["json"])
    assert [row["listing_title"] for row in rows] == ["@SUM(A1)", "=1+1"]
    assert (rows[1]["colours"], rows[1]["listing_price"], rows[0]["draft_id"]) == (["red", "navy"], "60.00", None)
    table = list(csv.reader(io.StringIO(written["csv"].decode("utf-8-sig"))))
    assert tuple(table[0]) == sheet.COLUMNS
    sheet_xml = zipfile.ZipFile(io.BytesIO(written["xlsx"])).read("xl/worksheets/sheet1.xml")
    tree = ElementTree.fromstring(sheet_xml)
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    assert list(tree.iter(f"{name}f")) == []
    assert {cell.get("t") for cell in tree.iter(f"{name}c")} == {"inlineStr"}
    excel = [[next(cell.iter(f"{name}t")).text or "" for cell in row] for row in tree.iter(f"{name}row")]
    assert excel == table, "both say the same"
    assert [cell for row in table[1:] for cell in row if cell.startswith(("=", "+", "-", "@"))] == []
    assert plan_of(session, account.user_id, written["csv"]) == Plan((), 2, ()), "what was read is what was said"


def table_of(*rows: dict[str, str], by: str = ",") -> bytes:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=by)
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return out.getvalue().encode()


def changes_of(plan: Plan) -> list[dict[str, tuple[str, str]]]:
    return [{c.column: (c.before, c.after) for c in line.changes} for line in plan.lines]


def test_an_import_is_looked_at_first_and_applied_through_the_drafts(tables: Database) -> None:
    with tables.session() as session:
        account = account_of(session)
        draft = listed(session, account, "1", price="60")
        [piece] = found(session, account.user_id)
    row = {"ID": piece.id, "Revision": "2", "price": "55,5", "purchase_cost": "20", "reference": "A7", "notes": "",
           "sold_price": "50,00 €", "sold_on": "03/11/2026", "colours": "navy, red", "mood": "?"}  # fmt: skip
    raw = table_of(row, by=";")
    with tables.session() as session:
        plan = plan_of(session, account.user_id, raw)
        assert (plan.ignored, plan.unchanged, plan.refused) == (("mood",), 0, [])
        [changes] = changes_of(plan)
        assert changes["price"] == ("60", "55,5")
        assert changes.keys() == {"price", "purchase_cost", "reference", "sold_price", "sold_on", "colours"}
        assert session.get_one(Draft, draft.id).revision == 2, "a look changes nothing"
        assert session.get_one(Piece, piece.id).sold_by is None
    done = asyncio.run(importing.apply(tables, account.user_id, plan.changing))
    assert [line.refused for line in done] == [None]
    with tables.session() as session:
        kept, sold = session.get_one(Draft, draft.id), session.get_one(Piece, piece.id)
        assert (kept.revision, kept.purchase_cost, kept.fields["price"]["value"]) == (3, "20", "55.50")
        assert (sold.state, sold.sold_cents, sold.sold_on, sold.reference) == ("sold", 5000, date(2026, 11, 3), "A7")
        assert plan_of(session, account.user_id, raw).unchanged == 1, "once more changes nothing"
        undone = drafts.undo(session, account.user_id, draft.id, 3)
        assert (undone.purchase_cost, undone.fields["price"]["value"]) == (None, "60")
        back = plan_of(session, account.user_id, table_of({"id": piece.id, "sold_price": "", "sold_on": ""}))
        day = plan_of(session, account.user_id, table_of({"id": piece.id, "sold_price": "", "sold_on": "2026-11-04"}))
    assert back == Plan((), 1, ()), "an export made before the sale takes none back"
    assert changes_of(day) == [{"sold_on": ("2026-11-03", "2026-11-04")}]


def test_a_table_from_before_replaces_nothing_newer(tables: Database) -> None:
    """Cell by cell: what its seller changed in the table is told from what changed here since."""
    with tables.session() as session:
        account = account_of(session)
        me = account.user_id
        draft = listed(session, account, "1", title="Une", price="60")
        look(session, account, item("1"), item("2"), item("3"))
        ids = {piece.listing_id: piece.id for piece in found(session, me)}
        for piece_id in ids.values():
            pieces.note(session, me, piece_id, reference="A", notes="as exported")
        exported = sheet.export(session, me, Wanted(), "csv").decode("utf-8-sig")
        rows = {row["listing_id"]: row for row in csv.DictReader(io.StringIO(exported))}
        for number in "12":
            pieces.note(session, me, ids[number], reference=None, notes="newer")
        drafts.edit(session, me, draft.id, 2, {"price": "70"})
    rows["1"] |= {"reference": "B", "title": "Un manteau", "price": "60,0"}
    rows["2"]["notes"] = rows["3"]["notes"] = "from the table"
    raw = table_of(*rows.values(), by=";")

    def notes() -> list[str]:
        with tables.session() as session:
            return [session.get_one(Piece, ids[number]).notes for number in "123"]

    plan, lines = asyncio.run(importing.bring_in(tables, me, raw, make=True))
    asked = {line.piece_id: (sorted(c.column for c in line.changes), line.older) for line in plan.lines}
    assert asked == {
        ids["1"]: (["reference", "title"], ()),
        ids["2"]: (["notes"], ("notes",)),
        ids["3"]: (["notes"], ()),
    }
    assert [line.piece_id for line in lines if not line.goes] == [ids["2"]]
    assert notes() == ["newer", "newer", "from the table"]
    with tables.session() as session:
        kept = session.get_one(Draft, draft.id).fields
        assert (kept["title"]["value"], kept["price"]["value"]) == ("Un manteau", "70")
        assert session.get_one(Piece, ids["1"]).reference == "B"
    once_more, lines = asyncio.run(importing.bring_in(tables, me, raw, make=True, older=True))
    assert (once_more.unchanged, [(line.piece_id, line.goes) for line in lines]) == (2, [(ids["2"], True)])
    assert notes() == ["newer", "from the table", "from the table"]


def test_a_note_made_while_a_table_is_brought_in_stays(tables: Database) -> None:
    with tables.session() as session:
        account = account_of(session)
        look(session, account, item("1"))
        [piece] = found(session, account.user_id)
        plan = plan_of(session, account.user_id, table_of({"id": piece.id, "notes": "from the table"}))
        pieces.note(session, account.user_id, piece.id, reference=None, notes="newer")
    [line] = asyncio.run(importing.apply(tables, account.user_id, plan.changing))
    assert line.refused is not None and line.refused.code == "piece_changed"


def test_each_line_that_cannot_be_is_refused_with_its_reason(session: Session) -> None:
    account, foreign = account_of(session), account_of(session)
    listed(session, account, "1", title="Une")
    on_its_way = listed(session, account, None, title="Deux")
    theirs = listed(session, foreign, "3")
    look(session, account, item("1"), item("8", "Vue sur le site"))
    by_title = {piece.title: piece for piece in found(session, account.user_id)}
    [their_piece] = found(session, foreign.user_id)
    one, seen = by_title["Robe"], by_title["Vue sur le site"]
    lines = [
        ({"id": their_piece.id, "notes": "x"}, "not_found"),
        ({"draft_id": theirs.id, "price": "1"}, "not_found"),
        ({"id": "nobody's", "notes": "x"}, "not_found"),
        ({"notes": "x"}, "line_about_nothing"),
        ({"id": one.id, "draft_id": on_its_way.id, "notes": "x"}, "line_about_nothing"),
        ({"id": one.id, "price": "cher"}, "bad_cells"),
        ({"id": one.id, "notes": "again"}, "line_twice"),
        ({"id": seen.id, "price": "5"}, "no_draft_here"),
        ({"draft_id": on_its_way.id, "price": "5"}, "draft_in_publication"),
    ]
    columns = dict.fromkeys(("id", "draft_id", "price", "notes"), "")
    shown_before = sheet.cells(sheet.values_of(one, session.get_one(Draft, one.draft_id)))
    given = [{**columns, "price": {one.id: shown_before["price"], on_its_way.id: "60"}.get(
        row.get("id") or row.get("draft_id", ""), ""), **row} for row, _ in lines]  # fmt: skip
    plan = plan_of(session, account.user_id, table_of(*given))
    assert [line.refused and line.refused.code for line in plan.lines] == [code for _, code in lines]
    assert not plan.changing
    stale = table_of({"id": one.id, "revision": "1", "price": "5"})
    assert plan_of(session, account.user_id, stale).lines[0].refused.code == "stale_revision"
    for sale, code in (
        ({"sold_price": "x"}, "bad_sale"),
        ({"sold_price": "", "sold_on": "2026-11-01"}, "bad_sale"),
        ({"sold_price": "5", "sold_on": "hier"}, "bad_sale"),
        ({"reference": "x" * 81}, "note_too_long"),
    ):
        row = table_of({"id": one.id, **sale})
        assert plan_of(session, account.user_id, row).lines[0].refused.code == code
    for raw in (b"", b"title\nx", b"a,b\n1,2", b"id,x\0\n", b"\x89PNG\r\n\x1a\n\0\0"):
        with pytest.raises(BadRequest) as refused:
            plan_of(session, account.user_id, raw)
        assert refused.value.code == "csv_unreadable"


def test_a_line_of_another_length_shifts_and_erases_nothing(session: Session) -> None:
    account = account_of(session)
    listed(session, account, "1", description="Longue")
    [piece] = found(session, account.user_id)
    pieces.note(session, account.user_id, piece.id, reference="A7", notes="à ourlet")
    columns = "id,reference,notes,description,brand\n"
    short = plan_of(session, account.user_id, f"{columns}{piece.id},B8\n".encode())
    assert changes_of(short) == [{"reference": ("A7", "B8")}], "what the line doesn't reach stays"
    long = plan_of(session, account.user_id, f"{columns}{piece.id},A7,taille 38, ourlet,Longue,Rouje\n".encode())
    [line] = long.lines
    assert (line.refused and line.refused.code, line.changes) == ("bad_cells", ())
    spare = plan_of(session, account.user_id, f"{columns}{piece.id},A7,à ourlet,Longue,Sézane,,\n".encode())
    assert spare == Plan((), 1, ()), "empty cells beyond the last column say nothing"


def test_views_are_named_replaced_and_the_users_own(session: Session) -> None:
    user, other = account_of(session).user_id, account_of(session).user_id
    kept = search.keep_view(session, user, "  Manteaux \u200b chers ", Wanted(category="coat", price_from=Decimal(40)))
    search.keep_view(session, user, "Manteaux chers", Wanted(category="coat", sort="dear"))
    assert [(v.id, v.name, v.wanted) for v in search.views_of(session, user)] == [
        (kept.id, "Manteaux chers", {"category": "coat", "sort": "dear"})
    ]
    assert search.views_of(session, other) == []
    with pytest.raises(NotFound):
        search.forget_view(session, other, kept.id)
    for name in ("", " ", "x" * 61):
        with pytest.raises(BadRequest):
            search.keep_view(session, user, name, Wanted())
    assert Wanted.of({"price_from": "x", "state": "flying", "q": "robe", "since": "9999-12-31"}) == Wanted(q="robe")


class OneLook:
    """A route that shows one wardrobe, and lets be looked at what holds meanwhile."""

    def __init__(self, wardrobe: Wardrobe, meanwhile: Any) -> None:
        self.wardrobe, self.meanwhile = wardrobe, meanwhile

    async def whole_wardrobe(self, account: AccountSession, progress: LookedAt) -> Wardrobe:
        await progress(len(self.wardrobe.items))
        self.meanwhile()
        return self.wardrobe


async def test_what_was_seen_is_stored_though_another_was_quicker(tables: Database) -> None:
    """Between reading what is known and writing, another may have stored the same piece: the first try is lost."""
    with tables.session() as session:
        account = account_of(session)
        listed(session, account, "1")
    lost: list[int] = []

    def be_quicker(session: Session, *_: object) -> None:
        if not lost and any(isinstance(row, Piece) for row in session.new):
            lost.append(1)
            raise IntegrityError("INSERT INTO pieces", {}, Exception("UNIQUE constraint failed"))

    route: Any = OneLook(shown(item("1"), item("2")), lambda: None)
    place = AccountSession(account.base_url, account.username, {})
    event.listen(Session, "before_flush", be_quicker)
    try:
        seen = await refresh(tables, route, lambda _: place, account.user_id, None)
    finally:
        event.remove(Session, "before_flush", be_quicker)
    assert (lost, seen.listings, seen.new) == ([1], 2, 1)
    with tables.session() as session:
        assert len(found(session, account.user_id)) == 2


async def test_one_visit_at_a_time_and_none_where_the_account_stands_still(tables: Database) -> None:
    with tables.session() as session:
        account = account_of(session)
        listed(session, account, None)
    due: list[list[str]] = []
    again: list[str] = []

    def meanwhile() -> None:
        with tables.session() as session:
            due.append([row.id for row in queue.due(session) if row.account_id == account.id])
            again.append(str(queue.begin_visit(session, account.user_id, account.id)))

    async def run(**changed: Any) -> pieces.Seen:
        with tables.session() as session:
            session.get_one(Account, account.id).sqlmodel_update(changed)
        route: Any = OneLook(shown(item("1")), meanwhile)
        place = AccountSession(account.base_url, account.username, {})
        return await refresh(tables, route, lambda _: place, account.user_id, None)

    seen = await run()
    assert (seen.listings, seen.new, due) == (1, 1, [[]]), "no publication begins while somebody looks"
    assert "under_way" in again[0]
    with tables.session() as session:
        assert [row.account_id for row in queue.due(session) if row.account_id == account.id] == [account.id]
        assert session.get_one(Account, account.id).wardrobe_seen_at is not None
    soon = datetime.now(UTC) + timedelta(hours=1)
    for changed, code in (
        ({"paused": True}, "account_paused"),
        ({"paused": False, "stopped_until": soon}, "account_stopped"),
        ({"stopped_until": None, "visiting_until": soon}, "account_busy"),
        ({"visiting_until": None, "base_url": "https://www.vinted.fr"}, "looked_lately"),
        ({"base_url": account.base_url, "state": "session_expired"}, "session_expired"),
    ):
        with pytest.raises((Conflict, Exception)) as refused:
            await run(**changed)
        assert refused.value.code == code  # type: ignore[attr-defined]
    assert "Sign in" in str(refused.value) or "cookies" in str(refused.value), "and says how to mend it"
    assert len(due) == 1, "nobody went there"


def test_a_visit_that_took_too_long_neither_goes_on_nor_ends_the_next_ones(tables: Database) -> None:
    with tables.session() as session:
        account = account_of(session)
        listed(session, account, None)
    with tables.session() as session:
        mine = queue.begin_visit(session, account.user_id, account.id)
        assert isinstance(mine, datetime)
        session.get_one(Account, account.id).visiting_until = None  # its time is over
    with tables.session() as session:
        next_one = queue.begin_visit(session, account.user_id, account.id)
    with tables.session() as session, pytest.raises(Conflict) as refused:
        queue.go_on_visiting(session, account.user_id, account.id, mine)
    assert refused.value.code == "visit_over"
    with tables.session() as session:
        queue.end_visit(session, account.user_id, account.id, mine)
        assert session.get_one(Account, account.id).visiting_until == next_one
