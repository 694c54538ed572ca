"""The page of a live view: what it shows is `static/live-view.js`'s, what it may do `api/v1/routers/live.py`'s."""

from fastapi import APIRouter
from fastapi.responses import Response

from backend.db.models import Publication
from backend.db.scope import get_owned
from backend.web.page import PageDep

router = APIRouter(include_in_schema=False)


@router.get("/publications/{publication_id}/live")
async def show_live(page: PageDep, publication_id: str) -> Response:
    """The page kept open for this publication, or a word that there is none."""
    publication = await page.runtime.database.look(get_owned, Publication, page.user_id, publication_id)
    opening = page.runtime.live.find(page.user_id, publication_id)
    return page.render("live.html", row=publication, opening=opening)
