"""`wardrobe export|import|photos`: the wardrobe as files, and a table brought back into it."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from backend.cli.terminal import AsJson, err, out, show_json, with_runtime
from backend.cli.wardrobe import (
    Account,
    Brand,
    Category,
    PriceFrom,
    PriceTo,
    Since,
    State,
    Until,
    View,
    Words,
    given_by,
    wanted_by,
)  # fmt: skip
from backend.runtime import Runtime
from backend.wardrobe import importing, pieces, sheet
from backend.wardrobe.importing import Line
from backend.wardrobe.photos import photos_zip

Target = Annotated[Path, typer.Option("--output", "-o", help="The file to write; - is standard output.")]


def export(
    words: Words = None,
    kind: Annotated[str, typer.Option("--as", help=f"One of: {', '.join(sheet.FORMATS)}.")] = "",
    output: Target = Path("wardrobe.csv"),
    state: State = "",
    account: Account = "",
    category: Category = "",
    brand: Brand = "",
    price_from: PriceFrom = "",
    price_to: PriceTo = "",
    since: Since = "",
    until: Until = "",
    view: View = None,
    as_json: AsJson = False,
) -> None:
    """Writes what is wanted as a table: CSV (to be changed and imported again), XLSX or JSON.

    Example: `vintedbot wardrobe export --state sold -o sold.xlsx`"""
    given = given_by(words, state, account, category, brand, price_from, price_to, since, until, "newest")
    chosen = kind or (output.suffix[1:].lower() if output.suffix[1:].lower() in sheet.FORMATS else "csv")
    if chosen not in sheet.FORMATS:
        raise typer.BadParameter(f"one of: {', '.join(sheet.FORMATS)}", param_hint="--as")
    form = next(one for one in sheet.FORMATS if one == chosen)

    async def act(runtime: Runtime) -> bytes:
        wanted = await runtime.database.run(wanted_by, runtime.user_id, given, view)
        return await pieces.caught_up(runtime.database, sheet.export, runtime.user_id, wanted, form)

    written = with_runtime(act, as_json=as_json)
    _write(output, [written], as_json)


def photos(
    words: Words = None,
    output: Target = Path("wardrobe-photos.zip"),
    state: State = "",
    account: Account = "",
    category: Category = "",
    brand: Brand = "",
    view: View = None,
    as_json: AsJson = False,
) -> None:
    """Writes the photos of what is wanted as a ZIP: a folder a piece, in their order.

    Example: `vintedbot wardrobe photos "zara dress" --output photos.zip`"""
    given = given_by(words, state, account, category, brand, "", "", "", "", "newest")

    async def act(runtime: Runtime) -> Iterable[bytes]:
        wanted = await runtime.database.run(wanted_by, runtime.user_id, given, view)
        return await pieces.caught_up(runtime.database, photos_zip, runtime.user_id, wanted, runtime.store)

    _write(output, with_runtime(act, as_json=as_json), as_json)


def import_table(
    file: Annotated[Path, typer.Argument(help="A CSV file with the export's columns; - reads standard input.")],
    apply: Annotated[bool, typer.Option("--apply", help="Make the changes; without it they are only told.")] = False,
    older: Annotated[bool, typer.Option("--older", help="Also change what changed here since the export.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tells line by line what a table would change and what is refused; with --apply it is changed.

    A line with a cell that was changed here too since the export is older than what is here: it is held back, unless
    --older says to change it. Exit code 1 where a line is refused or held back. What changes a draft can be taken back
    on its page, like any other edit.

    Example: `vintedbot wardrobe import wardrobe.csv --apply`"""
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} can't be read ({error.strerror}).", param_hint="FILE") from None

    async def act(runtime: Runtime) -> dict[str, Any]:
        plan, lines = await importing.bring_in(runtime.database, runtime.user_id, raw, make=apply, older=older)
        return {"applied": apply, "unchanged": plan.unchanged, "ignored": list(plan.ignored), "lines": lines}

    found = with_runtime(act, as_json=as_json)
    lines: list[Line] = found["lines"]
    held = [] if older else [line for line in lines if line.older]
    refused = [line for line in lines if line.refused]
    if as_json:
        show_json({**found, "lines": [_line(line) for line in lines]})
    else:
        _show_lines(lines)
        verb = "changed" if apply else "would change"
        going = len(lines) - len(refused) - len(held)
        out.print(f"{going} {verb}, {len(held)} held back, {len(refused)} refused, {found['unchanged']} as they are.")
        if held:
            err.print("What is held back changed here since the export. To change it all the same: --older")
        if not apply and going:
            err.print("Nothing was changed yet. To make the changes: --apply")
    if refused or held:
        raise typer.Exit(1)


def _line(line: Line) -> dict[str, Any]:
    refused = {"code": line.refused.code, "message": str(line.refused)} if line.refused else None
    changes = {c.column: {"before": c.before, "after": c.after} for c in line.changes}
    named = {"line": line.number, "title": line.title, "id": line.piece_id, "draft_id": line.draft_id}
    return {**named, "changes": changes, "older": list(line.older), "refused": refused}


def _show_lines(lines: Iterable[Line]) -> None:
    table = Table("Line", "Title", "What", box=None, header_style="bold", pad_edge=False)
    for line in lines:
        changes = "; ".join(f"{c.column}: {c.before or '–'} → {c.after or '–'}" for c in line.changes)
        told = f"[red]{escape(str(line.refused))}[/]" if line.refused else escape(changes)
        if line.older:
            told += f"\n[yellow]changed here since the export: {', '.join(line.older)}[/]"
        table.add_row(str(line.number), escape(line.title), told)
    if table.row_count:
        out.print(table)


def _write(output: Path, written: Iterable[bytes], as_json: bool) -> None:
    size = 0
    try:
        target = sys.stdout.buffer if str(output) == "-" else output.open("wb")
        for piece in written:
            size += target.write(piece)
        target.flush() if str(output) == "-" else target.close()
    except OSError as error:
        raise typer.BadParameter(f"{output} can't be written ({error.strerror}).", param_hint="--output") from None
    if str(output) == "-":
        return
    if as_json:
        show_json({"file": str(output), "bytes": size})
    else:
        out.print(f"{output} is written ({size // 1000 + 1} kB).")
