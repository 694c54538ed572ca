"""`user …` and `audit`: the people of this server, by who sits at its machine."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table
from sqlmodel import Session

from backend.cli.terminal import AsJson, err, out, show_json, with_runtime
from backend.core.errors import BadRequest
from backend.db import audit
from backend.db.models import User
from backend.runtime import Runtime
from backend.users import service
from backend.users.links import LASTS

app = typer.Typer(help="The people of this server.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The user's name or e-mail address.")]
FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Role = Annotated[Literal["admin", "member"], typer.Option(help="The first user is an admin in any case.")]
SHOWN = {"id", "name", "email", "role", "state", "created_at", "last_seen_at"}


@app.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="Small letters, digits, dots and dashes.")],
    email: Annotated[str | None, typer.Option(help="To sign in by, too.")] = None,
    role: Role = "member",
    password_stdin: FromInput = False,
    as_json: AsJson = False,
) -> None:
    """Adds a user. The first takes over what the local user has gathered, and is the admin.

    Example: `vintedbot user add marie --email marie@example.org`"""
    password = _password(password_stdin)

    async def act(runtime: Runtime) -> User:
        return await runtime.people.add(name, password, email=email, role=role)

    user = with_runtime(act, as_json=as_json)
    _say(user, f"{user.name} may sign in now, as {user.role}.", as_json)


@app.command("list")
def list_users(as_json: AsJson = False) -> None:
    """Who there is.

    Example: `vintedbot user list --json`"""

    async def act(runtime: Runtime) -> list[User]:
        return await runtime.database.run(service.everybody)

    found = with_runtime(act, as_json=as_json)
    if as_json:
        show_json([_row(user) for user in found])
        return
    table = Table("Name", "E-mail", "Role", "State", "Signs in", "Last seen", header_style="bold", box=None)
    for user in found:
        seen = f"{user.last_seen_at:%Y-%m-%d %H:%M}" if user.last_seen_at else "–"
        signs_in = "by password" if user.password_hash else "on this machine only"
        table.add_row(user.name, user.email or "–", user.role, user.state, signs_in, seen)
    out.print(table)


@app.command("passwd")
def set_password(name: Name, password_stdin: FromInput = False, as_json: AsJson = False) -> None:
    """Gives a user a new password, and signs them out everywhere.

    Example: `vintedbot user passwd paul`"""
    password = _password(password_stdin)

    async def act(runtime: Runtime) -> User:
        user = await runtime.database.run(service.find_by_name, name)
        return await runtime.people.set_password(user.id, password)

    user = with_runtime(act, as_json=as_json)
    _say(user, f"{user.name} has a new password, and is signed out everywhere.", as_json)


@app.command("suspend")
def suspend_user(name: Name, as_json: AsJson = False) -> None:
    """Lets a user in no more, from this moment on; nothing of theirs is lost.

    Example: `vintedbot user suspend paul`"""
    user = _change(name, as_json, state="suspended")
    _say(user, f"{user.name} gets in no more. Let them in again with: vintedbot user resume {user.name}", as_json)


@app.command("resume")
def resume_user(name: Name, as_json: AsJson = False) -> None:
    """Lets a suspended user in again.

    Example: `vintedbot user resume paul`"""
    user = _change(name, as_json, state="active")
    _say(user, f"{user.name} may sign in again.", as_json)


@app.command("role")
def change_role(
    name: Name, role: Annotated[Literal["admin", "member"], typer.Argument()], as_json: AsJson = False
) -> None:
    """Makes a user an admin, or a member.

    Example: `vintedbot user role paul admin`"""
    user = _change(name, as_json, role=role)
    _say(user, f"{user.name} is {user.role} now.", as_json)


@app.command("delete")
def delete_user(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False,
    export: Annotated[Path | None, typer.Option(help="First write everything of theirs into this ZIP.")] = None,
    as_json: AsJson = False,
) -> None:
    """Deletes a user and everything of theirs, for good.

    Example: `vintedbot user delete paul --export paul.zip`"""
    if not yes and not typer.confirm(f"Delete {name} and all their drafts, photos and history, for good?", err=True):
        raise typer.Exit(1)

    async def act(runtime: Runtime) -> User:
        user = await runtime.database.run(service.find_by_name, name)
        if export is not None:
            _write(runtime, user.id, export)
        await runtime.remove_user(user.id)
        return user

    user = with_runtime(act, as_json=as_json)
    _say(user, f"{user.name} is gone, with everything of theirs.", as_json)


@app.command("export")
def export_user(
    name: Name, file: Annotated[Path, typer.Argument(help="The ZIP to write.")], as_json: AsJson = False
) -> None:
    """Writes everything kept of a user: a JSON file a table, and the photos.

    Example: `vintedbot user export marie marie.zip`"""

    async def act(runtime: Runtime) -> int:
        user = await runtime.database.run(service.find_by_name, name)
        return _write(runtime, user.id, file)

    written = with_runtime(act, as_json=as_json)
    if as_json:
        show_json({"file": str(file), "bytes": written})
    else:
        out.print(f"{written:,} bytes written to {file}.")


@app.command("invite")
def invite_user(role: Role = "member", as_json: AsJson = False) -> None:
    """Makes a link by which somebody may register, once, within a week.

    Example: `vintedbot user invite`"""

    async def act(runtime: Runtime) -> str:
        return f"/register?invite={await runtime.people.invite(runtime.user_id, role)}"

    _show_link(with_runtime(act, as_json=as_json), int(LASTS["invite"].total_seconds() // 3600), as_json)


@app.command("reset-link")
def reset_link(name: Name, as_json: AsJson = False) -> None:
    """Makes a link by which a user chooses a new password, once, within a day.

    Example: `vintedbot user reset-link paul`"""

    async def act(runtime: Runtime) -> str:
        user = await runtime.database.run(service.find_by_name, name)
        return f"/reset?link={await runtime.people.reset_link(user.id)}"

    _show_link(with_runtime(act, as_json=as_json), int(LASTS["reset"].total_seconds() // 3600), as_json)


def show_audit(
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's, not the local user's alone.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many events.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Who did what, when, from where, on what; newest first.

    Example: `vintedbot --user marie audit --limit 20`"""

    def look(session: Session, user_id: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
        found = audit.all_events(session, limit=limit) if everybody else audit.events_of(session, user_id, limit=limit)
        names = {user.id: user.name for user in service.everybody(session)}
        return [event.model_dump() for event in found], names

    async def act(runtime: Runtime) -> tuple[list[dict[str, Any]], dict[str, str]]:
        return await runtime.database.run(look, runtime.user_id)

    rows, names = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(rows)
        return
    table = Table("When (UTC)", "Who", "Way", "What", "On what", "From", header_style="bold", box=None)
    for row in rows:
        who = names.get(row["actor_id"] or "", "–")
        table.add_row(f"{row['at']:%Y-%m-%d %H:%M:%S}", who, row["way"], row["action"], row["target"], row["address"])
    out.print(table if rows else "Nothing yet.")


def _change(name: str, as_json: bool, **wanted: str) -> User:
    async def act(runtime: Runtime) -> User:
        user = await runtime.database.run(service.find_by_name, name)
        return await runtime.people.change(user.id, **wanted)

    return with_runtime(act, as_json=as_json)


def _write(runtime: Runtime, user_id: str, target: Path) -> int:
    """Bytes written. Raises BadRequest where the file can't be."""
    try:
        with target.open("wb") as file:
            target.chmod(0o600)
            return sum(file.write(piece) for piece in runtime.export(user_id))
    except OSError as error:
        raise BadRequest(f"{target} can't be written ({error.strerror}).", code="export_folder") from error


def _password(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _show_link(path: str, hours: int, as_json: bool) -> None:
    if as_json:
        show_json({"path": path, "hours": hours})
        return
    out.print(path, soft_wrap=True, highlight=False)
    err.print(f"Put the server's address before it and hand it over. It works once, within {hours} hours.")


def _say(user: User, sentence: str, as_json: bool) -> None:
    if as_json:
        show_json(_row(user))
    else:
        out.print(sentence, highlight=False)


def _row(user: User) -> dict[str, Any]:
    return {**user.model_dump(include=SHOWN, mode="json"), "has_password": user.password_hash is not None}
