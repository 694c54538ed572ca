"""Tables for people: drafts, batches, readings, publications. Owns layout; owns no fact."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlmodel import Session

from backend.core.bundles import Bundle
from backend.core.listing import Field
from backend.core.remarks import remarks, value_name
from backend.db.models import Draft
from backend.drafts import service as drafts
from backend.drafts.schemas import FIELDS, shown_fields
from backend.photos import intake
from backend.spending.ledger import dollars

STATE_COLOURS = {
    "confirmed": "green",
    "confirmed_with_differences": "yellow",
    "rehearsed": "green",
    "failed": "red",
    "needs_person": "yellow",
    "uncertain": "red",
}


def draft_row(session: Session, draft: Draft) -> dict[str, Any]:
    """A draft as the command line gives it, in JSON and in tables."""
    fields, language = FIELDS.validate_python(draft.fields), drafts.told_in(session, draft)
    return {
        "id": draft.id,
        "revision": draft.revision,
        "state": draft.state,
        "publish_ready": draft.publish_ready,
        "problems": drafts.problem_messages(draft, language),
        "warnings": draft.warnings,
        "remarks": list(remarks(draft.warnings, fields, language)),
        "photos": [photo.name for photo in drafts.photos_of(session, draft)],
        "purchase_cost": draft.purchase_cost,
        "confidence": round(drafts.confidence(fields), 2),
        "fields": shown_fields(fields),
    }


def show_drafts(console: Console, rows: Sequence[Mapping[str, Any]], *, reasons: bool = True) -> None:
    if not rows:
        console.print("No drafts. Make some with: vintedbot ingest FOLDER")
        return
    table = Table("Draft", "Photos", "Title", "Price", "Sure", "State", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*draft_cells(row), state_cell(row, reasons=reasons))
    console.print(table)


def draft_cells(row: Mapping[str, Any]) -> list[str]:
    fields = row["fields"]
    title = escape(fields["title"]["value"] or "") or f"[dim]{_guess(fields) or 'unknown'}[/]"
    price = fields["price"]["value"]
    return [row["id"][:8], str(len(row["photos"])), title, f"{price} €" if price else "–", f"{row['confidence']:.0%}"]


def state_cell(row: Mapping[str, Any], *, reasons: bool = True) -> str:
    if row["publish_ready"]:
        return f"[green]{'approved' if row['state'] == 'approved' else 'ready'}[/]"
    why = escape(" ".join(row["problems"])) if reasons else ""
    return f"[yellow]{'being read' if row['state'] == 'reading' else 'needs you'}[/] {why}"


def _guess(fields: Mapping[str, Any]) -> str:
    guesses = fields["category"]["alternatives"][:3]
    return " or ".join(value_name("category", guess["value"], "en") for guess in guesses) + "?" if guesses else ""


def show_batch(console: Console, report: Mapping[str, Any]) -> None:
    if report["error"]:
        console.print(f"[bold red]The batch stopped[/]: {report['error']}")
    counts = ", ".join(f"{n} {state}" for state, n in sorted(report["photos"].items()))
    cost = report["cost"]
    paid = f", {cost['calls']} model calls for {dollars(cost['micros'])}" if cost["calls"] else ""
    console.print(f"{report['files']} files ({counts}) → {len(report['drafts'])} drafts{paid}")
    if report["drafts"]:
        show_drafts(console, report["drafts"])
    show_left_out(console, report["left_out"])


def show_left_out(console: Console, left_out: Sequence[Mapping[str, str]]) -> None:
    if not left_out:
        return
    table = Table("Left out", "Why", box=None, header_style="bold", pad_edge=False)
    for row in left_out:
        table.add_row(escape(row["file"]), why_left_out(row))
    console.print(table)


def why_left_out(row: Mapping[str, str], language: str = "en") -> str:
    if row["state"] == "refused":
        return intake.explain(row["reason"], language)
    if row["state"] == "duplicate":
        return "the same file was taken in before"
    if row["state"] == "near_duplicate":
        return "a re-saved copy of another photo"
    if row["reason"] == "separator":
        return "a card between two items"
    return f"in no item yet: {row['reason'].replace('_', ' ')}"


def show_reading(console: Console, reading: Mapping[str, Any]) -> None:
    for number, item in enumerate(reading["items"], 1):
        console.print(f"[bold]Item {number}[/]: {escape(', '.join(item['photos']))}")
        show_fields(console, item["fields"])
    if reading["unsorted"]:
        console.print(f"[bold]In no item[/]: {escape(', '.join(reading['unsorted']))}")
    for refused in reading["refused"]:
        console.print(f"[bold]Refused[/]: {escape(refused['file'])}: {intake.explain(refused['reason'])}")


def show_fields(console: Console, fields: Mapping[str, Any]) -> None:
    """Each field with its value, how sure it is, and where it was seen."""
    table = Table("Field", "Value", "Sure", "Seen", box=None, header_style="bold", pad_edge=False)
    for name, shown in fields.items():
        field = FIELDS.validate_python({name: shown})[name]
        table.add_row(name, escape(value_text(field)), f"{field.confidence:.0%}" if field.known else "", _seen(field))
    console.print(table)


def value_text(field: Field) -> str:
    if field.known:
        value = field.value
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value) or "(no brand)"
    options = ", ".join(f"{a.value} {a.confidence:.0%}" for a in field.alternatives[:3])
    return f"unknown ({options}?)" if options else "unknown"


def publication_state(row: Mapping[str, Any]) -> str:
    colour = STATE_COLOURS.get(row["state"], "cyan")
    differences = f", {len(row['differences'])} differences" if row["differences"] else ""
    return f"[{colour}]{row['state'].replace('_', ' ')}{differences}[/]"


def _seen(field: Field) -> str:
    return escape("; ".join(f"{e.source}: {e.detail}" if e.detail else e.source for e in field.evidence))


def show_publications(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        console.print("No publications yet. Make one with: vintedbot publish --all-ready")
        return
    table = Table("Publication", "Draft", "Mode", "State", "Listing", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        told = row["listing_url"] or row["error"] or row["step"]
        table.add_row(row["id"][:8], row["draft_id"][:8], row["mode"], publication_state(row), escape(told or ""))
    console.print(table)


def show_candidates(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table("Listing", "Title", "Price", "Photos", "Where", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        known = ("" if row[name] is None else str(row[name]) for name in ("price", "photos", "url"))
        table.add_row(row["id"], escape(row["title"]), *map(escape, known))
    console.print(table)


def show_bundles(console: Console, found: Sequence[Bundle]) -> None:
    table = Table("When", "What", "Kept", "Where", box=None, header_style="bold", pad_edge=False)
    for bundle in found:
        when = f"{bundle.at.astimezone():%d %b %H:%M:%S}"
        table.add_row(when, bundle.code, f"{bundle.size // 1000} kB", escape(str(bundle.folder)))
    console.print(table)


def show_accounts(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Each account, and below it what to do where it can't go on."""
    for row in rows:
        paused = " [yellow]paused[/]" if row["paused"] else ""
        colour = "green" if row["state"] == "ready" else "yellow"
        line = f"{row['id'][:8]}  {escape(row['username'])}  {row['base_url']}"
        console.print(f"{line}  [{colour}]{row['state']}[/]{paused}", highlight=False, soft_wrap=True)
        if row["state"] != "ready":
            console.print(f"          {row['means']} {row['fix']}", highlight=False, soft_wrap=True)
