"""The page of the reader of photos: how it stands and what it costs, a test of it, and for admins choosing another.

Owns what is typed and how it is shown; a key that was typed is never shown again. Owns no rule: `model_choice.py` says
what may be chosen and whose word holds, `watch/reader.py` how the reader stands.
"""

from collections.abc import Mapping
from typing import Any, get_args

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import FormData

from backend.core.errors import VintedBotError
from backend.core.model_calls import MICROS
from backend.model_choice import NUMBERS, Name, Shown, Wanted, in_force, parse_wanted
from backend.vision.presets import PRESETS, preset_called, preset_of
from backend.vision.probe import Trial
from backend.watch.reader import standing_of
from backend.web.form_text import text_of
from backend.web.page import AdminPageDep, Page, PageDep

router = APIRouter(include_in_schema=False)

HERE = "/settings/reader"
TYPED: tuple[Name, ...] = ("reader", "address", "model", *NUMBERS)
"""What a form shows again; the key is not among it."""


@router.get(HERE)
async def show_reader(page: PageDep) -> Response:
    return await _reader_page(page)


@router.post(HERE)
async def try_reader(page: PageDep) -> Response:
    """Has the reader read something; what came of it is on the answer."""
    await page.form()
    return await _reader_page(page, **_told(page, *await page.runtime.chosen.try_now(page.user_id)))


@router.post(f"{HERE}/model")
async def choose_reader(page: AdminPageDep) -> Response:
    """Keeps what is typed, tries it first without keeping it, fills in a service's address, or forgets the choice."""
    form = await page.form()
    chosen = page.runtime.chosen
    if form.get("do") == "forget":
        return page.go(HERE, "model_forgotten" if await chosen.forget() else "unchanged")
    typed = _typed(form, await chosen.shown())
    if form.get("do") == "fill":
        return await _reader_page(page, typed=typed | _filled(text_of(form, "preset")))
    try:
        wanted = _wanted(form, typed)
        if form.get("do") == "test":
            tried, micros = await chosen.try_out(page.user_id, wanted)
            return await _reader_page(page, typed=typed, trial=_told(page, tried, micros))
        changed = await chosen.choose(wanted)
    except VintedBotError as error:
        return await _reader_page(page, typed=typed, error=error)
    if not changed:
        return page.go(HERE, "unchanged")
    return page.go(f"{HERE}?changed={','.join(changed)}", "model_chosen")


def _typed(form: FormData, shown: Shown) -> dict[Name, str]:
    """As it was typed; of what the environment sets nothing is."""
    typed: dict[Name, str] = {name: text_of(form, name) for name in TYPED if shown.by[name] != "environment"}
    return typed | {"reader": typed.get("reader") or shown.reader}


def _wanted(form: FormData, typed: Mapping[Name, str]) -> Wanted:
    """Raises BadChoice for what can't be used."""
    values: dict[str, Any] = {str(name): text for name, text in typed.items()}
    for name in NUMBERS:
        values[name] = typed.get(name, "").replace(",", ".").strip("$ \u00a0\u202f") or None
    key = text_of(form, "key")
    return parse_wanted(values | {"key": "" if form.get("forget_key") else key or None})


def _filled(preset: str) -> dict[Name, str]:
    found = preset_called(preset)
    return {"reader": "openai", "address": found.address, "model": found.model} if found else {}


def _told(page: Page, tried: Trial, micros: int | None) -> dict[str, Any]:
    """What came of a test."""
    why = "" if tried.ok else page.words.problem(tried.code, tried.reason, None)
    return {"tried": tried, "why": why, "tried_cost": _dollars(micros)}


async def _reader_page(page: Page, *, error: VintedBotError | None = None, **more: Any) -> Response:
    held = await page.runtime.chosen.look()
    shown = await page.runtime.database.look(standing_of, page.user_id, held.reader, held.budget)
    costs = {
        "item": shown.item_micros, "batch": shown.batch_micros,
        "today": shown.today.micros, "month": shown.month.micros,
        "left": shown.day_left, "budget": shown.day_budget, "budget_batch": shown.budget.batch,
    }  # fmt: skip
    return page.render(
        "settings_reader.html",
        here=HERE,
        status=error.status if error else 200,
        shown=shown,
        costs={name: _dollars(micros) for name, micros in costs.items()},
        resets=page.words.moment(shown.resets_at) if shown.resets_at else "",
        error=page.words.error(error) if error else None,
        bad=getattr(error, "field", _FAULTY.get(error.code, "") if error else ""),
        **await _choice(page, more.pop("typed", None)),
        **{"tried": None, "why": "", "tried_cost": "", "trial": None, **more},
    )


_FAULTY = {"service_unknown": "address", "service_inside": "address", "service_open": "address"}


async def _choice(page: Page, typed: Mapping[Name, str] | None) -> dict[str, Any]:
    """What the admin's form shows; nothing for others."""
    if not page.reader.is_admin:
        return {"model": None, "changed": ()}
    model = await page.runtime.chosen.shown()
    values = {**_standing(model), **(typed or {})}
    otherwise = in_force(page.runtime.settings, None).reader
    named = page.request.query_params.get("changed", "").split(",")
    return {
        "model": model,
        "values": values,
        "numbers": NUMBERS,
        "presets": PRESETS,
        "preset": preset_of(values["address"]),
        "otherwise": f"{otherwise.model} · {otherwise.host}" if otherwise.kind == "openai" else "",
        "changed": [name for name in named if name in get_args(Name)],
    }


def _standing(model: Shown) -> dict[Name, str]:
    """What stands in the fields before anything is typed; what is the default's stands in them in grey."""
    values: dict[Name, str] = {"reader": model.reader}
    for name in TYPED[1:]:
        value = getattr(model, name)
        plain = f"{value:g}" if isinstance(value, float) else str(value)
        asked = name in ("address", "model") and model.reader == "openai"
        values[name] = plain if value is not None and (asked or model.by[name] != "default") else ""
    return values


def _dollars(micros: int | None) -> str:
    """As people write small sums: $0.0042, $1.20; "" where it is not known."""
    if micros is None:
        return ""
    return f"${micros / MICROS:.4f}" if 0 < micros < MICROS // 10 else f"${micros / MICROS:.2f}"
