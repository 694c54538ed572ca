"""How fast an account may publish: a pure decision on the clicks it made.

Owns the pace (a hard limit a minute, a budget a day, quiet hours, a varying gap between two listings), the growing stop
after a refusal, and the moments of a schedule. Owns no clock, no table and no waiting: `publications/queue.py` counts
the clicks in the journal, and asks here both before a start and, once more, at the click itself.
"""

import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from backend.core.errors import BadRequest

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HARD_LIMIT = 5
"""Most listings a minute an account may be set to on a marketplace beyond this machine."""
FIRST_STOP, LONGEST_STOP = timedelta(minutes=15), timedelta(days=1)

_FRENCH_CLOCK = re.compile(r"\b(\d{1,2})\s?h\s?(\d{2})?$", re.IGNORECASE)
"""18h30, 18 h 30, 18h: as the French write an hour."""

HoldCode = Literal["minute", "day", "gap", "quiet"]


class Pace(BaseModel):
    """An account's pace. `gap` is the least and the most seconds between two listings, `quiet` from and until (local
    time) nothing is published, `timezone` an IANA name or "" for this machine's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_minute: Annotated[int, Field(ge=1, le=600)] = HARD_LIMIT
    per_day: Annotated[int, Field(ge=1, le=100_000)] = 50
    gap: tuple[Annotated[float, Field(ge=0, le=3600)], Annotated[float, Field(ge=0, le=3600)]] = (10.0, 40.0)
    quiet: tuple[time, time] | None = None
    timezone: str = ""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return name and ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{name!r} is no time zone, such as Europe/Paris") from None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.gap[0] > self.gap[1]:
            raise ValueError("the gap's least is more than its most")
        if self.quiet is not None and self.quiet[0] == self.quiet[1]:
            raise ValueError("quiet hours that begin when they end are none")
        return self

    @property
    def zone(self) -> tzinfo | None:
        return ZoneInfo(self.timezone) if self.timezone else None


AT_ONCE = Pace(per_minute=600, per_day=100_000, gap=(0, 0))
"""For a stand-in marketplace on this machine."""


def parse_pace(value: dict[str, object], *, stand_in: bool) -> Pace:
    """The pace of these values. Raises BadRequest (`bad_pace`), also above the hard limit where it isn't a stand-in."""
    try:
        pace = Pace.model_validate(value)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'pace'}: {e['msg']}" for e in error.errors())
        raise BadRequest(f"This pace can't be used: {said}.", code="bad_pace") from None
    if pace.per_minute > HARD_LIMIT and not stand_in:
        raise BadRequest(f"At most {HARD_LIMIT} listings a minute are allowed on a marketplace.", code="bad_pace")
    return pace


class Hold(BaseModel):
    """Why the next listing has to wait, and until when."""

    model_config = ConfigDict(frozen=True)

    code: HoldCode
    until: datetime


def hold(pace: Pace, clicks: Sequence[datetime], now: datetime, *, seed: str = "") -> Hold | None:
    """What keeps the next click from happening now, or None. `clicks` are the account's, at least of this day and the
    last minute, oldest first; a click exactly a minute ago no longer counts. `seed` makes the gap the same each time
    it is asked for."""
    moment, why = now, None
    for _ in range(8):  # each rule may push the moment into another's way
        later = _next(pace, clicks, moment, seed)
        if later is None:
            break
        why, moment = why or later.code, later.until
    return None if why is None else Hold(code=why, until=moment)


def _next(pace: Pace, clicks: Sequence[datetime], at: datetime, seed: str) -> Hold | None:
    in_minute = [click for click in clicks if at - MINUTE < click]
    if len(in_minute) >= pace.per_minute:
        return Hold(code="minute", until=in_minute[-pace.per_minute] + MINUTE)
    begun = _local(at, pace).replace(hour=0, minute=0, second=0, microsecond=0)
    if sum(click >= _instant(begun, pace) for click in clicks) >= pace.per_day:
        return Hold(code="day", until=_instant(begun + DAY, pace))
    if clicks and at < (free := clicks[-1] + _gap(pace, clicks[-1], seed)):
        return Hold(code="gap", until=free)
    if (over := _quiet_until(pace, at)) is not None:
        return Hold(code="quiet", until=over)
    return None


