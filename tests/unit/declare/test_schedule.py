"""Ticks: when recurring jobs run, and what cannot be a schedule."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import JobDefinitionError, job
from tidings.declare.policy import Policy
from tidings.declare.schedule import Schedule, tick_name

times = st.integers(1_500_000_000_000, 2_500_000_000_000)
periods = st.floats(0.1, 100_000)
lines = st.sampled_from(["* * * * *", "*/5 * * * *", "30 2 * * *", "0 0 1 * *", "15 10 * * 1-5", "0 0 29 2 *"])
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
schedules = st.builds(lambda every: Policy(every=every), periods) | st.builds(
    lambda cron, timezone: Policy(cron=cron, timezone=timezone), lines, zones
)


def schedule_of(policy: Policy) -> Schedule:
    schedule = Schedule.of(policy)
    assert schedule is not None
    return schedule


@given(schedules, times, st.floats(0, 1, exclude_max=True))
def test_every_question_between_two_ticks_has_the_same_answer(policy: Policy, after: int, share: float) -> None:
    schedule = schedule_of(policy)
    first = schedule.next_tick(after)
    second = schedule.next_tick(first)
    assert after < first < second
    assert schedule.next_tick(first + int((second - first) * share)) == second


@given(lines, zones, times)
def test_cron_ticks_lie_on_minutes(cron: str, timezone: str, after: int) -> None:
    assert schedule_of(Policy(cron=cron, timezone=timezone)).next_tick(after) % 60_000 == 0


@pytest.mark.parametrize(
    ("policy", "after", "tick"),
    [
        (Policy(every=60), "2026-03-01T10:00:00+00:00", "2026-03-01T10:01:00+00:00"),
        (Policy(every=60), "2026-03-01T10:00:59.999+00:00", "2026-03-01T10:01:00+00:00"),
        (Policy(cron="30 2 * * *"), "2026-03-01T02:30:00+00:00", "2026-03-02T02:30:00+00:00"),
        (Policy(cron="0 9 * * *", timezone="Europe/Berlin"), "2026-07-01T00:00:00+00:00", "2026-07-01T07:00:00+00:00"),
        (Policy(cron="0 9 * * *", timezone="Europe/Berlin"), "2026-01-01T00:00:00+00:00", "2026-01-01T08:00:00+00:00"),
    ],
)
def test_the_next_tick(policy: Policy, after: str, tick: str) -> None:
    asked = int(datetime.fromisoformat(after).timestamp() * 1000)
    assert datetime.fromtimestamp(schedule_of(policy).next_tick(asked) / 1000, UTC) == datetime.fromisoformat(tick)


def test_a_day_without_the_hour_runs_all_the_same() -> None:
    """On 29 March 2026 clocks in Berlin go from 2 to 3: what is due at 2:30 runs once, when the hour is over."""
    berlin = ZoneInfo("Europe/Berlin")
    evening = datetime(2026, 3, 28, 20, tzinfo=berlin)
    tick = schedule_of(Policy(cron="30 2 * * *", timezone="Europe/Berlin")).next_tick(int(evening.timestamp() * 1000))
    assert datetime.fromtimestamp(tick / 1000, berlin) == datetime(2026, 3, 29, 3, 0, tzinfo=berlin)


@pytest.mark.parametrize("line", ["30 2 * * *", "15,45 2 * * *", "45 1-3 * * *", "*/20 * * * *"])
def test_ticks_rise_through_the_hour_that_comes_twice(line: str) -> None:
    """On 25 October 2026 clocks in Berlin go from 3 back to 2, at 1:00 UTC."""
    schedule = schedule_of(Policy(cron=line, timezone="Europe/Berlin"))
    midnight = int(datetime(2026, 10, 25, tzinfo=UTC).timestamp() * 1000)
    asked = range(midnight, midnight + 3 * 3_600_000, 60_000)
    ticks = [schedule.next_tick(after) for after in asked]
    assert all(tick > after for tick, after in zip(ticks, asked, strict=True))
    assert ticks == sorted(ticks)


def test_a_run_is_called_by_its_tick() -> None:
    assert tick_name(1_700_000_000_500) == "tick:2023-11-14T22:13:20.500Z"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"every": 0.01}, "every is 0.01 s; allowed: at least 0.1 s"),
        ({"cron": "every day"}, "which has 2 fields; a cron line has five"),
        ({"cron": "* * * * * *"}, "which has 6 fields"),
        ({"cron": "61 * * * *"}, "cannot be read: Bad minute"),
        ({"cron": "0 0 31 2 *"}, "'0 0 31 2 \\*', which (cannot be read|never fires)"),
        ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "timezone is 'Mars/Olympus'"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(JobDefinitionError, match=says):

        @job(**options)
        async def f() -> None: ...


def test_a_recurring_job_needs_no_input() -> None:
    with pytest.raises(JobDefinitionError, match="give a default to: carrier"):

        @job(every=60)
        async def f(carrier: str, year: int = 2013) -> None: ...

    @job(cron="0 4 * * *", timezone="Europe/Berlin")
    async def g(year: int = 2013) -> None: ...

    record = g.record()
    assert (record.cron, record.timezone, record.every) == ("0 4 * * *", "Europe/Berlin", None)
