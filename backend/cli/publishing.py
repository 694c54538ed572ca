"""`publish` and `publications …`."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session

from backend.cli import tables
from backend.cli.terminal import EXIT_CODES, AsJson, err, fail, out, progress_bars, show_json, with_runtime
from backend.core.bundles import Bundle
from backend.core.errors import BadRequest
from backend.core.modes import Mode
from backend.core.pacing import HARD_LIMIT
from backend.core.texts import sentences
from backend.db.models import Draft, Publication
from backend.db.scope import find_by_prefix, get_owned
from backend.publications import evidence, journal, queue, service
from backend.runtime import Runtime

app = typer.Typer(help="What became of each publication.", no_args_is_help=True)

PublicationId = Annotated[str, typer.Argument(help="A publication's id, or its first characters.", show_default=False)]


def publish(
    draft_ids: Annotated[list[str] | None, typer.Argument(help="Drafts' ids.", show_default=False)] = None,
    all_ready: Annotated[bool, typer.Option("--all-ready", help="Every ready draft that has no listing yet.")] = False,
    mode: Annotated[Mode | None, typer.Option(help="Default: VINTEDBOT_MODE, which is dry_run unless set.")] = None,
    account: Annotated[str | None, typer.Option(help="Account's name or id, when there are several.")] = None,
    at: Annotated[str | None, typer.Option(help="Not before: 18:30, 2026-12-01 18:30, +2h.")] = None,
    spread: Annotated[str | None, typer.Option(help="Spread them over this time: 90m, 6h, 2d.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the result; else leave it to the server.")] = True,
    as_json: AsJson = False,
) -> None:
    """Puts drafts on the marketplace: dry_run fills the form and leaves, draft saves it there as a draft, publish
    presses the last button.

    Example: `vintedbot publish --all-ready --mode draft --at 18:30 --spread 3h`"""
    if bool(draft_ids) == all_ready:
        raise typer.BadParameter("Give drafts' ids, or --all-ready.")
    if mode == "publish":
        err.print(f"[yellow]{sentences('en')['notice']}[/]")

    async def act(runtime: Runtime) -> dict[str, Any]:
        wanted = await runtime.database.run(_chosen, runtime.user_id, draft_ids or [])
        how = mode or (await runtime.in_force(runtime.user_id)).mode
        return await publish_drafts(runtime, wanted, how, account, at=at, spread=spread, wait=wait, quiet=as_json)

    done = with_runtime(act, as_json=as_json, jobs=wait)
    if as_json:
        show_json(done)
    else:
        show_done(done)
    raise typer.Exit(worst_exit(done))


def _chosen(session: Session, user_id: str, draft_ids: Sequence[str]) -> list[str]:
    if draft_ids:
        return [find_by_prefix(session, Draft, user_id, draft_id).id for draft_id in draft_ids]
    return [draft.id for draft in service.publishable(session, user_id)]


async def publish_drafts(
    runtime: Runtime,
    draft_ids: Sequence[str],
    mode: Mode,
    account: str | None = None,
    *,
    at: str | None = None,
    spread: str | None = None,
    wait: bool = True,
    quiet: bool = False,
) -> dict[str, Any]:
    """Asks for each, waits until nothing moves by itself any more. Returns `publications` (`waits` says why one has not
    begun) and `not_asked` with reasons."""
    asked, refused = await runtime.publish_many(runtime.user_id, draft_ids, account, mode, at=at, spread=spread)
    not_asked = [{"draft_id": draft, "code": why.code, "error": str(why)} for draft, why in refused.items()]
    ended = await (watch(runtime, asked, quiet=quiet) if wait else _rows(runtime, asked))
    reasons = await runtime.database.look(queue.waiting, runtime.user_id)
    return {"publications": [with_reason(row, reasons) for row in ended], "not_asked": not_asked}


def with_reason(row: Publication, reasons: Mapping[str, queue.Waiting]) -> dict[str, Any]:
    """The publication as a person is shown it, with what it waits for."""
    held = reasons.get(row.id) if row.state == journal.State.QUEUED else None
    until = held.until.isoformat() if held and held.until else None
    return {**service.shown(row), "waits": held and held.code, "waits_until": until}


async def _rows(runtime: Runtime, ids: Sequence[str]) -> list[Publication]:
    return await runtime.database.look(lambda s: [get_owned(s, Publication, runtime.user_id, i) for i in ids])


async def watch(runtime: Runtime, ids: Sequence[str], *, quiet: bool = False) -> list[Publication]:
    """Shows the publications' steps until all have ended, or wait for somebody or for a later hour."""
    with progress_bars(quiet=quiet) as bars:
        bar = bars.add_task("Publishing", total=len(ids))
        while True:
            now = await _rows(runtime, ids)
            reasons = await runtime.database.look(queue.waiting, runtime.user_id)
            moving = [p for p in now if p.state in journal.RUNNING and not _is_put_off(p, reasons)]
            steps = ", ".join(dict.fromkeys(p.step for p in moving if p.step and p.state != "queued"))
            brief = {} if steps else {reasons[p.id].code for p in moving if p.id in reasons}
            bars.update(bar, completed=len(now) - len(moving), description=f"Publishing {steps or _said(brief)}")
            if not moving:
                return now
            await asyncio.sleep(0.1)


