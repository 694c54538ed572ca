"""`insights`: what was made and published, how it went, what it saved and cost."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from sqlmodel import Session

from backend.cli.terminal import AsJson, fail, out, show_json, with_runtime
from backend.core.errors import BadRequest
from backend.runtime import Runtime
from backend.users.page_wishes import wishes_of
from backend.watch import insights as figures
from backend.watch.insights import CHARTS, RANGES, Chart, Insights

TITLES = {
    "activity": "Drafts and listings",
    "success": "How publications ended",
    "time": "Time saved (minutes)",
    "cost": "Cost of reading",
    "prices": "Prices asked, by category",
    "queue": "Queue",
}


def insights(
    days: Annotated[str, typer.Option(help="How far back: 7, 30, 90 days, or all.")] = "30",
    chart: Annotated[str | None, typer.Option(help=f"One alone: {', '.join(CHARTS)}.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, max=240, help="Minutes a listing by hand takes.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; with --chart.")] = False,
    as_json: AsJson = False,
) -> None:
    """A look back: drafts and listings, success, time saved, cost of reading, prices, queue.

    Example: `vintedbot insights --days 90 --chart queue --csv`"""
    known = {"all": None, **{str(n): n for n in RANGES}}
    if days not in known or (chart is not None and chart not in CHARTS) or (as_csv and chart is None):
        fail(
            BadRequest(f"Say --days {', '.join(known)}, --chart {', '.join(CHARTS)}; --csv is of one chart."),
            as_json=as_json,
        )

    async def act(runtime: Runtime) -> Insights:
        def look(session: Session) -> Insights:
            by_hand = minutes or wishes_of(session, runtime.user_id).minutes_by_hand
            return figures.look(session, runtime.user_id, days=known[days], minutes_by_hand=by_hand)

        return await runtime.database.look(look)

    found = with_runtime(act, as_json=as_json)
    if as_csv and chart:
        sys.stdout.write(figures.to_csv(found.charts[chart]))
    elif as_json:
        show_json(asdict(found.charts[chart] if chart else found))
    else:
        _show(found, [chart] if chart else list(CHARTS))


def _show(found: Insights, names: list[str]) -> None:
    out.print(f"Since {found.since}, by {found.step}; {found.minutes_by_hand:g} minutes a listing by hand assumed.")
    for name in names:
        out.print(_table(TITLES[name], found.charts[name]))
    now = found.queue_now
    out.print(f"Now: {now.queued} queued, {now.under_way} under way, {now.needs_person} waiting for you.")


def _table(title: str, chart: Chart) -> Table:
    """The rows in which anything happened."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    table.add_column(chart.columns[0])
    for name in chart.columns[1:]:
        table.add_column(name.replace("_", " "), justify="right")
    for row in chart.rows:
        if any(row[1:]):
            table.add_row(*("" if cell is None else str(cell) for cell in row))
    return table
