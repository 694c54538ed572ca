"""Notifications: what its owner should know of publications and accounts, newest first."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.db.models import Notification
from backend.notifications import service
from backend.notifications.kinds import message

router = APIRouter(prefix="/notifications", tags=["notifications"], responses=RESPONSES)


class NotificationOut(BaseModel):
    """`kind` is one of a closed set; `title` and `body` say it in English."""

    id: str
    kind: str
    title: str
    body: str
    publication_id: str | None
    account_id: str | None
    detail: dict[str, Any]
    created_at: datetime
    seen_at: datetime | None


class NotificationList(BaseModel):
    """`unseen` counts all that are new, listed or not."""

    unseen: int
    notifications: list[NotificationOut]


class Seen(BaseModel):
    marked: int


@router.get("")
async def list_notifications(
    runtime: RuntimeDep, user_id: UserId, unseen: bool = False, limit: Annotated[int, Query(ge=0, le=500)] = 100
) -> NotificationList:
    """Newest first; with `unseen` the new ones alone."""
    found = await runtime.database.run(service.notifications_of, user_id, unseen=unseen, limit=limit)
    new = await runtime.database.run(service.count_unseen, user_id)
    return NotificationList(unseen=new, notifications=[shown(row) for row in found])


@router.post("/seen")
async def mark_all_seen(runtime: RuntimeDep, user_id: UserId) -> Seen:
    """Marks all as seen."""
    return Seen(marked=await runtime.database.run(service.mark_all_seen, user_id))


@router.post("/{notification_id}/seen")
async def mark_seen(notification_id: str, runtime: RuntimeDep, user_id: UserId) -> NotificationOut:
    """Marks one as seen; again changes nothing."""
    return shown(await runtime.database.run(service.mark_seen, user_id, notification_id))


def shown(row: Notification) -> NotificationOut:
    said = message(row.kind, row.detail, "en")
    return NotificationOut.model_validate({**row.model_dump(), "title": said.title, "body": said.body})