def _gap(pace: Pace, last: datetime, seed: str) -> timedelta:
    """Between the least and the most, different after each listing."""
    return timedelta(seconds=random.Random(f"{seed}{last.isoformat()}").uniform(*pace.gap))  # noqa: S311 - no secret


def _quiet_until(pace: Pace, at: datetime) -> datetime | None:
    if pace.quiet is None:
        return None
    start, end = pace.quiet
    local = _local(at, pace)
    inside = start <= local.time() < end if start < end else (local.time() >= start or local.time() < end)
    if not inside:
        return None
    day = local.date() if local.time() < end else local.date() + DAY
    over = _instant(datetime.combine(day, end), pace)
    return over if over > at else None


def _local(at: datetime, pace: Pace) -> datetime:
    """Wall time without zone."""
    return at.astimezone(pace.zone).replace(tzinfo=None)


def _instant(local: datetime, pace: Pace) -> datetime:
    """The instant of a wall time; one the clocks skip in spring is the instant after the gap, one they show twice in
    autumn the first."""
    return local.replace(tzinfo=pace.zone).astimezone(UTC) if pace.zone else local.astimezone(UTC)


def stop_after(setbacks: int, wish: float | None = None) -> timedelta:
    """How long an account stops after its refusal number `setbacks` (from 1) in a row, at least the server's wish in
    seconds: 15 minutes, doubled each time, a day at most (unless the wish is longer)."""
    doubled: timedelta = FIRST_STOP * 2 ** min(max(setbacks, 1) - 1, 10)
    return max(min(LONGEST_STOP, doubled), timedelta(seconds=wish or 0))


def parse_moment(text: str, pace: Pace, now: datetime) -> datetime:
    """The instant a person means: "18:30" or "18h30" (the next one), "2026-12-01 18:30" (the account's local time), an
    ISO instant with its zone, or "+2h", "+90m". Raises BadRequest (`bad_time`), also for the past."""
    text = text.strip()
    if text.startswith("+"):
        return now + parse_duration(text[1:])
    clock = _FRENCH_CLOCK.sub(lambda found: f"{found[1]:0>2}:{found[2] or '00'}", text)
    try:
        found = _clock_time(clock, pace, now) if re.fullmatch(r"\d{1,2}:\d{2}", clock) else _date_time(clock, pace)
    except ValueError:
        raise BadRequest(f"{text!r} is no time. Write 18:30, 2026-12-01 18:30, or +2h.", code="bad_time") from None
    if found < now - MINUTE:
        raise BadRequest(f"{text!r} is past.", code="bad_time")
    return found


def parse_duration(text: str) -> timedelta:
    """A time span as a person writes it: "90m", "6h", "2d". Raises BadRequest (`bad_time`)."""
    match = re.fullmatch(r"\s*(\d{1,4})\s*(m|min|h|d|j)\s*", text)
    if not match or not int(match[1]):
        raise BadRequest(f"{text!r} is no time span. Write 90m, 6h or 2d.", code="bad_time")
    unit = {"m": MINUTE, "h": timedelta(hours=1)}.get(match[2][0], DAY)
    return int(match[1]) * unit


def _clock_time(text: str, pace: Pace, now: datetime) -> datetime:
    hour, minute = map(int, text.split(":"))
    today = datetime.combine(_local(now, pace).date(), time(hour, minute))
    soon = _instant(today, pace)
    return soon if soon > now else _instant(today + DAY, pace)


def _date_time(text: str, pace: Pace) -> datetime:
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else _instant(found, pace)


def spread(start: datetime, over: timedelta, count: int, *, seed: str = "") -> list[datetime]:
    """`count` moments from `start` on, evenly over that time, each a little early or late, in order."""
    if count < 1:
        return []
    step = over / count
    chance = random.Random(seed)  # noqa: S311 - no secret
    return [start + step * (n + (chance.uniform(0, 0.8) if n else 0)) for n in range(count)]