def _is_put_off(row: Publication, reasons: Mapping[str, queue.Waiting]) -> bool:
    """Whether a queued one waits for its owner, or for so long that nobody should sit and watch."""
    held = reasons.get(row.id)
    return row.state == journal.State.QUEUED and held is not None and not held.is_brief


def _said(brief: Collection[str]) -> str:
    if "minute" in brief:
        return f"(at most {HARD_LIMIT} a minute)"
    return "(a pause between two)" if "gap" in brief else ""


def show_done(done: dict[str, Any]) -> None:
    tables.show_publications(out, done["publications"])
    for row in done["not_asked"]:
        out.print(f"[yellow]{row['draft_id'][:8]}[/]: {row['error']}")
    for row in done["publications"]:
        for difference in row["differences"]:
            out.print(
                f"{row['id'][:8]} {difference['field']}: sent {difference['sent']!r}, found {difference['found']!r}"
            )


def worst_exit(done: dict[str, Any]) -> int:
    """0 when everything asked for is done; else the code of the worst: uncertain, a person needed, failed."""
    told = {
        "needs_person"
        if row["waits"] in ("account", "paused")
        else row["state"]
        if row["error_code"] != "uncertain"
        else "uncertain"
        for row in done["publications"]
    }
    codes = {"uncertain": EXIT_CODES["uncertain"], "needs_person": EXIT_CODES["needs_person"], "failed": 1}
    return next((code for what, code in codes.items() if what in told), 1 if done["not_asked"] else 0)


@app.command("list")
def list_publications(
    state: Annotated[str | None, typer.Option(help="Only these, such as needs_person.")] = None, as_json: AsJson = False
) -> None:
    """Publications, newest first.

    Example: `vintedbot publications list --state needs_person`"""

    async def act(runtime: Runtime) -> list[Any]:
        reasons = await runtime.database.look(queue.waiting, runtime.user_id)
        states = [state] if state else None
        found = await runtime.database.look(service.publications_of, runtime.user_id, states=states)
        return [with_reason(row, reasons) for row in found]

    rows = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(rows)
    else:
        tables.show_publications(out, rows)


@app.command("show")
def show_publication(publication_id: PublicationId, as_json: AsJson = False) -> None:
    """One publication with its journal.

    Example: `vintedbot publications show 9c01`"""

    def find(session: Session, user_id: str) -> dict[str, Any]:
        found = find_by_prefix(session, Publication, user_id, publication_id)
        events = [
            e.model_dump(exclude={"id", "user_id"}, mode="json") for e in service.events_of(session, user_id, found.id)
        ]
        candidates = service.candidates_of(session, user_id, found.id) if found.state == "needs_person" else []
        return {**with_reason(found, queue.waiting(session, user_id)), "events": events, "candidates": candidates}

    async def act(runtime: Runtime) -> dict[str, Any]:
        return await runtime.database.run(find, runtime.user_id)

    row = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(row)
        return
    tables.show_publications(out, [row])
    for event in row["events"]:
        out.print(f"  {event['at']}  {event['from_state'] or ''} → {event['state']}", highlight=False)
    if row["candidates"]:
        out.print("One of these may be what the click made; `publications adopt` takes its number:")
        tables.show_candidates(out, row["candidates"])


