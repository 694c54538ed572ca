"""Cells that no spreadsheet calculates, and files as spreadsheets write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import BadRequest
from backend.core.search_words import fold
from backend.core.spreadsheets import from_csv, guarded, to_csv, unguarded

FORMULAS = ["=1+1", "+33 6", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_would_be_calculated_is_text(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize("cell", ["", "Robe", "12.50", "l'été", "'quoted'", "a=b", "2026-11-30"])
def test_other_text_stays_as_it_is(cell: str) -> None:
    assert guarded(cell) == unguarded(cell) == cell


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_what_goes_out_comes_back(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "-", "@"))
    columns, rows = from_csv(to_csv(["id", "x"], [{"id": "1", "x": cell}]), most=2)
    assert (columns, rows[0][1]["x"]) == (["id", "x"], cell.strip())


@pytest.mark.parametrize("by", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_as_spreadsheets_write_them(by: str, encoding: str) -> None:
    text = f'ID{by} Notes \r\n1{by}été\r\n{by}\r\n2{by}"deux\r\nlignes"\r\n3\r\n'
    columns, rows = from_csv(text.encode(encoding), most=10)
    assert columns == ["id", "notes"]
    assert [row[:2] for row in rows] == [
        (2, {"id": "1", "notes": "été"}),
        (5, {"id": "2", "notes": "deux\r\nlignes"}),
        (6, {"id": "3"}),
    ]


def test_a_row_is_as_long_as_it_is_and_a_name_names_one_column() -> None:
    columns, rows = from_csv(b"id,notes,,\n1,a\n2\n3,b,,,\n4,c,,,too far\n", most=10)
    assert columns == ["id", "notes", "", ""]
    assert [(row.cells.get("notes"), row.surplus) for row in rows] == [
        ("a", False),
        (None, False),
        ("b", False),
        ("c", True),
    ]
    with pytest.raises(BadRequest, match="notes") as twice:
        from_csv(b"id,notes,Notes \n1,a,b\n", most=10)
    assert twice.value.code == "column_twice"


def test_a_table_that_is_too_long_or_none_is_refused() -> None:
    with pytest.raises(BadRequest) as long:
        from_csv(b"id,x\n" + b"1,2\n" * 4, most=3)
    assert long.value.code == "csv_too_long"
    for raw in (b"", b"one column", b"PK\x03\x04\0\0,,"):
        with pytest.raises(BadRequest) as none:
            from_csv(raw, most=3)
        assert none.value.code == "csv_unreadable"


@pytest.mark.parametrize(
    ("typed", "found"), [("SÉZANE", "sezane"), ("Œuvre  Łódź", "oeuvre lodz"), ("Straße", "strasse")]
)
def test_words_are_found_however_they_are_typed(typed: str, found: str) -> None:
    assert fold(typed) == found
