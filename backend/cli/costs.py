"""`costs`: what the calls to a vision model came to."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from backend.cli.terminal import AsJson, out, show_json, with_runtime
from backend.runtime import Runtime
from backend.spending.ledger import dollars
from backend.spending.report import Cost, CostReport, costs_of

MOST_ROWS = 10
PER = {"day": "day", "user_day": "day and user", "batch": "batch"}
"""What each budget is for, by its name."""


def costs(
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days back, today included.")] = 30,
    as_json: AsJson = False,
) -> None:
    """What the vision model cost: today, by day, batch, item and model.

    Example: `vintedbot costs --days 7`"""

    async def act(runtime: Runtime) -> tuple[CostReport, dict[str, int | None]]:
        budget = (await runtime.chosen.look()).budget
        return await runtime.database.run(costs_of, runtime.user_id, days=days), asdict(budget)

    report, budget = with_runtime(act, as_json=as_json)
    if as_json:
        show_json({"budget": budget, **asdict(report)})
    else:
        show_costs(out, report, budget)


def show_costs(console: Console, report: CostReport, budget: Mapping[str, int | None]) -> None:
    if not report.total.calls and not report.total.cached:
        console.print("No vision model was asked since " + report.since + ".")
        return
    limits = [f"{dollars(limit)} a {PER[name]}" for name, limit in budget.items() if limit is not None]
    console.print(f"Today {dollars(report.today.micros)}; budget: {', '.join(limits) or 'none set'}")
    groups = {"Day": report.days, "Batch": report.batches, "Draft": report.items, "Model": report.models}
    for title, costs_by in groups.items():
        console.print(_table(title, costs_by))
    for count, meaning in (
        (report.total.estimated, "counted at the most they may have cost: the server told no usage"),
        (report.total.unpriced, "of no known price, not in these sums: set VINTEDBOT_MODEL_PRICE_INPUT and …_OUTPUT"),
    ):
        if count:
            console.print(f"{count} calls {meaning}.")


def _table(title: str, costs_by: Mapping[str, Cost]) -> Table:
    numbers: dict[str, Any] = {"justify": "right"}
    table = Table(title, box=None, header_style="bold", pad_edge=False)
    for name in ("Calls", "Failed", "From cache", "Tokens in", "out", "Cost"):
        table.add_column(name, **numbers)
    for name, cost in list(costs_by.items())[:MOST_ROWS]:
        shown = (cost.calls, cost.failed, cost.cached, cost.input_tokens, cost.output_tokens)
        table.add_row(name, *map(str, shown), dollars(cost.micros))
    return table
