"""The page of photos: the place to drop them, the first steps, the batches under way, and the board of a batch.

Also what makes the page installable: its manifest, and the address photos are shared to. Owns no rule of sorting
(`drafts/board.py`, which the board's script asks through the API) and no upload.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import UploadFile

from backend.core.errors import VintedBotError
from backend.core.wording import LANGUAGES
from backend.preferences import preferences_of
from backend.users import page_wishes
from backend.web import board_view, guide, views
from backend.web.page import OpenPageDep, Page, PageDep
from backend.web.values import options
from backend.workflows.handing_in import Heap

MOST_KNOWN = 6000
"""Characters; longer addresses don't come through every proxy."""

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_home(page: PageDep) -> Response:
    return await home_page(page)


async def home_page(page: Page, error: VintedBotError | None = None) -> Response:
    """The place to drop photos, the first steps, and the batches with their items."""
    found = await page.runtime.database.look(views.home, page.user_id, page.words)
    trouble = error or page.runtime.samples.troubles.get(page.user_id)
    return page.render(
        "photos.html",
        here="/",
        status=error.status if error else 200,
        home=found,
        guide=await page.runtime.database.look(guide.look, page.user_id),
        sample_coming=page.user_id in page.runtime.samples.coming,
        stated={name: options(page.words, name) for name in ("audience", "condition")},
        usual=await page.runtime.database.look(preferences_of, page.user_id),
        listing_languages=LANGUAGES,
        listing_language=(await page.runtime.in_force(page.user_id)).listing_language,
        most=page.runtime.settings.max_photos,
        error=page.words.error(trouble) if trouble else None,
    )


@router.post("/guide")
async def put_guide(page: PageDep) -> Response:
    """Puts the first steps away, or calls them back."""
    form = await page.form()
    away = form.get("do") == "put_away"
    await page.runtime.database.run(page_wishes.keep, page.user_id, {"guide_away": away})
    return page.go("/", "guide_away") if away else page.go("/", anchor="guide")


@router.post("/sample")
async def bring_sample(page: PageDep) -> Response:
    """The sample wardrobe, to try things on."""
    await page.form()
    await page.runtime.samples.ask(page.user_id, (await page.runtime.in_force(page.user_id)).listing_language)
    return page.go("/", anchor="guide")


@router.post("/sample/remove")
async def remove_sample(page: PageDep) -> Response:
    await page.form()
    try:
        await page.runtime.samples.remove(page.user_id)
    except VintedBotError as error:
        return await home_page(page, error)
    return page.go("/", "sample_removed")


@router.get("/batches")
async def show_batches(page: PageDep, number: Annotated[int, Query(alias="page")] = 1) -> Response:
    """Every batch there ever was, with the way to its board."""
    found = await page.runtime.database.look(views.all_batches, page.user_id, page.words, number)
    return page.render("batches.html", list=found)


@router.post("/batches/{batch_id}/resume")
async def resume_batch(page: PageDep, batch_id: str) -> Response:
    """Goes on with a batch that something had stopped."""
    await page.form()
    await page.runtime.handing_in.go_on(page.user_id, batch_id)
    return page.go("/", "batch_goes_on", anchor=f"batch-{batch_id}")


@router.get("/batches/{batch_id}")
async def show_board(
    page: PageDep, batch_id: str, known: Annotated[str | None, Query(max_length=MOST_KNOWN)] = None
) -> Response:
    """The photo board of a batch. With `known`, which are versions of cards with dots between, the board alone, without
    what is in those cards: its script has them."""
    found = await page.runtime.database.look(board_view.board, page.user_id, page.words, batch_id)
    if known is None:
        return page.render("board.html", board=found, known=())
    return page.render("_board.html", board=found, known=frozenset(known.split(".")))


@router.post("/share")
async def take_shared(page: PageDep) -> Response:
    """Photos handed over by the phone's own share sheet: a batch at once."""
    form = await page.request.form(max_files=page.runtime.settings.max_photos + 1)
    shared = [one for one in form.getlist("files") if isinstance(one, UploadFile) and one.filename]
    try:
        batch_id = await page.runtime.handing_in.copies(
            page.user_id,
            [(one.filename or "", one.file) for one in shared],
            sum(one.size or 0 for one in shared),
            Heap("share", otherwise=(await page.runtime.in_force(page.user_id)).listing_language),
        )
    except VintedBotError as error:  # beside the place to choose them oneself
        return await home_page(page, error)
    return page.go("/", "shared", anchor=f"batch-{batch_id}")


@router.get("/manifest.webmanifest")
async def show_manifest(page: OpenPageDep) -> Response:
    """What a phone needs to install the page. Nobody's own: a browser may ask for it without saying who reads."""
    manifest = {
        "name": "VintedBot",
        "short_name": "VintedBot",
        "lang": page.language,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "share_target": {
            "action": "/share",
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {"files": [{"name": "files", "accept": ["image/*", ".heic", ".heif"]}]},
        },
        "background_color": "#f7f5f1",
        "theme_color": "#f7f5f1",
        "icons": [
            {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
            {"src": "/static/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
            {"src": "/static/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any maskable"},
        ],
    }
    return JSONResponse(manifest, media_type="application/manifest+json", headers={"Vary": "Accept-Language, Cookie"})
