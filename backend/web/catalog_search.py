"""What the review's search boxes look through: the category tree and brand names.

Owns the order in which matches are told. Owns no name: categories are the catalog's, brands the reader's list and those
the seller has used.
"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from rapidfuzz import fuzz, process
from sqlmodel import Session

from backend.core import catalog
from backend.core.listing import Field
from backend.drafts import service as drafts
from backend.drafts.schemas import FIELDS
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
    own = await page.runtime.database.run(_own_brands, page.user_id)
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
    found = (FIELDS.validate_python(d.fields).get("brand", Field()) for d in drafts.drafts_of(session, user_id)[::-1])
    return list(dict.fromkeys(field.value for field in found if field.value))
