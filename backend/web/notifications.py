"""The page of notifications: what needs its reader, with the way there. Owns no kind and no sentence of theirs."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from backend.core.errors import VintedBotError
from backend.db.models import Notification
from backend.notifications import service
from backend.notifications.kinds import OF_AN_ACCOUNT, Message, message
from backend.web.page import Page, PageDep

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class NotificationView:
    row: Notification
    said: Message
    when: str
    way: str


@router.get("/notifications")
async def show_notifications(page: PageDep) -> Response:
    return await notifications_page(page)


@router.post("/notifications/seen")
async def mark_all_seen(page: PageDep) -> Response:
    await page.form()
    await page.runtime.database.run(service.mark_all_seen, page.user_id)
    return page.go("/notifications")


@router.post("/notifications/{notification_id}/seen")
async def mark_seen(page: PageDep, notification_id: str) -> Response:
    """Marks it as seen, and leads to what it is about where `go` was pressed."""
    form = await page.form()
    try:
        row = await page.runtime.database.run(service.mark_seen, page.user_id, notification_id)
    except VintedBotError as error:
        return await notifications_page(page, error)
    way, _, anchor = _way(row).partition("#")
    return page.go(way, anchor=anchor) if form.get("go") and way else page.go("/notifications")


async def notifications_page(page: Page, error: VintedBotError | None = None) -> Response:
    found = await page.runtime.database.look(service.notifications_of, page.user_id)
    return page.render(
        "notifications.html",
        here="/notifications",
        status=error.status if error else 200,
        notifications=[_view(page, row) for row in found],
        error=page.words.error(error) if error else None,
    )


def _view(page: Page, row: Notification) -> NotificationView:
    said = message(row.kind, row.detail, page.language)
    return NotificationView(row, said, page.words.moment(row.created_at), _way(row))


def _way(row: Notification) -> str:
    """Where its reader can do something about it."""
    if row.account_id and (row.kind in OF_AN_ACCOUNT or row.publication_id is None):
        return f"/accounts#{row.account_id}"
    return f"/publications#{row.publication_id}" if row.publication_id else "/"
