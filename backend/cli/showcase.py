"""`demo`: the main job from end to end, on a drawn wardrobe or the seller's own photos, against the sandbox.

Everything real but the marketplace: the same intake, reader, drafts, journal and browser as in earnest.
"""

import asyncio
import shlex
import shutil
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
import uvicorn
from rich.table import Table

from backend.accounts import standing
from backend.cli import photos, publishing, tables
from backend.cli.terminal import AsJson, Chosen, asked_here, carry_out, err, fail, out, settings_of, show_json
from backend.core.errors import NotFound
from backend.core.pacing import AT_ONCE
from backend.publications import service
from backend.runtime import Runtime, running
from backend.sample.once import STATED, drawn_once
from backend.settings import Settings, load_settings

SANDBOX_PORT = 5055
SELLER = "demo"


def demo(
    own: Annotated[
        Path | None, typer.Option("--photos", help="Your own folder of photos instead of the drawn wardrobe.")
    ] = None,
    as_json: AsJson = False,
    stay: Annotated[bool, typer.Option(help="Keep the page and the stand-in marketplace running afterwards.")] = False,
) -> None:
    """Runs the main job once: photos in, items, drafts, saved as drafts on a stand-in marketplace.

    Example: `vintedbot demo --photos ~/Pictures/closet`

    Nothing leaves this machine: the marketplace is the bundled sandbox, the reader is the offline one unless you set
    a model. Your own data folder isn't touched; each run starts afresh in its subfolder `demo`."""
    from backend.sandbox.options import SandboxOptions  # noqa: PLC0415 - no other command should wait for it
    from backend.sandbox.server import running_sandbox  # noqa: PLC0415

    if own is not None and not own.exists():
        fail(NotFound(f"There is no file or folder {own}."), as_json=as_json)
    home = (Chosen.data or load_settings().data) / "demo"
    shutil.rmtree(home, ignore_errors=True)

    async def act() -> None:
        options = SandboxOptions(state_file=home / "sandbox.json")
        settings = settings_of(data=home, database_url=None, storage_url=None)
        home.mkdir(parents=True)
        with asked_here(), running_sandbox(port=_free_or(SANDBOX_PORT), options=options) as sandbox:
            async with running(settings, run_jobs=True) as runtime:
                session = sandbox.create_account(SELLER)
                account = await runtime.accounts.keep_session(runtime.user_id, SELLER, sandbox.url, session)
                at_once = AT_ONCE.model_dump()  # nobody is hurried here; a marketplace's account goes slower
                await runtime.database.run(standing.set_pace, runtime.user_id, account.id, at_once)
                folder = own or _draw(home.parent / "sample-wardrobe")
                report, done = await _run(runtime, folder, {} if own else STATED, quiet=as_json)
            if as_json:
                show_json({**report, **done})
            else:
                _show(report, done)
                _next_steps(settings, own)
            if stay:
                await _stay(settings)

    carry_out(act, as_json=as_json)


def _draw(folder: Path) -> Path:
    with err.status("Drawing a small wardrobe to try things on"):
        files = len(drawn_once(folder))
    err.print(f"A sample wardrobe, {files} files: {folder}", highlight=False, soft_wrap=True)
    return folder


async def _run(
    runtime: Runtime, folder: Path, stated: dict[str, Any], *, quiet: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What became of the photos, and of the ready drafts' publications."""
    batch_id = await photos.hand_in(runtime, folder, stated)
    publishing_meanwhile = asyncio.create_task(_publish_as_they_come(runtime))
    try:
        await photos.watch(runtime, batch_id, quiet=quiet)
    finally:
        publishing_meanwhile.cancel()
        with suppress(asyncio.CancelledError):
            await publishing_meanwhile
    report = await photos.report(runtime, batch_id)
    ready = [row["id"] for row in report["drafts"] if row["publish_ready"]]
    if not ready:
        return report, {"publications": [], "not_asked": []}
    return report, await publishing.publish_drafts(runtime, ready, "draft", quiet=quiet)


async def _publish_as_they_come(runtime: Runtime) -> None:
    """Asks for each draft's publication once it is ready, while others are read; who asks again is given the same."""
    while True:
        ready = await runtime.database.look(service.publishable, runtime.user_id)
        await runtime.publish_many(runtime.user_id, [draft.id for draft in ready], None, "draft")
        await asyncio.sleep(0.5)


def _show(report: dict[str, Any], done: dict[str, Any]) -> None:
    by_draft = {row["draft_id"]: row for row in done["publications"]}
    table = Table("Draft", "Photos", "Title", "Price", "Sure", "State", "Link", header_style="bold", box=None)
    for row in report["drafts"]:
        publication = by_draft.get(row["id"])
        state = tables.publication_state(publication) if publication else tables.state_cell(row)
        url = (publication or {}).get("listing_url") or ""
        table.add_row(*tables.draft_cells(row), state, f"[link={url}]{urlsplit(url).path}[/]" if url else "")
    out.print(table)
    tables.show_left_out(out, report["left_out"])
    saved = sum(bool(row["listing_id"]) for row in done["publications"])
    equal = sum(row["state"] == "confirmed" for row in done["publications"])
    out.print(
        f"[bold]{report['files']} files → {len(report['drafts'])} items → {len(by_draft)} ready → {saved} saved "
        f"as drafts on the stand-in marketplace, {equal} of them read back equal to what was sent.[/]"
    )


def _next_steps(settings: Settings, own: Path | None) -> None:
    called = shlex.quote(sys.argv[0])
    data = shlex.quote(str(settings.data))
    command = f"{called} --data {data}"
    kept = shlex.quote(str(settings.data / "sandbox.json"))
    out.print(
        f"\nLook at the drafts:     {command} serve, then http://127.0.0.1:5000\n"
        f"One draft, evidence:    {command} drafts show ID\n"
        f"The listings' links:    {called} sandbox --port {SANDBOX_PORT} --state {kept}\n"
        + ("" if own else "With your own photos:   make demo PHOTOS=~/Pictures/closet\n")
        + f"In earnest:             {called} ingest ~/Pictures/closet --audience women --condition very-good\n"
        f"                        {called} login, then {called} publish --all-ready --mode dry_run",
        highlight=False,
        soft_wrap=True,
    )


async def _stay(settings: Settings) -> None:
    from backend.app import create_app  # noqa: PLC0415 - as above

    err.print(f"The page is at http://127.0.0.1:{settings.port}. Stop with Ctrl-C.")
    await uvicorn.Server(uvicorn.Config(create_app(settings), port=settings.port, log_level="warning")).serve()


def _free_or(port: int) -> int:
    """The usual port, or any free one when another demo has it."""
    with socket.socket() as probe:
        return 0 if probe.connect_ex(("127.0.0.1", port)) == 0 else port
