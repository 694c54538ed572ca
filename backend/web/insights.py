"""The page of insights: each table of figures as a chart, a sentence and a table in words.

Owns how a figure is drawn and said. Owns no figure: that is `watch/insights.py`; `static/insights.js` draws them.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session

from backend.users import page_wishes
from backend.watch import insights
from backend.watch.insights import Cell, Chart, Insights, QueueNow, Step
from backend.web.language import Words
from backend.web.page import Page, PageDep
from backend.web.values import value_text

router = APIRouter(include_in_schema=False)

Range = Literal["7", "30", "90", "all"]
RANGES: tuple[Range, ...] = ("7", "30", "90", "all")
DRAWN: dict[str, dict[str, str]] = {
    "activity": {"drafts": "bar accent", "listings": "bar good", "rehearsals": "line quiet"},
    "success": {"as_asked": "stack good", "with_differences": "stack warn", "failed": "stack bad"},
    "time": {"minutes": "bar accent", "so_far": "line good"},
    "cost": {"dollars": "bar accent"},
    "prices": {"lowest": "range accent", "usual": "dot accent", "highest": "range accent", "sold_for": "dot good"},
    "queue": {"asked": "bar accent", "ended": "bar good", "left": "line warn"},
}
"""How a column is drawn, and in which of the design's colours; what isn't named here stands in the table alone."""


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    drawn: str


@dataclass(frozen=True)
class ChartView:
    """`rows` are the label and, for each column, the figure and how it reads. Without any figure it is `empty`."""

    name: str
    said: str
    first: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[tuple[Cell, str], ...]], ...]
    empty: bool


@router.get("/insights")
async def show_insights(page: PageDep, days: Range = "30") -> Response:
    return await insights_page(page, days)


@router.post("/insights")
async def keep_assumption(page: PageDep) -> Response:
    """What a listing by hand takes the reader, in minutes: of no other user's figures."""
    form = await page.form()
    days: Range = next((one for one in RANGES if one == form.get("days")), "30")
    try:
        minutes = float(str(form.get("minutes", "")).replace(",", "."))
        await page.runtime.database.run(page_wishes.keep, page.user_id, {"minutes_by_hand": minutes})
    except ValueError:
        return await insights_page(page, days, error=page.words("insights.bad_minutes"))
    return page.go(f"/insights?days={days}", "saved", anchor="chart-time")


async def insights_page(page: Page, days: Range, error: str | None = None) -> Response:
    def look(session: Session) -> Insights:
        by_hand = page_wishes.wishes_of(session, page.user_id).minutes_by_hand
        return insights.look(session, page.user_id, days=None if days == "all" else int(days), minutes_by_hand=by_hand)

    found = await page.runtime.database.look(look)
    charts = [_view(page.words, name, chart, found) for name, chart in found.charts.items()]
    return page.render(
        "insights.html",
        here="/insights",
        status=422 if error else 200,
        charts=charts,
        found=found,
        days=days,
        ranges=RANGES,
        nothing=all(chart.empty for chart in charts) and found.queue_now == QueueNow(0, 0, 0),
        error=error,
    )


def _view(words: Words, name: str, chart: Chart, found: Insights) -> ChartView:
    columns = tuple(
        Column(column, words(f"insights.{name}.{column}"), DRAWN[name].get(column, "")) for column in chart.columns[1:]
    )
    rows = tuple(
        (
            _label(words, chart.columns[0], row[0], found.step),
            tuple((cell, _figure(words, column.name, cell)) for column, cell in zip(columns, row[1:], strict=True)),
        )
        for row in chart.rows
    )
    empty = not any(any(row[1:]) for row in chart.rows)
    first = words(f"insights.{chart.columns[0]}")
    return ChartView(name, _sentence(words, name, chart, found), first, columns, rows, empty)


def _label(words: Words, column: str, value: Cell, step: Step) -> str:
    if column == "category":
        return value_text(words, "category", value)
    return words.chart_day(date.fromisoformat(str(value)), month_only=step == "month")


def _figure(words: Words, column: str, cell: Cell) -> str:
    if cell is None:
        return "–"
    if column == "rate":
        return words.percent(float(cell) / 100)
    if column in ("lowest", "usual", "highest", "sold_for"):
        return words.money(f"{cell:.2f}")
    if column in ("minutes", "so_far"):
        return words.duration(float(cell))
    return words.number(f"{cell:.2f}" if column == "dollars" else str(cell))


def _sentence(words: Words, name: str, chart: Chart, found: Insights) -> str:
    """The chart in one sentence: what somebody who does not see it is told, and everybody else reads first."""
    if name == "prices":
        return _prices_said(words, chart)
    if name == "queue":
        now = found.queue_now
        return words("insights.queue.said", queued=now.queued, running=now.under_way, person=now.needs_person)
    totals = {column: chart.total(column) for column in chart.columns[1:]}
    if name == "success":
        ended = totals["as_asked"] + totals["with_differences"] + totals["failed"]
        good = ended - totals["failed"]
        rate = words.percent(good / (ended or 1))
        return (
            words("insights.success.said", n=ended, good=good, rate=rate) if ended else words("insights.success.none")
        )
    if name == "time":
        saved, by_hand = words.duration(float(totals["minutes"])), words.number(f"{found.minutes_by_hand:g}")
        return words("insights.time.said", saved=saved, n=totals["listings"], minutes=by_hand)
    if name == "cost" and not totals["calls"] + totals["kept"]:
        return words("insights.cost.none")
    if name == "cost":
        totals["dollars"] = words.number(f"{totals['dollars']:.2f}")
    return words(f"insights.{name}.said", **totals)


def _prices_said(words: Words, chart: Chart) -> str:
    said = [words("insights.prices.none")]
    if chart.rows and chart.rows[0][1]:
        category, n, *prices = chart.rows[0][:5]
        low, usual, high = (words.money(f"{price:.2f}") for price in prices)
        category = value_text(words, "category", category)
        said = [words("insights.prices.said", category=category, n=n, low=low, usual=usual, high=high)]
    if sold := int(chart.total("sold")):
        earned = sum(n * mean for n, mean in zip(chart.column("sold"), chart.column("sold_for"), strict=True) if n)
        said.append(words("insights.prices.sold_said", n=sold, mean=words.money(f"{earned / sold:.2f}")))
    return " ".join(said)
