"""The pace of an account: exact at its boundaries, whatever the clock does."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import BadRequest
from backend.core.pacing import AT_ONCE, HARD_LIMIT, Pace, hold, parse_moment, parse_pace, spread, stop_after

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BARE = Pace(gap=(0, 0))
PARIS = "Europe/Paris"


def after(*seconds: float, since: datetime = NOON) -> list[datetime]:
    return [since + timedelta(seconds=s) for s in seconds]


def test_the_first_is_free() -> None:
    assert hold(BARE, [], NOON) is None


@pytest.mark.parametrize(
    ("clicks", "now", "free"),
    [
        ((0, 1, 2, 3), 4, 4),
        ((0, 1, 2, 3, 4), 5, 60),
        ((0, 1, 2, 3, 4), 59.999999, 60),
        ((0, 1, 2, 3, 4), 60, 60),
        ((0, 1, 2, 3, 4, 60), 60, 61),
        ((0, 0, 0, 0, 0), 0, 60),
        ((-59, 1, 2, 3, 4), 4, 4),
    ],
)
def test_five_a_minute_exact_at_the_boundary(clicks: tuple[float, ...], now: float, free: float) -> None:
    found = hold(BARE, after(*clicks), after(now)[0])
    assert (found and found.until) == (after(free)[0] if free > now else None)


@given(st.lists(st.floats(0, 600), min_size=1, max_size=60))
def test_no_minute_ever_holds_more_than_the_limit(wishes: list[float]) -> None:
    """Whoever clicks only when allowed, whenever they come, makes at most five clicks in any minute."""
    clicks: list[datetime] = []
    for wish in sorted(wishes):
        moment = max([NOON + timedelta(seconds=wish), *clicks[-1:]])
        while (found := hold(BARE, clicks, moment)) is not None:
            assert found.until > moment
            moment = found.until
        clicks.append(moment)
    for click in clicks:
        assert sum(click <= other < click + timedelta(minutes=1) for other in clicks) <= HARD_LIMIT


def test_a_daily_budget_lasts_until_local_midnight() -> None:
    pace = Pace(per_day=2, gap=(0, 0), timezone=PARIS)
    late = datetime(2026, 6, 1, 21, 50, tzinfo=UTC)  # 23:50 in Paris
    found = hold(pace, after(-600, -300, since=late), late)
    assert found is not None
    assert (found.code, found.until) == ("day", datetime(2026, 6, 1, 22, tzinfo=UTC))
    assert hold(pace, after(-600, -300, since=late), found.until) is None


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-06-01T19:59:59", None),
        ("2026-06-01T20:00:00", "2026-06-02T05:00:00"),
        ("2026-06-02T04:59:59", "2026-06-02T05:00:00"),
        ("2026-06-02T05:00:00", None),
        ("2026-10-24T22:30:00", "2026-10-25T06:00:00"),  # the night the clocks go back: one hour longer
        ("2026-03-28T22:00:00", "2026-03-29T05:00:00"),  # the night they go forward: one hour shorter
    ],
)
def test_quiet_hours_follow_the_local_clock(at: str, until: str | None) -> None:
    pace = Pace(gap=(0, 0), quiet=("22:00", "07:00"), timezone=PARIS)  # type: ignore[arg-type]
    found = hold(pace, [], datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert (found.until.replace(tzinfo=None).isoformat() if found else None) == until


def test_the_gap_varies_between_its_bounds_and_stays_the_same_when_asked_again() -> None:
    pace = Pace(per_minute=5, gap=(20, 60))
    gaps = []
    for n in range(40):
        last = NOON + timedelta(minutes=n)
        found = hold(pace, [last], last, seed="a")
        assert found is not None and found == hold(pace, [last], last + timedelta(seconds=1), seed="a")
        gaps.append((found.until - last).total_seconds())
    assert min(gaps) >= 20 and max(gaps) <= 60 and len(set(gaps)) > 30


def test_rules_that_push_each_other_end_in_a_moment_that_is_free() -> None:
    pace = Pace(per_day=3, gap=(30, 30), quiet=("00:00", "06:00"), timezone=PARIS)  # type: ignore[arg-type]
    late = datetime(2026, 6, 1, 21, 59, tzinfo=UTC)
    clicks = after(-3, -2, -1, since=late)
    found = hold(pace, clicks, late)
    assert found is not None
    assert found.code == "day"
    assert found.until == datetime(2026, 6, 2, 4, tzinfo=UTC)
    assert hold(pace, clicks, found.until) is None


@pytest.mark.parametrize(
    "value",
    [
        {"per_minute": 6},
        {"per_minute": 0},
        {"gap": [9, 3]},
        {"quiet": ["22:00", "22:00"]},
        {"timezone": "Mars"},
        {"x": 1},
    ],
)
def test_a_pace_that_can_not_be_used_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_pace(value, stand_in=False)
    assert refused.value.code == "bad_pace"


def test_a_stand_in_may_go_faster() -> None:
    assert parse_pace(AT_ONCE.model_dump(), stand_in=True).per_minute > HARD_LIMIT


def test_stops_grow_and_respect_the_wish() -> None:
    minutes = [stop_after(n).total_seconds() / 60 for n in range(1, 12)]
    assert minutes[:4] == [15, 30, 60, 120]
    assert minutes[-1] == 24 * 60
    assert stop_after(1, wish=7200) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("18:30", "2026-06-01T16:30:00+00:00"),
        ("9:05", "2026-06-02T07:05:00+00:00"),
        ("18h30", "2026-06-01T16:30:00+00:00"),
        ("9 h", "2026-06-02T07:00:00+00:00"),
        ("2026-12-01 9h05", "2026-12-01T08:05:00+00:00"),
        ("2026-12-01 18:30", "2026-12-01T17:30:00+00:00"),
        ("2026-12-01T18:30:00Z", "2026-12-01T18:30:00+00:00"),
        ("+2h", "2026-06-01T14:00:00+00:00"),
        ("2027-03-28 02:30", "2027-03-28T01:30:00+00:00"),  # skipped by the clocks: the instant after
        ("2026-10-25 02:30", "2026-10-25T00:30:00+00:00"),  # shown twice: the first
    ],
)
def test_what_a_person_means_by_a_time(text: str, at: str) -> None:
    assert parse_moment(text, Pace(timezone=PARIS), NOON) == datetime.fromisoformat(at)


@pytest.mark.parametrize("text", ["25:00", "25h", "h30", "18h5", "tomorrow", "", "2020-01-01 10:00", "+2w"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_moment(text, Pace(timezone=PARIS), NOON)
    assert refused.value.code == "bad_time"


@given(st.integers(1, 50), st.integers(1, 48))
def test_a_spread_is_in_order_and_inside_its_time(count: int, hours: int) -> None:
    moments = spread(NOON, timedelta(hours=hours), count, seed="x")
    assert len(moments) == count and moments == sorted(moments)
    assert moments[0] == NOON and moments[-1] < NOON + timedelta(hours=hours)
