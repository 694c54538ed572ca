"""The pages of settings: what their reader wants as a rule, a section a page, and the way to what is kept elsewhere.

Owns which preferences a section's form holds and how they are typed. Owns no rule: `backend/preferences.py` says what
can be used. The reader of photos has a page of its own (`reader.py`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal
from zoneinfo import available_timezones

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session
from starlette.datastructures import FormData

from backend.accounts import service as accounts
from backend.building import operators_of
from backend.core import catalog
from backend.core.errors import LimitReached, VintedBotError
from backend.core.pacing import HARD_LIMIT
from backend.core.seller_template import FILTERS, PLACEHOLDERS, BadTemplate
from backend.core.texts import sentences
from backend.core.wording import LANGUAGES
from backend.preferences import Preferences, change_preferences, defaults_of, preferences_of, usual_language
from backend.users import service as users
from backend.web.accounts import pace_in_words, site_of
from backend.web.page import Page, PageDep, remember_language
from backend.web.values import options
from backend.web.words_preview import SAMPLE, preview

router = APIRouter(include_in_schema=False)

Section = Literal["general", "batches", "words", "pace", "notifications"]
SECTIONS: Mapping[Section, tuple[str, ...]] = {
    "general": ("language", "listing_language", "marketplace", "mode"),
    "batches": ("audience", "condition", "parcel", "aim", "rounding", "floor", "margin"),
    "words": ("tone", "title_template", "description_template", "hashtags"),
    "pace": ("per_day", "gap", "quiet", "timezone"),
    "notifications": ("mail",),
}
"""Each section's preferences, as `preferences.with_changes` names them."""
_BY_CODE = {"price_floor": "floor", "price_margin": "margin", "bad_hashtags": "hashtags"}
Typed = Mapping[str, Any]


@router.get("/settings")
async def show_settings(page: PageDep) -> Response:
    wishes = await page.runtime.database.look(preferences_of, page.user_id)
    holds = await page.runtime.in_force(page.user_id)
    return page.render(
        "settings.html",
        wishes=wishes,
        holds=holds,
        site=site_of(holds.marketplace),
        reader=page.runtime.chosen.known.reader,
        listing_languages=LANGUAGES,
    )


@router.post("/settings/words/preview")
async def show_preview(page: PageDep) -> Response:
    """The words page with what is typed, and what comes of it; nothing is kept."""
    return await _section_page(page, "words", typed=_typed("words", await page.form()))


@router.post("/settings/notifications/test")
async def test_notifications(page: PageDep) -> Response:
    """To the reader's own mail; an admin's also to the operator's addresses."""
    await page.form()
    outbox = page.runtime.outbox
    try:
        took = await outbox.test(page.user_id) | (await outbox.test() if page.reader.is_admin else {})
    except LimitReached as error:
        return await _section_page(page, "notifications", error=error)
    return await _section_page(page, "notifications", took=took)


def _offer(section: Section) -> None:
    """The section's two routes."""

    @router.get(f"/settings/{section}")
    async def show(page: PageDep) -> Response:
        return await _section_page(page, section)

    @router.post(f"/settings/{section}")
    async def change(page: PageDep) -> Response:
        return await _change_section(page, section)


for _section in SECTIONS:
    _offer(_section)


async def _change_section(page: Page, section: Section) -> Response:
    """Keeps what was typed, or puts the section's defaults back; a value that can't be used leaves all as it was."""
    form = await page.form()
    typed = _typed(section, form)
    back = form.get("do") == "defaults"
    changes = defaults_of(*SECTIONS[section]) if back else typed
    try:
        kept = await page.runtime.database.run(change_preferences, page.user_id, changes)
    except VintedBotError as error:
        return await _section_page(page, section, typed=typed, error=error)
    answer = page.go(f"/settings/{section}", "defaults" if back else "saved")
    if section == "general":
        remember_language(answer, kept.language)  # instead of what was chosen on this device before
    return answer


