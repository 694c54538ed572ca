"""A look back over one's own drafts and publications, as JSON or as CSV."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlmodel import Session

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.core.errors import BadRequest
from backend.users.page_wishes import wishes_of
from backend.watch import insights
from backend.watch.insights import Chart, Insights

router = APIRouter(prefix="/insights", tags=["insights"], responses=RESPONSES)

Name = Literal["activity", "success", "time", "cost", "prices", "queue"]


@router.get("", response_model=Insights | Chart)
async def look_back(
    runtime: RuntimeDep,
    user_id: UserId,
    days: Literal["7", "30", "90", "all"] = "30",
    chart: Annotated[Name | None, Query(description="One of them alone.")] = None,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    minutes: Annotated[float | None, Query(gt=0, le=240, description="Minutes a listing by hand.")] = None,
) -> Insights | Chart | Response:
    """Figures by day, week or month (UTC), each a table: its columns and rows. CSV is of one `chart`."""
    if form == "csv" and chart is None:
        raise BadRequest("Say which chart the CSV is of: chart=activity, for example.")

    def look(session: Session) -> Insights:
        by_hand = minutes or wishes_of(session, user_id).minutes_by_hand
        return insights.look(session, user_id, days=None if days == "all" else int(days), minutes_by_hand=by_hand)

    found = await runtime.database.look(look)
    if chart is None:
        return found
    if form == "json":
        return found.charts[chart]
    headers = {"Content-Disposition": f'attachment; filename="vintedbot-{chart}-{days}.csv"'}
    return Response(insights.to_csv(found.charts[chart]), media_type="text/csv; charset=utf-8", headers=headers)
