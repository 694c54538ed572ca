"""One draft, looked through by its seller: corrected, written anew, approved, put away, one after the other.

Every form is answered by a redirect, or by the page with what went wrong and everything that was typed; the page's
script sends the same form at each change and shows what came of it. Owns no business rule: the handlers call the
services and show what they say. Publishing's handlers are in `publishing.py`.
"""

import json
from functools import partial
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session

from backend.core.errors import Conflict, VintedBotError
from backend.core.readiness import COLOURS_MAX, DESCRIPTION_LENGTH, MATERIALS_MAX, TITLE_LENGTH
from backend.core.texts import sentences
from backend.db.models import new_id
from backend.drafts import service as drafts
from backend.web import forms, views
from backend.web.page import Page, PageDep
from backend.web.publish_form import Wish
from backend.web.values import options

router = APIRouter(include_in_schema=False)

LIMITS = {
    "title": TITLE_LENGTH[1],
    "description": DESCRIPTION_LENGTH[1],
    "colours": COLOURS_MAX,
    "materials": MATERIALS_MAX,
}


@router.get("/drafts/{draft_id}")
async def show_draft(page: PageDep, draft_id: str) -> Response:
    return await draft_page(page, draft_id)


@router.post("/drafts/{draft_id}")
async def save_draft(page: PageDep, draft_id: str) -> Response:
    """Saves what was changed, and approves when asked to. A stale revision shows both versions."""
    form = await page.form()
    try:
        changed, revision = forms.changes(form), forms.revision(form)
        if changed:
            revision = await page.runtime.database.run(_edit, page.user_id, draft_id, revision, changed)
        if (name := str(form.get("rewrite", ""))) in drafts.REWRITABLE:
            return await _rewrite(page, draft_id, name, revision)
    except VintedBotError as error:
        bad = error.fields if isinstance(error, forms.BadFields) else ()
        return await draft_page(page, draft_id, error=error, typed=forms.touched(form), bad=bad)
    if form.get("then") in ("approve", "next"):
        approve = partial(drafts.approve, revision=revision)
        return await _change(page, draft_id, "approved", approve, onward=form.get("then") == "next")
    field = forms.acted_on(form)
    return page.go(f"/drafts/{draft_id}", "saved" if changed else "unchanged", anchor=f"field-{field}" if field else "")


def _edit(session: Session, user_id: str, draft_id: str, revision: int, changed: dict[str, Any]) -> int:
    """The revision the edit made. The same edit sent twice made one: by the script at the change, then by the button
    that was pressed right after; whatever came after it the page did not show."""
    drafts.edit(session, user_id, draft_id, revision, changed)
    return revision + 1


async def _rewrite(page: Page, draft_id: str, name: str, revision: int) -> Response:
    await page.runtime.database.run(drafts.rewrite, page.user_id, draft_id, revision, name)
    return page.go(f"/drafts/{draft_id}", "rewritten", anchor=f"field-{name}")


@router.post("/drafts/{draft_id}/undo")
async def undo_edit(page: PageDep, draft_id: str) -> Response:
    form = await page.form()
    return await _change(page, draft_id, "undone", partial(drafts.undo, revision=forms.revision(form)))


@router.post("/drafts/{draft_id}/reread")
async def reread_draft(page: PageDep, draft_id: str) -> Response:
    form = await page.form()
    try:
        await page.runtime.read_again(page.user_id, draft_id, forms.revision(form))
    except Conflict as error:
        return await draft_page(page, draft_id, error=error)
    return page.go(f"/drafts/{draft_id}", "reread")


@router.post("/drafts/{draft_id}/reopen")
async def reopen_draft(page: PageDep, draft_id: str) -> Response:
    await page.form()
    return await _change(page, draft_id, "reopened", drafts.reopen)


@router.post("/drafts/{draft_id}/discard")
async def discard_draft(page: PageDep, draft_id: str) -> Response:
    form = await page.form()
    return await _change(page, draft_id, "discarded", partial(drafts.discard, revision=forms.revision(form)))


@router.post("/drafts/{draft_id}/restore")
async def restore_draft(page: PageDep, draft_id: str) -> Response:
    await page.form()
    return await _change(page, draft_id, "restored", drafts.restore)


async def draft_page(
    page: Page,
    draft_id: str,
    *,
    error: VintedBotError | None = None,
    typed: dict[str, Any] | None = None,
    bad: tuple[str, ...] = (),
    wish: Wish | None = None,
) -> Response:
    """The draft's page. `typed` lies over the stored values after a form that could not be saved; `bad` are the
    fields it was refused for. `wish` is how a publication was asked for that could not be."""
    shown = await page.runtime.database.look(views.one_draft, page.user_id, page.words, draft_id)
    stored = forms.as_shown(shown.fields, shown.draft.purchase_cost)
    return page.render(
        "draft.html",
        here=f"/drafts/{draft_id}",
        status=error.status if error else 200,
        shown=shown,
        values=stored | (typed or {}),
        before=json.dumps(stored),
        kept=sorted(name for name, value in (typed or {}).items() if value != stored[name]),
        error=page.words.error(error) if error else None,
        bad=bad,
        options={name: options(page.words, name) for name in ("category", "audience", "condition", "parcel")},
        colours=options(page.words, "colours"),
        materials=options(page.words, "materials"),
        limits=LIMITS,
        routes=page.runtime.routes,
        wish=wish or Wish(mode=(await page.runtime.in_force(page.user_id)).mode),
        notice=sentences(page.language)["notice"],
        key=new_id(),
    )


async def _change(page: Page, draft_id: str, said: str, change: Any, *, onward: bool = False) -> Response:
    """Carries out a change of state, and shows the draft with it or with what was in the way; with `onward` the next
    draft that waits, or the list once none does."""
    try:
        await page.runtime.database.run(change, page.user_id, draft_id)
    except VintedBotError as error:
        if error.code == "not_found":
            raise
        return await draft_page(page, draft_id, error=error)
    if not onward:
        return page.go(f"/drafts/{draft_id}", said)
    following = await page.runtime.database.look(views.next_to_review, page.user_id, draft_id)
    return page.go(f"/drafts/{following}", said) if following else page.go("/drafts", "all_reviewed")
