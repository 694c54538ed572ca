"""`secrets …`: the keys that sessions and a model's key are encrypted with, and that sign who is signed in. No key is
ever shown."""

from dataclasses import asdict
from typing import Any

import typer

from backend.accounts.keys import Rotation, Step
from backend.cli.terminal import AsJson, err, out, show_json, with_runtime
from backend.key_rotation import rotate_key, rotate_signing_key
from backend.runtime import Runtime

app = typer.Typer(help="The key that kept sessions are encrypted with.", no_args_is_help=True)

STEPS: dict[Step, str] = {
    "key_added": "A new key is there, beside the old one.",
    "sealed": "Every session, and a model's key, is encrypted with it.",
    "old_keys_dropped": "The old key is gone.",
}


@app.callback()
def secrets() -> None:
    """The key that kept sessions are encrypted with."""


@app.command("rotate")
def rotate(as_json: AsJson = False) -> None:
    """Makes a new key, encrypts every kept session, and a model's key, with it, and drops the old one. Safe to kill and
    to run again.

    Backups of the tables made before can be read with a backup of the old key only.

    Example: `vintedbot secrets rotate`"""

    def say(step: Step) -> None:
        if not as_json and step in STEPS:
            err.print(STEPS[step])

    async def act(runtime: Runtime) -> Rotation:
        return await rotate_key(runtime.settings, runtime.database, runtime.vault, say)

    done: dict[str, Any] = asdict(with_runtime(act, as_json=as_json))
    if as_json:
        show_json(done)
        return
    out.print(f"{done['sessions']} sessions and keys encrypted anew.")
    if done["unreadable"]:
        lost = "sign in to those accounts again, or give the model's key again"
        out.print(f"[yellow]{done['unreadable']} fit no key there was[/]: {lost}.")
    if not done["keys_dropped"]:
        out.print("Now take the old keys out of VINTEDBOT_SECRET_KEY: all but the first.")


@app.command("rotate-signing")
def rotate_signing(as_json: AsJson = False) -> None:
    """Makes a new key to sign sign-in tokens with. Nobody is signed out: the keys before it still read.

    Example: `vintedbot secrets rotate-signing`"""

    async def act(runtime: Runtime) -> int:
        return await rotate_signing_key(runtime.settings)

    kept = with_runtime(act, as_json=as_json)
    if as_json:
        show_json({"keys": kept})
    else:
        out.print(f"Tokens are signed with a new key from now on; {kept - 1} older ones are still read.")
