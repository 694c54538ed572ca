"""The admin's pages: health and jobs, limits and their use, the last log lines, the settings in force.

Owns who may see them (admins) and how they are shown. Owns no check, no count and no line: those are `backend/watch`'s.
What people keep here is not shown, and no secret is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import SecretStr
from sqlmodel import Session

from backend.core.logs import LEVELS, fields_of
from backend.core.redaction import hide
from backend.db.models import Batch, Publication
from backend.photos.batches import UNFINISHED
from backend.publications.journal import State
from backend.settings import Settings, variable_of
from backend.watch import readings, story
from backend.watch.use import Use, use_of_everybody
from backend.web.page import AdminPageDep, Page

router = APIRouter(include_in_schema=False)

LINES = 200
IDS = ("publication", "batch", "draft", "request", "job", "account", "user")
"""Fields of a line that say what it is about."""
BATCH_STATES = (*UNFINISHED, "done")
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class CountsRequests(Protocol):
    """The limits on requests (`api/limits.py`)."""

    def use_of(self, user_id: str) -> Mapping[str, tuple[int, int, int]]: ...


@dataclass(frozen=True)
class Shown:
    """A log line: when, how grave, what, and all of it as JSON."""

    at: str
    level: str
    event: str
    message: str
    whole: str


@router.get("/admin")
async def show_health(page: AdminPageDep) -> Response:
    """Whether each part works, what the engine has in hand, how publications and batches stand."""
    runtime = page.runtime

    def look(session: Session) -> dict[str, Mapping[str, int]]:
        return {
            "publications": readings.by_state(session, Publication.state, State),
            "batches": readings.by_state(session, Batch.state, BATCH_STATES),
        }

    now = datetime.now(UTC)
    return page.render(
        "admin.html",
        here="/admin",
        checks=await runtime.checks.look(),
        jobs=[(job, _age((now - job.since).total_seconds())) for job in await runtime.jobs.in_hand()],
        lag=runtime.jobs.lag,
        counts=await runtime.database.look(look),
    )


@router.get("/admin/limits")
async def show_limits(page: AdminPageDep) -> Response:
    runtime, requests = page.runtime, page.request.app.state.limits
    people = await runtime.database.look(use_of_everybody, runtime.store)
    return page.render(
        "admin_limits.html",
        here="/admin/limits",
        people=[(use, _asked(page, requests, use)) for use in people],
        classes=requests.use_of(page.user_id),
        quota=runtime.quota,
        budget=runtime.chosen.known.budget,
    )


@router.get("/admin/log")
async def show_log(page: AdminPageDep, level: Level = "INFO", event: str = "", about: str = "") -> Response:
    """The newest lines, at least so grave; `event` is a part of its name, `about` an id a line carries."""
    severe, event, about = story.at_least(level), event.strip().lower(), about.strip()

    def wanted(line: story.Line) -> bool:
        named = not about or about in (str(line.get(name)) for name in IDS)
        return severe(line) and event in str(line.get("event", "")) and named

    found = await page.runtime.database.look(
        lambda _: story.last_lines(page.runtime.settings.log_folder, wanted, LINES)
    )
    return page.render(
        "admin_log.html",
        here="/admin/log",
        lines=[_shown(page, line) for line in found],
        level=level,
        levels=LEVELS,
        event=event,
        about=about,
        most=LINES,
    )


@router.get("/admin/settings")
async def show_operators_settings(page: AdminPageDep) -> Response:
    """What holds, by the names of the variables, a reader chosen on the page included; secrets only as set or not."""
    return page.render(
        "admin_settings.html", here="/admin/settings", settings=operators_settings(page.runtime.chosen.known.settings)
    )


def operators_settings(settings: Settings) -> list[tuple[str, str | None, bool, str]]:
    """Each variable: its name, its value (None: none; a secret's is "•"), whether it was set, and what it is."""
    shown = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        told = None if value in (None, "") else "•" if isinstance(value, SecretStr) else hide(str(value))
        shown.append((variable_of(name), told, name in settings.model_fields_set, field.description or ""))
    return shown


def _asked(page: Page, requests: CountsRequests, use: Use) -> str:
    """How many of the limited requests count for them now."""
    counted = requests.use_of(use.user_id).items()
    return " · ".join(
        f"{page.words(f'admin.class.{name}')} {asked}/{most}" for name, (asked, most, _) in counted if asked
    )


def _shown(page: Page, line: story.Line) -> Shown:
    at = datetime.fromisoformat(str(line["at"]))
    return Shown(
        page.words.moment(at) + at.astimezone().strftime(":%S"),
        str(line.get("level", "")),
        str(line.get("event", "")),
        " ".join((str(line.get("message", "")), fields_of(line))).strip(),
        json.dumps(line, ensure_ascii=False, indent=1),
    )


def _age(seconds: float) -> str:
    """90 s, 12 min, 3 h, 2 d: roughly."""
    for most, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < most:
            return f"{max(0, seconds) / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
