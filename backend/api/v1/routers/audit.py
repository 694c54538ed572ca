"""The audit: to each user what was done to their things, to an admin all of it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from backend.api.deps import AdminDep, PersonDep, RuntimeDep
from backend.api.errors import RESPONSES
from backend.db import audit

router = APIRouter(prefix="/audit", tags=["audit"], responses=RESPONSES)

Limit = Annotated[int, Query(ge=1, le=1000)]
Before = Annotated[int | None, Query(ge=1, le=2**62, description="Older than this event's id: for the next page.")]


class AuditEventOut(BaseModel):
    """Who (`actor_id`) did what (`action`) to what (`target`), when, in which way and from where."""

    id: int
    at: datetime
    user_id: str | None
    actor_id: str | None
    way: str
    action: str
    target: str
    address: str
    agent: str
    detail: dict[str, Any]


@router.get("")
async def my_audit(
    runtime: RuntimeDep, who: PersonDep, limit: Limit = 100, before: Before = None
) -> list[AuditEventOut]:
    """What was done to the user's things, by whomever, newest first."""
    rows = await runtime.database.run(audit.events_of, who.user_id, limit=limit, before=before)
    return [AuditEventOut.model_validate(row, from_attributes=True) for row in rows]


@router.get("/all")
async def whole_audit(
    runtime: RuntimeDep, who: AdminDep, limit: Limit = 100, before: Before = None
) -> list[AuditEventOut]:
    """Everybody's, for an admin."""
    rows = await runtime.database.run(audit.all_events, limit=limit, before=before)
    return [AuditEventOut.model_validate(row, from_attributes=True) for row in rows]
