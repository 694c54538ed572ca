"""The command line: `vintedbot …`. Owns words, tables and exit codes; every act belongs to a layer below."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from backend.cli import (
    accounts,
    backup,
    costs,
    doctor,
    drafts,
    evaluate,
    insights,
    keys,
    logs,
    model,
    notifications,
    photos,
    preferences,
    publishing,
    queue,
    serving,
    showcase,
    site_catalog,
    users,
    wardrobe,
    wardrobe_files,
)
from backend.cli.terminal import AsJson, Chosen, show_json
from backend.core.logs import tell_crash

EXIT_CODES_TOLD = (
    "Exit codes: 0 done · 1 it can't be done as asked · 2 wrong usage · 3 a person is needed · 4 something on this "
    "machine is in the way · 5 a passing fault, try again · 6 uncertain, look before trying again."
)

app = typer.Typer(
    name="vintedbot",
    epilog=EXIT_CODES_TOLD,
    help="Photos in, correct Vinted listings out, each published exactly once.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

app.command("serve")(serving.serve)
app.command("worker")(serving.worker)
app.command("demo")(showcase.demo)
app.command("ingest")(photos.ingest)
app.command("analyze")(photos.analyze)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(drafts.app, name="drafts")
app.command("preferences")(preferences.preferences)
app.add_typer(model.app, name="model")
app.command("costs")(costs.costs)
app.command("insights")(insights.insights)
app.command("publish")(publishing.publish)
app.add_typer(publishing.app, name="publications")
app.add_typer(queue.app, name="queue")
app.add_typer(wardrobe.app, name="wardrobe")
wardrobe.app.command("export")(wardrobe_files.export)
wardrobe.app.command("import")(wardrobe_files.import_table)
wardrobe.app.command("photos")(wardrobe_files.photos)
app.command("login")(accounts.login)
app.add_typer(accounts.app, name="accounts")
accounts.app.command("catalog")(site_catalog.show_catalog)
app.add_typer(users.app, name="user")
app.command("audit")(users.show_audit)
app.add_typer(keys.app, name="secrets")
app.add_typer(notifications.app, name="notifications")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("sandbox")(serving.sandbox)
app.command("logs")(logs.logs)
app.command("doctor")(doctor.doctor)


@app.command("version")
def show_version(as_json: AsJson = False) -> None:
    """The version of this software.

    Example: `vintedbot version --json`"""
    if as_json:
        show_json({"version": version("vintedbot")})
    else:
        typer.echo(f"vintedbot {version('vintedbot')}")


def _version_asked(asked: bool) -> None:
    if asked:
        show_version()
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_version_asked, is_eager=True, help="The version of this software.")
    ] = False,
    data: Annotated[Path | None, typer.Option("--data", help="Data folder, instead of VINTEDBOT_DATA.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="Acts for this user instead of the local one.")] = None,
) -> None:
    """Photos in, correct Vinted listings out, each published exactly once."""
    Chosen.data, Chosen.user = data, user
    context.call_on_close(Chosen.forget)


def main() -> None:
    """A crash is told like everything else: without secrets."""
    sys.excepthook = tell_crash
    app()
