"""`queue …`: the order in which publications will begin, and why they wait."""

from typing import Annotated, Any

import typer
from rich.table import Table
from sqlmodel import Session

from backend.accounts import service as accounts
from backend.accounts import standing
from backend.cli.publishing import with_reason
from backend.cli.terminal import AsJson, out, show_json, with_runtime
from backend.core.pacing import Pace, parse_moment
from backend.db.engine import clock
from backend.db.models import Account, Draft, Publication
from backend.db.scope import find_by_prefix, get_owned
from backend.drafts.schemas import FIELDS
from backend.preferences import pace_of
from backend.publications import queue
from backend.runtime import Runtime

app = typer.Typer(help="What will be published next, in which order, and when.", no_args_is_help=True)

PublicationId = Annotated[str, typer.Argument(help="A publication's id, or its first characters.", show_default=False)]
AccountName = Annotated[str | None, typer.Argument(help="Account's name or id, when there are several.")]


@app.command("list")
def list_queue(as_json: AsJson = False) -> None:
    """The queue of each account, in the order its publications will begin.

    Example: `vintedbot queue list --json`"""
    _show(lambda session, user_id: None, as_json)


@app.command("move")
def move(
    publication_id: PublicationId,
    before: Annotated[str | None, typer.Option(help="Put it before this one.")] = None,
    first: Annotated[bool, typer.Option("--first", help="Put it first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Changes its place: before another, first, or (without either) last.

    Example: `vintedbot queue move 3f2a --first`"""

    def act(session: Session, user_id: str) -> None:
        found = find_by_prefix(session, Publication, user_id, publication_id)
        other = find_by_prefix(session, Publication, user_id, before).id if before else None
        if first:
            other = next((row.id for row in queue.line_of(session, user_id, found.account_id)), None)
        queue.move_before(session, user_id, found.id, other)

    _show(act, as_json)


@app.command("at")
def schedule(
    publication_id: PublicationId,
    when: Annotated[str, typer.Argument(help="18:30, 2026-12-01 18:30, +2h; or now.")],
    as_json: AsJson = False,
) -> None:
    """Sets the time it waits for, in the account's time zone; `now` ends the waiting.

    Example: `vintedbot queue at 3f2a 18:30`"""

    def act(session: Session, user_id: str) -> None:
        found = find_by_prefix(session, Publication, user_id, publication_id)
        pace = pace_of(session, get_owned(session, Account, user_id, found.account_id))
        moment = None if when == "now" else parse_moment(when, pace, clock(session))
        queue.reschedule(session, user_id, found.id, moment)

    _show(act, as_json)


@app.command("pause")
def pause(account: AccountName = None, as_json: AsJson = False) -> None:
    """Begins nothing more for this account; what is under way ends.

    Example: `vintedbot queue pause marie`"""
    _show(lambda s, user_id: _set_paused(s, user_id, account, paused=True), as_json)


@app.command("resume")
def resume(account: AccountName = None, as_json: AsJson = False) -> None:
    """Goes on with this account's queue.

    Example: `vintedbot queue resume marie`"""
    _show(lambda s, user_id: _set_paused(s, user_id, account, paused=False), as_json)


@app.command("pace")
def pace(
    account: AccountName = None,
    per_minute: Annotated[int | None, typer.Option(help="Most listings a minute, 5 at most.")] = None,
    per_day: Annotated[int | None, typer.Option(help="Most listings a day.")] = None,
    gap: Annotated[str | None, typer.Option(help="Least and most seconds between two, such as 10-40.")] = None,
    quiet: Annotated[
        str | None, typer.Option(help="Hours without publishing, such as 22:00-07:00; none ends it.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Such as Europe/Paris; this machine's when empty.")] = None,
    usual: Annotated[bool, typer.Option("--usual", help="Back to your usual pace.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows or sets how fast an account publishes. The usual pace of all: `vintedbot preferences per_day=30`.

    Example: `vintedbot queue pace --per-day 30 --quiet 22:00-07:00`"""
    wanted: dict[str, Any] = {"per_minute": per_minute, "per_day": per_day, "timezone": timezone}
    wanted["gap"] = gap.split("-") if gap else None
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if quiet is not None:
        wanted["quiet"] = None if quiet == "none" else quiet.split("-")

    async def act(runtime: Runtime) -> dict[str, Any]:
        def work(session: Session) -> Pace:
            chosen = accounts.choose(session, runtime.user_id, account)
            if usual:
                standing.use_usual_pace(session, runtime.user_id, chosen.id)
            if wanted:
                return standing.set_pace(session, runtime.user_id, chosen.id, wanted)
            return pace_of(session, chosen)

        return (await runtime.database.run(work)).model_dump(mode="json")

    found = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(found)
        return
    for name, value in found.items():
        out.print(f"{name:12} {'–' if value in (None, '') else value}", highlight=False)


def _set_paused(session: Session, user_id: str, account: str | None, *, paused: bool) -> None:
    accounts.change(session, user_id, accounts.choose(session, user_id, account).id, paused=paused)


def _show(act: Any, as_json: bool) -> None:
    """Does it, and shows the queue as it is then."""

    def work(session: Session, user_id: str) -> list[dict[str, Any]]:
        act(session, user_id)
        session.flush()
        reasons = queue.waiting(session, user_id)
        names = {a.id: a.username for a in accounts.accounts_of(session, user_id, removed=True)}
        return [
            {**with_reason(row, reasons), "account": names[row.account_id], "title": _title(session, row)}
            for row in queue.line_of(session, user_id)
        ]

    async def task(runtime: Runtime) -> list[dict[str, Any]]:
        return await runtime.database.run(work, runtime.user_id)

    rows = with_runtime(task, as_json=as_json)
    if as_json:
        show_json(rows)
        return
    table = Table("Publication", "Account", "Title", "Mode", "Waits for", header_style="bold", box=None)
    for row in rows:
        until = f" until {row['waits_until'][:16]}" if row["waits_until"] else ""
        table.add_row(
            row["id"][:8], row["account"], row["title"], row["mode"], f"{row['waits'] or 'begins now'}{until}"
        )
    out.print(table if rows else "Nothing waits.")


def _title(session: Session, row: Publication) -> str:
    fields = FIELDS.validate_python(get_owned(session, Draft, row.user_id, row.draft_id).fields)
    return str(fields["title"].value) if "title" in fields else ""
