"""`notifications`: what needs you, and whether you can be reached."""

from typing import Any

import typer
from rich.markup import escape

from backend.cli.terminal import AsJson, fail, out, show_json, with_runtime
from backend.core.errors import SetupError
from backend.db.models import Notification
from backend.notifications import service
from backend.notifications.kinds import message
from backend.runtime import Runtime

app = typer.Typer(help="What you should know of publications and accounts.")


@app.callback(invoke_without_command=True)
def notifications(context: typer.Context, as_json: AsJson = False) -> None:
    """What you should know, newest first."""
    if context.invoked_subcommand is not None:
        return

    async def act(runtime: Runtime) -> list[Notification]:
        return await runtime.database.run(service.notifications_of, runtime.user_id)

    rows = [_shown(row) for row in with_runtime(act, as_json=as_json)]
    if as_json:
        show_json(rows)
    for row in rows if not as_json else ():
        new = " " if row["seen_at"] else "[bold]•[/]"
        out.print(f"{new} {row['created_at'][:16]}  [bold]{escape(row['title'])}[/]", highlight=False, soft_wrap=True)
        out.print(f"    {escape(row['body'])}", highlight=False, soft_wrap=True)
    if not rows and not as_json:
        out.print("Nothing to tell.")


@app.command("seen")
def seen(as_json: AsJson = False) -> None:
    """Marks all as seen.

    Example: `vintedbot notifications seen`"""

    async def act(runtime: Runtime) -> int:
        return await runtime.database.run(service.mark_all_seen, runtime.user_id)

    marked = with_runtime(act, as_json=as_json)
    if as_json:
        show_json({"marked": marked})
    else:
        out.print(f"{marked} marked as seen.")


@app.command("test")
def test(as_json: AsJson = False) -> None:
    """Sends a test to each address of VINTEDBOT_NOTIFY. Exit code 5 when one does not take it.

    Example: `vintedbot notifications test`"""

    async def act(runtime: Runtime) -> dict[str, bool]:
        return await runtime.outbox.test()

    took = with_runtime(act, as_json=as_json)
    if not took:
        fail(SetupError("Nothing is set in VINTEDBOT_NOTIFY: notifications are on the page alone."), as_json=as_json)
    if as_json:
        show_json(took)
    for name, ok in took.items() if not as_json else ():
        out.print(f"{'[green]sent[/]' if ok else '[red]refused[/]'}  {escape(name)}", highlight=False)
    if not all(took.values()):
        raise typer.Exit(5)


def _shown(row: Notification) -> dict[str, Any]:
    said = message(row.kind, row.detail, "en")
    kept = row.model_dump(mode="json", include={"id", "kind", "publication_id", "account_id", "created_at", "seen_at"})
    return {**kept, "title": said.title, "body": said.body}
