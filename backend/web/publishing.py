"""Publishing from the page: asking for it, watching it, cancelling, going on.

Owns no rule of publishing: `runtime.publish` asks, the journal says what may follow.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlmodel import Session

from backend.accounts import service as accounts
from backend.core.errors import BadRequest, VintedBotError
from backend.core.texts import sentences
from backend.db.models import Publication
from backend.db.scope import get_owned
from backend.publications import evidence, queue
from backend.publications import service as publications
from backend.publications.service import Order, RequestKey
from backend.web import forms, views
from backend.web.form_text import text_of
from backend.web.page import Page, PageDep
from backend.web.publish_form import SPREADS, Wish
from backend.web.review import draft_page

router = APIRouter(include_in_schema=False)


@router.post("/drafts/{draft_id}/publish")
async def publish_draft(page: PageDep, draft_id: str) -> Response:
    """Asks for the publication once: the form's key makes a second press the same request."""
    form = await page.form()
    wish = Wish.of(form, page.runtime.routes)
    asked = {name: str(form.get(name)) for name in ("account", "mode", "route", "revision")}
    key = RequestKey.of(str(form.get("key")), {"draft_id": draft_id, **asked})
    try:
        account = await page.runtime.database.run(accounts.choose, page.user_id, wish.account)
        order = Order(draft_id, account.id, wish.mode, wish.route, forms.revision(form))
        publication = await page.runtime.publish(page.user_id, order, key=key)
    except VintedBotError as error:
        return await draft_page(page, draft_id, error=error, wish=wish)
    return page.go("/publications", "asked", anchor=publication.id)


@router.get("/publish")
async def show_publish(page: PageDep) -> Response:
    """What is ready and has no listing yet, to be sent in one go."""
    return await publish_page(page, Wish(mode=(await page.runtime.in_force(page.user_id)).mode))


@router.post("/publish")
async def publish_ticked(page: PageDep) -> Response:
    """Asks for all that are ticked; those that can't be are told with the reason, and stay ticked."""
    wish = Wish.of(await page.form(), page.runtime.routes)
    try:
        if not wish.ticked:
            raise BadRequest("Tick the drafts this is for.", code="nothing_ticked")
        _, refused = await page.runtime.publish_many(
            page.user_id,
            wish.ticked,
            wish.account,
            wish.mode,
            at=wish.at or None,
            spread=wish.spread or None,
            route=wish.route,
        )
    except VintedBotError as error:
        return await publish_page(page, wish, error)
    if refused:
        return await publish_page(page, replace(wish, ticked=tuple(refused)), refused=refused)
    return page.go("/publications", "asked_all")


async def publish_page(
    page: Page, wish: Wish, error: VintedBotError | None = None, refused: Mapping[str, VintedBotError] | None = None
) -> Response:
    cards, found = await page.runtime.database.look(views.to_publish, page.user_id, page.words)
    return page.render(
        "publish.html",
        here="/publish",
        status=error.status if error else 200,
        cards=cards,
        accounts=found,
        routes=page.runtime.routes,
        refused={one: page.words.error(why) for one, why in (refused or {}).items()},
        spreads=SPREADS,
        wish=wish,
        notice=sentences(page.language)["notice"],
        error=page.words.error(error) if error else None,
    )


@router.get("/publications")
async def show_publications(page: PageDep, number: Annotated[int, Query(alias="page")] = 1) -> Response:
    return await publications_page(page, number=number)


@router.post("/publications/{publication_id}/move")
async def move_publication(page: PageDep, publication_id: str) -> Response:
    """One place sooner or later in its account's line, or to its head."""
    form = await page.form()

    def work(session: Session) -> None:
        account_id = get_owned(session, Publication, page.user_id, publication_id).account_id
        ids = [row.id for row in queue.line_of(session, page.user_id, account_id)]
        at = ids.index(publication_id) if publication_id in ids else 0
        before = {"first": 0, "up": max(0, at - 1)}.get(str(form.get("to")), at + 2)
        queue.move_before(session, page.user_id, publication_id, ids[before] if before < len(ids) else None)

    try:
        await page.runtime.database.run(work)
    except VintedBotError as error:
        return await publications_page(page, error)
    return page.go("/publications", "moved", anchor=publication_id)


@router.post("/publications/{publication_id}/cancel")
async def cancel_publication(page: PageDep, publication_id: str) -> Response:
    await page.form()
    try:
        await page.runtime.database.run(publications.cancel, page.user_id, publication_id)
    except VintedBotError as error:
        return await publications_page(page, error)
    return page.go("/publications", "cancelled", anchor=publication_id)


@router.post("/publications/{publication_id}/resume")
async def resume_publication(page: PageDep, publication_id: str) -> Response:
    await page.form()
    try:
        await page.runtime.resume(page.user_id, publication_id)
    except VintedBotError as error:
        return await publications_page(page, error)
    return page.go("/publications", "resumed", anchor=publication_id)


@router.post("/publications/{publication_id}/settle")
async def settle_publication(page: PageDep, publication_id: str) -> Response:
    """The owner's word after an uncertain click: the listing is this one, there is none, or it is over."""
    form = await page.form()
    decision = form.get("decision")
    try:
        if decision == "adopt":
            await page.runtime.adopt(page.user_id, publication_id, text_of(form, "listing_id"))
        elif decision == "retry":
            await page.runtime.resume(page.user_id, publication_id, despite_doubt=True)
        elif decision == "give_up":
            await page.runtime.database.run(publications.give_up, page.user_id, publication_id)
        else:
            raise BadRequest("Say which: this is the listing, try again, or give up.", code="invalid_decision")
    except VintedBotError as error:
        return await publications_page(page, error)
    return page.go("/publications", "settled", anchor=publication_id)


async def publications_page(page: Page, error: VintedBotError | None = None, *, number: int = 1) -> Response:
    database, live = page.runtime.database, page.runtime.live.of(page.user_id)
    found = await database.look(views.publication_list, page.user_id, page.words, number, live=live)
    rows = [one.row for one in found.shown]
    return page.render(
        "publications.html",
        here="/publications",
        status=error.status if error else 200,
        queue=await database.look(views.queue_shown, page.user_id, page.words),
        list=found,
        publications=found.shown,
        evidence=await asyncio.to_thread(evidence.newest, page.runtime.settings.evidence_folder, rows),
        error=page.words.error(error) if error else None,
    )
