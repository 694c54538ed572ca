"""The page of photos: the place to drop them, the batches under way, and the board of a batch.

Also what makes the page installable: its manifest, and the address photos are shared to. Owns no rule of sorting
(`drafts/board.py`, which the board's script asks through the API) and no upload.
"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from backend.web import board_view, views
from backend.web.page import PageDep
from backend.web.values import options

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_home(page: PageDep) -> Response:
    """The place to drop photos, and the batches with their items."""
    found = await page.runtime.database.run(views.home, page.user_id, page.words)
    stated = {name: options(page.words, name) for name in ("audience", "condition")}
    return page.render("photos.html", home=found, stated=stated, most=page.runtime.settings.max_photos)


@router.get("/batches/{batch_id}")
async def show_board(page: PageDep, batch_id: str) -> Response:
    """The photo board of a batch."""
    found = await page.runtime.database.run(board_view.board, page.user_id, page.words, batch_id)
    return page.render("board.html", board=found)


@router.get("/manifest.webmanifest")
async def show_manifest(page: PageDep) -> Response:
    """What a phone needs to install the page."""
    manifest = {
        "name": "VintedBot",
        "short_name": "VintedBot",
        "lang": page.language,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f7f5f1",
        "theme_color": "#f7f5f1",
        "icons": [
            {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
            {"src": "/static/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
            {"src": "/static/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any maskable"},
        ],
    }
    return JSONResponse(manifest, media_type="application/manifest+json", headers={"Vary": "Accept-Language, Cookie"})
