"""`backup` and `restore`: the whole installation into one file, and back. Owns words; `backend/backup` does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from backend.backup import making, restoring
from backend.backup.envelope import is_sealed
from backend.cli.terminal import AsJson, carry_out, err, out, progress_bars, settings_of, show_json
from backend.core.errors import BadRequest
from backend.whole_installation import installation, restore_backup

PassphraseFile = Annotated[
    Path | None, typer.Option(help="File whose first line is the passphrase, for scripts. Asked for without it.")
]
_BEYOND_EMPTY = "The backup holds the keys that open your accounts' sessions: keep it as you would a password."


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt it with a passphrase.")] = False,
    passphrase_file: PassphraseFile = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if there is one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Writes everything into one file: tables, photos, evidence, keys. The server may go on running.

    Example: `vintedbot backup /mnt/disk/closet.backup --encrypt`"""

    async def act() -> making.Made:
        wanted = encrypt or passphrase_file is not None
        passphrase = _passphrase(passphrase_file, confirm=True) if wanted else None
        with installation(settings_of()) as place, _progress(quiet=as_json) as progress:
            return making.back_up(place, file, passphrase=passphrase, overwrite=overwrite, progress=progress)

    made = carry_out(act, as_json=as_json)
    if as_json:
        show_json(asdict(made))
        return
    size = f"{made.bytes / 1e6:.1f} MB"
    out.print(f"{escape(str(file))}: {_counts(asdict(made))}, {size}, {made.seconds} s.", highlight=False)
    if made.missing:
        err.print(f"[yellow]{len(made.missing)} photos are not where the tables say[/]; the rest is whole.")
    if "secret.key" not in made.keys:
        err.print("The key of the sessions is not in it: keep VINTEDBOT_SECRET_KEY too.")
    elif not made.encrypted:
        err.print(_BEYOND_EMPTY)


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    check: Annotated[bool, typer.Option("--check", help="Only read it through and compare every checksum.")] = False,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Puts a backup back into an empty installation: all of it, or nothing. Also moves from SQLite to PostgreSQL.

    Example: `DATABASE_URL=postgresql://… vintedbot --data ~/new restore closet.backup`"""

    async def act() -> restoring.Restored:
        passphrase = _passphrase(passphrase_file) if passphrase_file or _asks_for_one(file) else None
        with _progress(quiet=as_json) as progress:
            if check:
                return restoring.check(file, passphrase=passphrase, progress=progress)
            return await restore_backup(settings_of(), file, passphrase=passphrase, progress=progress)

    done = carry_out(act, as_json=as_json)
    if as_json:
        show_json({"checked_only": check, **asdict(done)})
        return
    said = "whole" if check else "restored"
    out.print(f"{escape(str(file))} of {done.made_at} is {said}: {_counts(asdict(done))}.", highlight=False)
    if not check:
        _tell_aftermath(done)


def _tell_aftermath(done: restoring.Restored) -> None:
    after = done.aftermath
    if after.in_doubt:
        err.print(f"{after.in_doubt} publications were at the click: their listings are looked for at the next start.")
    if after.paused_accounts:
        err.print(
            f"[yellow]{after.paused_accounts} accounts are paused[/], with {after.waiting} publications waiting: what "
            "was published since the backup is not known here. Look at the marketplace, cancel what is there already, "
            "then: vintedbot queue resume."
        )
    if after.unreadable_sessions:
        err.print(
            f"[yellow]{after.unreadable_sessions} accounts' sessions, or a model's key, can't be read with the present "
            "key.[/] Set VINTEDBOT_SECRET_KEY to the one of then, or sign in again and give the model's key again."
        )


def _counts(done: dict[str, Any]) -> str:
    files = ", ".join(f"{count} files of {kind}" for kind, count in done["files"].items() if count)
    return f"{sum(done['rows'].values())} rows" + (f", {files}" if files else "")


def _asks_for_one(file: Path) -> bool:
    try:
        with file.open("rb") as source:
            return is_sealed(source.read(8))
    except OSError:
        return False  # said in better words where it is opened


def _passphrase(file: Path | None, *, confirm: bool = False) -> str:
    if file is None:
        asked: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
        return asked
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"The passphrase can't be read from {file}: {error}.") from None
    if not lines or not lines[0]:
        raise BadRequest(f"{file} has no passphrase on its first line.")
    return lines[0]


@contextmanager
def _progress(*, quiet: bool) -> Iterator[making.Progress]:
    with progress_bars(quiet=quiet) as bars:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=of)

        yield show
