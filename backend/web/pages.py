"""The pages: drafts, one draft, publications; and what their forms ask for.

Every form is answered by a redirect, or by its own page with what went wrong and everything that was typed. Owns no
business rule: the handlers call the services and show what they say. Publishing's handlers are in `publishing.py`.
"""

import json
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from backend.core.errors import VintedBotError
from backend.core.readiness import COLOURS_MAX, DESCRIPTION_LENGTH, MATERIALS_MAX, TITLE_LENGTH
from backend.core.texts import sentences
from backend.db.models import new_id
from backend.drafts import service as drafts
from backend.web import forms, views
from backend.web.page import Page, PageDep
from backend.web.values import options

router = APIRouter(include_in_schema=False)

LIMITS = {
    "title": TITLE_LENGTH[1],
    "description": DESCRIPTION_LENGTH[1],
    "colours": COLOURS_MAX,
    "materials": MATERIALS_MAX,
}


@router.get("/")
async def show_home(page: PageDep, show: str = "all", number: Annotated[int, Query(alias="page")] = 1) -> Response:
    """The place to drop photos, the batches under way, the drafts."""
    found = await page.runtime.database.run(views.home, page.user_id, page.words, show, number)
    stated = {name: options(page.words, name) for name in ("audience", "condition")}
    return page.render("home.html", home=found, stated=stated, most=page.runtime.settings.max_photos)


@router.get("/drafts/{draft_id}")
async def show_draft(page: PageDep, draft_id: str) -> Response:
    return await draft_page(page, draft_id)


@router.post("/drafts/{draft_id}")
async def save_draft(page: PageDep, draft_id: str) -> Response:
    """Saves what was changed, and approves when asked to. A stale revision shows both versions."""
    form = await page.form()
    try:
        changed = forms.changes(form)
        if changed:
            revision = forms.revision(form)
            await page.runtime.database.run(drafts.edit, page.user_id, draft_id, revision, changed)
    except VintedBotError as error:
        bad = error.fields if isinstance(error, forms.BadFields) else ()
        return await draft_page(page, draft_id, error=error, typed=forms.touched(form), bad=bad)
    if form.get("then") == "approve":
        return await _change(page, draft_id, "approved", drafts.approve)
    field = forms.acted_on(form)
    return page.go(f"/drafts/{draft_id}", "saved" if changed else "unchanged", anchor=f"field-{field}" if field else "")


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
) -> Response:
    """The draft's page. `typed` lies over the stored values after a form that could not be saved; `bad` are the
    fields it was refused for."""
    shown = await page.runtime.database.run(views.one_draft, page.user_id, page.words, draft_id)
    stored = forms.as_shown(shown.fields)
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
        mode=page.runtime.settings.mode,
        notice=sentences(page.language)["notice"],
        key=new_id(),
    )


async def _change(page: Page, draft_id: str, said: str, change: Any) -> Response:
    """Carries out a change of state, and shows the draft with it or with what was in the way."""
    try:
        await page.runtime.database.run(change, page.user_id, draft_id)
    except VintedBotError as error:
        if error.code == "not_found":
            raise
        return await draft_page(page, draft_id, error=error)
    return page.go(f"/drafts/{draft_id}", said)