@app.command("evidence")
def show_evidence(
    publication_id: PublicationId,
    to: Annotated[Path | None, typer.Option("--out", help="Write all of it into this ZIP file.")] = None,
    as_json: AsJson = False,
) -> None:
    """What its failed attempts left behind: pictures, HTML, network, steps, log, perhaps a trace; without secrets.

    Example: `vintedbot publications evidence 3f2a --out why.zip`"""

    async def act(runtime: Runtime) -> list[Bundle]:
        found = await runtime.database.run(find_by_prefix, Publication, runtime.user_id, publication_id)
        root = runtime.settings.evidence_folder
        return await runtime.database.look(evidence.bundles_of, runtime.user_id, root, found.id)

    found = with_runtime(act, as_json=as_json)
    if to is not None and found:
        _write_zip(found, to)
    if as_json:
        rows = [{"name": b.name, "at": b.at, "code": b.code, "folder": b.folder, "files": b.files} for b in found]
        show_json({"bundles": rows, "written": to if found else None})
    elif not found:
        out.print("Nothing is kept of it: no attempt failed, or it was cleared away.")
    else:
        tables.show_bundles(out, found)
        if to is not None:
            out.print(f"Written to {to}.", highlight=False)


def _write_zip(found: list[Bundle], to: Path) -> None:
    try:
        with to.open("wb") as file:
            file.writelines(evidence.zip_of(found))
    except OSError as error:
        fail(BadRequest(f"{to} can't be written: {error.strerror}.", code="export_folder"))


@app.command("cancel")
def cancel_publication(publication_id: PublicationId, as_json: AsJson = False) -> None:
    """Cancels before the click; after it, says how it stands.

    Example: `vintedbot publications cancel 9c01`"""
    _act_on(
        publication_id,
        lambda runtime, found: runtime.database.run(service.cancel, runtime.user_id, found),
        as_json,
    )


@app.command("adopt")
def adopt_listing(
    publication_id: PublicationId,
    listing_id: Annotated[str, typer.Argument(help="The listing's number, or its address.")],
    as_json: AsJson = False,
) -> None:
    """After an uncertain click: this listing is the one it made.

    Example: `vintedbot publications adopt 9c01 4711223344`"""
    _act_on(publication_id, lambda runtime, found: runtime.adopt(runtime.user_id, found, listing_id), as_json)


@app.command("retry")
def retry_publication(publication_id: PublicationId, as_json: AsJson = False) -> None:
    """After an uncertain click: you have looked, there is no listing; try again.

    Example: `vintedbot publications retry 9c01`"""
    row = _act_on(
        publication_id, lambda runtime, found: runtime.resume(runtime.user_id, found, despite_doubt=True), as_json
    )
    raise typer.Exit(worst_exit({"publications": [row], "not_asked": []}))


@app.command("give-up")
def give_up_publication(publication_id: PublicationId, as_json: AsJson = False) -> None:
    """After an uncertain click: this publication is over.

    Example: `vintedbot publications give-up 9c01`"""
    _act_on(
        publication_id,
        lambda runtime, found: runtime.database.run(service.give_up, runtime.user_id, found),
        as_json,
    )


@app.command("resume")
def resume_publication(publication_id: PublicationId, as_json: AsJson = False) -> None:
    """Goes on with a publication that waited for you, once the reason is dealt with.

    Example: `vintedbot publications resume 9c01`"""
    row = _act_on(publication_id, lambda runtime, found: runtime.resume(runtime.user_id, found), as_json)
    raise typer.Exit(worst_exit({"publications": [row], "not_asked": []}))


def _act_on(
    publication_id: str, act: Callable[[Runtime, str], Awaitable[Publication]], as_json: bool
) -> dict[str, Any]:
    """Does it to the publication of this id or beginning, then waits until nothing moves any more; shows how it ended,
    and returns that."""

    async def task(runtime: Runtime) -> dict[str, Any]:
        found = await runtime.database.run(find_by_prefix, Publication, runtime.user_id, publication_id)
        await act(runtime, found.id)
        [ended] = await watch(runtime, [found.id], quiet=as_json)
        return with_reason(ended, await runtime.database.look(queue.waiting, runtime.user_id))

    row = with_runtime(task, as_json=as_json, jobs=True)
    if as_json:
        show_json(row)
    else:
        tables.show_publications(out, [row])
    return row