def _typed(section: Section, form: FormData) -> dict[str, Any]:
    """The section's preferences as the form has them."""

    def text(name: str) -> str:
        return str(form.get(name, "")).replace("\r\n", "\n").strip()

    typed: dict[str, Any] = {name: text(name) for name in SECTIONS[section]}
    match section:
        case "batches":
            typed |= {name: typed[name].replace(",", ".").strip("€% \u00a0\u202f") for name in ("floor", "margin")}
        case "words":
            typed["hashtags"] = typed["hashtags"].replace(",", " ").split()
        case "pace":
            typed["gap"] = [text("gap_least").replace(",", "."), text("gap_most").replace(",", ".")]
            hours = [text("quiet_from"), text("quiet_until")]
            typed["quiet"] = hours if any(hours) else None
        case "notifications":
            typed["mail"] = bool(typed["mail"])
    return typed


async def _section_page(
    page: Page, section: Section, *, typed: Typed | None = None, error: VintedBotError | None = None, **more: Any
) -> Response:
    """The section's page; `typed` lies over what is kept."""
    wishes = await page.runtime.database.look(preferences_of, page.user_id)
    by_code = (_BY_CODE.get(error.code, ""),) if error else ()
    return page.render(
        f"settings_{section}.html",
        here=f"/settings/{section}",
        status=error.status if error else 200,
        section=section,
        wishes=wishes,
        values=_flat(wishes) | dict(typed or {}),
        defaults=defaults_of(*SECTIONS[section]),
        bad=getattr(error, "fields", by_code),
        error=_said(page, error) if error else None,
        **await _BESIDE[section](page, wishes, typed or {}),
        **{"took": None, **more},
    )


def _flat(wishes: Preferences) -> dict[str, Any]:
    kept = wishes.model_dump(mode="json")
    gap = [f"{seconds:g}" for seconds in wishes.pace.gap]
    return {**kept, **kept["price_rule"], **kept["pace"], "gap": gap}


def _said(page: Page, error: VintedBotError) -> str | None:
    """None for a template's fault, which is told beside it."""
    return None if isinstance(error, BadTemplate) else page.words.error(error)


async def _beside_general(page: Page, wishes: Preferences, _: Typed) -> dict[str, Any]:
    settings = page.runtime.settings
    own = settings.marketplace.rstrip("/")
    known = catalog.sites_in_euros() | {one.rstrip("/"): site_of(one) for one in (own, wishes.marketplace or own)}
    return {
        "sites": known.items(),
        "listing_languages": LANGUAGES,
        "usual_language": await page.runtime.database.look(usual_language, page.user_id, operators_of(settings)),
        "operators": {"language": settings.language, "marketplace": site_of(own), "mode": settings.mode},
        "notice": sentences(page.language)["notice"],
    }


async def _beside_batches(page: Page, _: Preferences, __: Typed) -> dict[str, Any]:
    return {"stated": {name: options(page.words, name) for name in ("audience", "condition", "parcel")}}


async def _beside_words(page: Page, wishes: Preferences, typed: Typed) -> dict[str, Any]:
    form = await page.request.form() if page.request.method == "POST" else FormData()
    draft_id = str(form.get("draft", "")) or SAMPLE
    language = (await page.runtime.in_force(page.user_id)).listing_language

    def look(session: Session) -> dict[str, Any]:
        return {"preview": preview(session, page.user_id, draft_id, language, {**_flat(wishes), **typed}, page.words)}

    return {**await page.runtime.database.look(look), "placeholders": PLACEHOLDERS, "filters": FILTERS}


async def _beside_pace(page: Page, _: Preferences, __: Typed) -> dict[str, Any]:
    found = await page.runtime.database.look(accounts.accounts_of, page.user_id)
    zones = sorted(zone for zone in available_timezones() if zone.startswith("Europe/"))
    return {
        "own_pace": [(one, pace_in_words(page.words, one)) for one in found if one.pace],
        "hard_limit": HARD_LIMIT,
        "zones": zones,
    }


async def _beside_notifications(page: Page, _: Preferences, __: Typed) -> dict[str, Any]:
    user = await page.runtime.database.look(users.find, page.user_id)
    return {"email": user.email, "mail": page.runtime.letters is not None, "targets": page.runtime.outbox.names}


_BESIDE: Mapping[Section, Callable[[Page, Preferences, Typed], Awaitable[dict[str, Any]]]] = {
    "general": _beside_general,
    "batches": _beside_batches,
    "words": _beside_words,
    "pace": _beside_pace,
    "notifications": _beside_notifications,
}
"""What a section's page shows beside its preferences."""
