"""What the review's search boxes look through: the category tree and brand names.

Owns the order in which matches are told. Owns no name: categories are the catalog's, brands the reader's list and those
the seller has used.
"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from rapidfuzz import fuzz, process
from sqlalchemy import func, select
from sqlmodel import Session, col

from backend.core import catalog
from backend.db.models import Draft
from backend.vision.embedded import lexicon
from backend.web.page import PageDep

router = APIRouter(include_in_schema=False)

MOST_BRANDS = 8
CLOSE_ENOUGH = 70


@router.get("/catalog/categories")
async def show_categories(page: PageDep) -> Response:
    """Every leaf with the way to it in the reader's language; it is found by its words in either."""
    leaves = sorted(catalog.leaves().values(), key=lambda leaf: leaf.path(page.language))
    shown = [
        {
            "category": leaf.kind,
            "audience": leaf.audience,
            "path": " › ".join(leaf.path(page.language)),
            "words": " ".join((*leaf.path("fr"), *leaf.path("en"))),
        }
        for leaf in leaves
    ]
    return JSONResponse(shown, headers={"Cache-Control": "private, max-age=3600", "Vary": "Accept-Language, Cookie"})


@router.get("/catalog/brands")
async def find_brands(page: PageDep, q: str = "") -> Response:
    """The brands nearest to what was typed, the seller's own first."""
    own = await page.runtime.database.look(_own_brands, page.user_id)
    wanted = q.strip()[:60].casefold()
    if not wanted:
        return JSONResponse(own[:MOST_BRANDS])
    known = list(dict.fromkeys([*own, *(brand.name for brand in lexicon.brands().values())]))
    begin = [name for name in known if name.casefold().startswith(wanted)]
    near = process.extract(wanted, known, scorer=fuzz.WRatio, processor=str.casefold, limit=MOST_BRANDS)
    close = [name for name, score, _ in near if score >= CLOSE_ENOUGH]
    return JSONResponse(list(dict.fromkeys([*begin, *close]))[:MOST_BRANDS])


def _own_brands(session: Session, user_id: str) -> list[str]:
    """The brands of the seller's drafts, the latest first."""
    brand = col(Draft.fields)["brand"]["value"].as_string().label("brand")
    named = select(brand, col(Draft.created_at).label("at")).where(
        col(Draft.user_id) == user_id, col(Draft.state) != "discarded"
    )
    found = named.subquery()
    query = select(found.c.brand).where(found.c.brand.is_not(None), found.c.brand != "")
    return list(session.scalars(query.group_by(found.c.brand).order_by(func.max(found.c.at).desc())))
