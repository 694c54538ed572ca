"""The list of drafts: as cards or as a fast list, and what is done to several at once.

Owns which buttons of the list's form do what. Owns no rule of drafts: `drafts/bulk.py` and the service do it.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import ValidationError
from sqlmodel import Session
from starlette.datastructures import FormData

from backend.core.errors import BadRequest, VintedBotError
from backend.db.models import Draft
from backend.db.scope import get_owned
from backend.drafts import bulk
from backend.drafts.schemas import FieldsPatch
from backend.web import views
from backend.web.page import Page, PageDep
from backend.web.values import options

router = APIRouter(include_in_schema=False)

STATED_FOR_ALL = ("condition", "audience", "parcel")
MOST_AT_ONCE = 500


@router.get("/drafts")
async def show_drafts(
    page: PageDep,
    show: str = "all",
    number: Annotated[int, Query(alias="page")] = 1,
    layout: Annotated[Literal["cards", "list"], Query(alias="as")] = "cards",
) -> Response:
    return await drafts_page(page, show, number, layout)


@router.post("/drafts")
async def change_drafts(page: PageDep) -> Response:
    """Does one thing to all that are ticked, and says on the same page of the list which could not be."""
    form = await page.form()
    show, ids = str(form.get("show", "all")), [str(one) for one in form.getlist("draft")][:MOST_AT_ONCE]
    number = int(given) if (given := str(form.get("page", ""))).isdecimal() and len(given) < 9 else 1
    try:
        if form.get("do") == "reread":
            done = await _read_again(page, ids)
        else:
            done = await page.runtime.database.run(_carry_out, page.user_id, ids, str(form.get("do", "")), form)
    except VintedBotError as error:
        return await drafts_page(page, show, number, "list", error=page.words.error(error), ticked=frozenset(ids))
    return await drafts_page(page, show, number, "list", done=done, ticked=frozenset(done.refused))


async def _read_again(page: Page, ids: list[str]) -> bulk.Done:
    """Has the photos of each read anew; each is a job of its own."""
    _check_ticked(ids)
    refused: dict[str, VintedBotError] = {}
    for draft_id in dict.fromkeys(ids):
        try:
            draft = await page.runtime.database.look(get_owned, Draft, page.user_id, draft_id)
            await page.runtime.read_again(page.user_id, draft_id, draft.revision)
        except VintedBotError as error:
            refused[draft_id] = error
    return bulk.Done(len(set(ids)) - len(refused), refused)


def _check_ticked(ids: list[str]) -> None:
    if not ids:
        raise BadRequest("Tick the drafts this is for.", code="nothing_ticked")


def _carry_out(session: Session, user_id: str, ids: list[str], wish: str, form: FormData) -> bulk.Done:
    _check_ticked(ids)
    if wish == "approve":
        return bulk.approve(session, user_id, ids)
    if wish == "discard":
        return bulk.discard(session, user_id, ids)
    if wish == "restore":
        return bulk.restore(session, user_id, ids)
    return bulk.state(session, user_id, ids, _stated(form))


def _stated(form: FormData) -> dict[str, Any]:
    """The fields chosen for all. Raises BadRequest for none, or for a value that can't be used."""
    chosen = {name: str(form[name]) for name in STATED_FOR_ALL if form.get(name)}
    if not chosen:
        raise BadRequest("Choose what is true of all of them.", code="nothing_stated")
    try:
        return FieldsPatch.model_validate(chosen).changes()
    except ValidationError as error:
        raise BadRequest(str(error), code="bad_fields") from None


async def drafts_page(
    page: Page,
    show: str,
    number: int,
    layout: str,
    *,
    error: str | None = None,
    done: bulk.Done | None = None,
    ticked: frozenset[str] = frozenset(),
) -> Response:
    found = await page.runtime.database.look(views.drafts_shown, page.user_id, page.words, show, number)
    return page.render(
        "drafts.html",
        here="/drafts",
        status=422 if error else 200,
        list=found,
        layout=layout,
        stated={name: options(page.words, name) for name in STATED_FOR_ALL},
        error=error,
        done=done,
        refused={one: page.words.error(why) for one, why in (done.refused if done else {}).items()},
        ticked=ticked,
    )
