"""`login` and `accounts …`: sessions kept, how each account stands, and the way out where it can't go on."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from backend.accounts import service
from backend.accounts.states import explain
from backend.cli import tables
from backend.cli.terminal import EXIT_CODES, AsJson, err, out, show_json, with_runtime
from backend.core.errors import BadRequest
from backend.db.models import Account
from backend.marketplace.vinted_web.login import sign_in
from backend.runtime import Runtime

app = typer.Typer(help="Marketplace accounts and their kept sessions.", no_args_is_help=True)

AccountName = Annotated[str | None, typer.Argument(help="Account's name or id, when there are several.")]


def login(
    cookies: Annotated[
        Path | None, typer.Option(help="A cookies.txt or JSON export of a signed-in browser; - reads standard input.")
    ] = None,
    username: Annotated[str | None, typer.Option(help="The account's name, with --cookies.")] = None,
    marketplace: Annotated[str | None, typer.Option(help="Such as https://www.vinted.fr.")] = None,
    as_json: AsJson = False,
) -> None:
    """Keeps a signed-in session: opens a browser window for you to sign in, or takes a file of cookies.

    Example: `vintedbot login --cookies cookies.txt --username marie`"""

    async def act(runtime: Runtime) -> dict[str, Any]:
        address = (marketplace or (await runtime.in_force(runtime.user_id)).marketplace).rstrip("/")
        if cookies is None:
            err.print(f"A browser window opens at {address}. Sign in there; this goes on by itself.")
            name, state = await sign_in(address, browser=runtime.settings.browser)
            account = await runtime.accounts.keep_session(runtime.user_id, name, address, state)
        else:
            if username is None:
                raise BadRequest("Say whose cookies these are: --username NAME.", code="username_missing")
            account = await runtime.accounts.add(runtime.user_id, username, _text_of(cookies), address)
        return {"account": account.id, "username": account.username, "marketplace": account.base_url}

    kept = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(kept)
    else:
        out.print(f"The session of [bold]{kept['username']}[/] at {kept['marketplace']} is kept, encrypted.")


def _text_of(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path} can't be read as text: {error}", code="cookies_unreadable") from error


@app.command("list")
def list_accounts(as_json: AsJson = False) -> None:
    """The accounts known here, how each stands, and what to do where it can't go on.

    Example: `vintedbot accounts list`"""

    async def act(runtime: Runtime) -> list[dict[str, Any]]:
        return [row_of(a) for a in await runtime.database.run(service.accounts_of, runtime.user_id)]

    rows = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(rows)
    elif rows:
        tables.show_accounts(out, rows)
    else:
        out.print("No account yet. Sign in once with: vintedbot login")


@app.command("check")
def check_account(account: AccountName = None, as_json: AsJson = False) -> None:
    """Opens the marketplace with the kept session and says how the account stands. Exit code 3 when it needs you.

    Example: `vintedbot accounts check marie`"""

    async def act(runtime: Runtime) -> dict[str, Any]:
        return row_of(await runtime.accounts.check(runtime.user_id, account))

    row = with_runtime(act, as_json=as_json)
    ready = row["state"] == "ready"
    if as_json:
        show_json({"signed_in": row["username"] if ready else None, **row})
    elif ready:
        out.print(f"Signed in as [bold]{row['username']}[/].")
    else:
        tables.show_accounts(out, [row])
    if not ready:
        raise typer.Exit(EXIT_CODES["needs_person"])


@app.command("remove")
def remove_account(account: AccountName = None, as_json: AsJson = False) -> None:
    """Forgets an account and its session. What was published by it keeps its history.

    Example: `vintedbot accounts remove marie`"""

    async def act(runtime: Runtime) -> dict[str, Any]:
        chosen = await runtime.database.run(service.choose, runtime.user_id, account)
        return row_of(await runtime.accounts.remove(runtime.user_id, chosen.id))

    row = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(row)
    else:
        out.print(f"[bold]{row['username']}[/] at {row['base_url']} is forgotten.")


def row_of(account: Account) -> dict[str, Any]:
    """An account as the command line gives it: never its session."""
    explained = explain(account.state, "en")
    shown = account.model_dump(exclude={"session", "user_id", "removed_at"}, mode="json")
    return {**shown, "means": explained.sentence, "fix": explained.fix}
