"""`drafts list|show|edit|rewrite|reread|preferences|approve|discard|restore|export`."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer
from pydantic import ValidationError
from sqlmodel import Session

from backend.cli import tables
from backend.cli.photos import watch
from backend.cli.terminal import AsJson, out, show_json, with_runtime
from backend.core.errors import BadRequest, SetupError
from backend.core.words import Tone
from backend.db.models import Draft
from backend.db.scope import find_by_prefix, get_owned
from backend.drafts import service
from backend.drafts.schemas import FieldsPatch
from backend.photos import batches
from backend.photos.store import PhotoStore
from backend.runtime import Runtime

app = typer.Typer(help="Look at drafts, correct them, approve them.", no_args_is_help=True)

DraftId = Annotated[str, typer.Argument(help="A draft's id, or its first characters.", show_default=False)]


@app.command("list")
def list_drafts(
    ready: Annotated[bool | None, typer.Option(help="Only ready ones, or only those that need you.")] = None,
    as_json: AsJson = False,
) -> None:
    """Drafts in the order they were made.

    Example: `vintedbot drafts list --no-ready`"""

    async def act(runtime: Runtime) -> list[dict[str, Any]]:
        return await runtime.database.look(
            lambda s: [tables.draft_row(s, d) for d in service.drafts_of(s, runtime.user_id, ready=ready)]
        )

    rows = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(rows)
    else:
        tables.show_drafts(out, rows)


@app.command("show")
def show_draft(draft_id: DraftId, as_json: AsJson = False) -> None:
    """Every field of a draft, how sure it is and where it was seen.

    Example: `vintedbot drafts show 3f2a`"""
    _show(_on_draft(draft_id, lambda session, user_id, draft: draft, as_json), as_json)


@app.command("edit")
def edit_draft(
    draft_id: DraftId,
    changes: Annotated[
        list[str], typer.Argument(help='field=value; lists with commas; "field=" takes your word back.')
    ],
    revision: Annotated[int | None, typer.Option(help="Fails if the draft has changed since this revision.")] = None,
    as_json: AsJson = False,
) -> None:
    """Corrects fields. What you state wins over anything read.

    Example: `vintedbot drafts edit 3f2a size=M colours=blue,white price=12,50`"""

    def act(session: Session, user_id: str, draft: Draft) -> Draft:
        return service.edit(session, user_id, draft.id, revision or draft.revision, parse_changes(changes))

    _show(_on_draft(draft_id, act, as_json), as_json)


def parse_changes(changes: list[str]) -> dict[str, Any]:
    """["size=M", "colours=blue,white"] → values as the fields want them. Raises BadRequest."""
    given: dict[str, Any] = {}
    for change in changes:
        name, sign, value = change.partition("=")
        if not sign:
            raise BadRequest(f"{change!r} is not field=value.", code="invalid_change")
        listed = name in ("colours", "materials")
        given[name] = None if value == "" and name != "brand" else _split(value) if listed else value
    try:
        return FieldsPatch(**given).changes()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadRequest(problems, code="invalid_change") from None


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


@app.command("rewrite")
def rewrite_field(
    draft_id: DraftId,
    field: Annotated[str, typer.Argument(help="title, description or price.")],
    tone: Annotated[str | None, typer.Option(help="plain, friendly or minimal, until a field changes.")] = None,
    as_json: AsJson = False,
) -> None:
    """Writes one field anew from what is known now; no other changes, and its old value stays as an alternative.

    A tone for good: `vintedbot preferences tone=friendly`. Example: `vintedbot drafts rewrite 3f2a title`"""
    if tone is not None and tone not in get_args(Tone):
        raise typer.BadParameter(f"one of: {', '.join(get_args(Tone))}", param_hint="--tone")

    def act(session: Session, user_id: str, draft: Draft) -> Draft:
        return service.rewrite(session, user_id, draft.id, draft.revision, field, tone=cast("Tone | None", tone))

    _show(_on_draft(draft_id, act, as_json), as_json)


@app.command("reread")
def reread_drafts(
    draft_ids: Annotated[list[str], typer.Argument(help="Drafts' ids, or their first characters.")],
    as_json: AsJson = False,
) -> None:
    """Reads drafts again with the reader of now, such as a model just set up. What you stated stays.

    Example: `vintedbot drafts reread 3f2a`"""

    async def act(runtime: Runtime) -> list[dict[str, Any]]:
        async def ask(draft_id: str) -> Draft:
            draft = await runtime.database.run(find_by_prefix, Draft, runtime.user_id, draft_id)
            return await runtime.read_again(runtime.user_id, draft.id, draft.revision)

        asked = [await ask(draft_id) for draft_id in draft_ids]
        for batch_id in dict.fromkeys(draft.batch_id for draft in asked):
            await watch(runtime, batch_id, quiet=as_json)
            progress = await runtime.database.run(batches.progress, runtime.user_id, batch_id)
            if progress.state == "stopped":
                raise SetupError(progress.error or "The reading was stopped.")
        return await runtime.database.run(
            lambda s: [tables.draft_row(s, get_owned(s, Draft, runtime.user_id, draft.id)) for draft in asked]
        )

    rows = with_runtime(act, as_json=as_json, jobs=True)
    if as_json:
        show_json(rows)
    else:
        tables.show_drafts(out, rows)


@app.command("approve")
def approve_drafts(
    draft_ids: Annotated[list[str], typer.Argument(help="Drafts' ids.")], as_json: AsJson = False
) -> None:
    """Your word that these drafts are right.

    Example: `vintedbot drafts approve 3f2a 81db`"""
    for draft_id in draft_ids:
        row = _on_draft(draft_id, lambda s, user, draft: service.approve(s, user, draft.id), as_json)
        if not as_json:
            out.print(f"Approved {row['id'][:8]}: {row['fields']['title']['value']}")


@app.command("discard")
def discard_draft(draft_id: DraftId, as_json: AsJson = False) -> None:
    """Puts a draft away; `drafts restore` brings it back.

    Example: `vintedbot drafts discard 3f2a`"""
    row = _on_draft(draft_id, lambda s, user, draft: service.discard(s, user, draft.id), as_json)
    if not as_json:
        out.print(f"Discarded {row['id'][:8]}. Bring it back with: vintedbot drafts restore {row['id'][:8]}")


@app.command("restore")
def restore_draft(draft_id: DraftId, as_json: AsJson = False) -> None:
    """Brings a discarded draft back.

    Example: `vintedbot drafts restore 3f2a`"""
    row = _on_draft(draft_id, lambda s, user, draft: service.restore(s, user, draft.id), as_json)
    if not as_json:
        out.print(f"Restored {row['id'][:8]}.")


@app.command("export")
def export_drafts(
    folder: Annotated[Path, typer.Argument(help="A folder to make; it must not exist yet.")], as_json: AsJson = False
) -> None:
    """Writes every draft as JSON with its photos, one folder each.

    Example: `vintedbot drafts export ./my-drafts`"""

    async def act(runtime: Runtime) -> int:
        found = await runtime.database.look(_to_export, runtime.user_id)
        await asyncio.to_thread(_export, runtime.store, found, folder)
        return len(found)

    written = with_runtime(act, as_json=as_json)
    if as_json:
        show_json({"folder": str(folder), "drafts": written})
    else:
        out.print(f"{written} drafts written to {folder}")


def _to_export(session: Session, user_id: str) -> list[tuple[dict[str, Any], list[str]]]:
    """Each draft with the keys of its pictures."""
    return [
        (tables.draft_row(session, draft), [p.store_key for p in service.photos_of(session, draft) if p.store_key])
        for draft in service.drafts_of(session, user_id)
    ]


def _export(store: PhotoStore, found: list[tuple[dict[str, Any], list[str]]], folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
        for row, pictures in found:
            target = folder / row["id"]
            target.mkdir()
            text = json.dumps(row, ensure_ascii=False, indent=2)
            (target / "draft.json").write_text(text + "\n", encoding="utf-8")
            for number, key in enumerate(pictures, 1):
                shutil.copyfile(store.path(key), target / f"{number:02d}.jpg")
    except OSError as error:
        raise BadRequest(f"{folder} can't be written ({error.strerror}).", code="export_folder") from error


def _on_draft(draft_id: str, act: Any, as_json: bool) -> dict[str, Any]:
    """Finds the draft by id or its beginning, does `act(session, user_id, draft)`, gives the draft's row."""

    async def task(runtime: Runtime) -> dict[str, Any]:
        def work(session: Session) -> dict[str, Any]:
            draft = find_by_prefix(session, Draft, runtime.user_id, draft_id)
            return tables.draft_row(session, act(session, runtime.user_id, draft))

        return await runtime.database.run(work)

    return with_runtime(task, as_json=as_json)


def _show(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(row)
        return
    out.print(f"[bold]{row['id']}[/] revision {row['revision']}, {tables.state_cell(row)}")
    out.print(f"Photos: {', '.join(row['photos'])}")
    tables.show_fields(out, row["fields"])
    if row["purchase_cost"] is not None:
        out.print(f"It cost you {row['purchase_cost']}.")
    for remark in row["remarks"]:
        out.print(remark, markup=False, soft_wrap=True)
