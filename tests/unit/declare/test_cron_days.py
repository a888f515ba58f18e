"""Cron lines through every change of clocks, against an oracle that walks minute by minute."""

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.declare.policy import Policy
from tidings.declare.schedule import Schedule

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
HALF_HOURS = ["Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kathmandu", "America/St_Johns", "Antarctica/Troll"]
MINUTE = timedelta(minutes=1)

FIELDS = {
    "minute": st.sampled_from(["*", "*/5", "*/15", "*/20", "0", "30", "15", "45", "15,45", "0,30", "29", "31", "59"]),
    "hour": st.sampled_from(["*", "*/2", "0", "1", "2", "3", "1-3", "23", "0,12", "0-23"]),
    "day": st.sampled_from(["*", "*", "*", "1", "*/2", "30,31"]),
}
LINES = st.builds(lambda minute, hour, day: f"{minute} {hour} {day} * *", **FIELDS)


def schedule_of(line: str, zone: str) -> Schedule:
    schedule = Schedule.of(Policy(cron=line, timezone=zone))
    assert schedule is not None
    return schedule


def ticks_between(line: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    schedule, found = schedule_of(line, zone), []
    at = int(begin.timestamp() * 1000) - 1
    while (at := schedule.next_tick(at)) < end.timestamp() * 1000:
        found.append(datetime.fromtimestamp(at / 1000, UTC))
    return found


# The oracle: its own reading of a line, and one step for each minute that really passes.


def numbers(field: str, least: int, most: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        low, high = (least, most) if span == "*" else (int(first), int(last or first))
        found.update(range(low, high + 1, int(step or 1)))
    return found


def expected(line: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    minute, hour, day, _, _ = line.split()
    minutes, hours, days = numbers(minute, 0, 59), numbers(hour, 0, 23), numbers(day, 1, 31)
    info = ZoneInfo(zone)
    steps = range(int((end - begin) / MINUTE))
    clock = [(at := begin + MINUTE * step, at.astimezone(info).replace(tzinfo=None)) for step in steps]
    if minute.startswith("*") or hour.startswith("*"):
        return [at for at, wall in clock if wall.minute in minutes and wall.hour in hours and wall.day in days]
    walls = [wall for wall in every_minute(clock[0][1] + MINUTE, clock[-1][1]) if (
        wall.minute in minutes and wall.hour in hours and wall.day in days)]  # fmt: skip
    found, furthest, number = [], clock[0][1], 0
    for at, wall in clock[1:]:
        if wall > furthest:
            due = number
            while number < len(walls) and walls[number] <= wall:
                number += 1
            if number > due:
                found.append(at)
            furthest = wall
    return found


def every_minute(first: datetime, last: datetime) -> list[datetime]:
    return [first + MINUTE * step for step in range(int((last - first) / MINUTE) + 1)]


@cache
def changes(zone: str, year: int) -> list[date]:
    """Return the days of a year on which the clocks of a zone are changed."""
    info = ZoneInfo(zone)
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365 + calendar.isleap(year))]
    offsets = [datetime(one.year, one.month, one.day, tzinfo=UTC).astimezone(info).utcoffset() for one in days]
    return [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]


def agree(line: str, zone: str, day: date) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=30)
    end = begin + timedelta(hours=80)
    wanted = [at for at in expected(line, zone, begin - timedelta(hours=26), end) if at >= begin]
    assert ticks_between(line, zone, begin, end) == wanted


@settings(max_examples=100)
@given(st.sampled_from(ZONES), st.integers(1985, 2037), LINES)
def test_every_tick_comes_once_around_every_change(zone: str, year: int, line: str) -> None:
    for day in changes(zone, year):
        agree(line, zone, day)


@pytest.mark.parametrize("zone", HALF_HOURS)
@pytest.mark.parametrize(
    "line", ["*/15 * * * *", "0 * * * *", "30 * * * *", "15 2 * * *", "45 1 * * *", "15,45 1-3 * * *"]
)
def test_changes_of_half_an_hour_and_odd_offsets(zone: str, line: str) -> None:
    for day in changes(zone, 2025):
        agree(line, zone, day)


@pytest.mark.parametrize("line", ["30 2 * * *", "0 * * * *", "0 0 30 * *", "59 23 * * *"])
def test_a_day_that_is_left_out(line: str) -> None:
    """Samoa went over the date line: after 29 December 2011 came the 31st."""
    agree(line, "Pacific/Apia", date(2011, 12, 30))


@pytest.mark.parametrize(
    ("line", "after", "ticks"),
    [
        # Clocks go from 2:00 (+10:30) to 2:30 (+11:00) on 5 October 2025.
        ("15 2 * * *", "2025-10-05T00:00+10:30", ["2025-10-05T02:30+11:00", "2025-10-06T02:15+11:00"]),
        ("15,45 2 * * *", "2025-10-05T00:00+10:30", ["2025-10-05T02:30+11:00", "2025-10-05T02:45+11:00"]),
        ("*/30 * * * *", "2025-10-05T01:15+10:30", ["2025-10-05T01:30+10:30", "2025-10-05T02:30+11:00"]),
        # And back from 2:00 (+11:00) to 1:30 (+10:30) on 6 April 2025.
        ("45 1 * * *", "2025-04-06T00:00+11:00", ["2025-04-06T01:45+11:00", "2025-04-07T01:45+10:30"]),
        ("0 2 * * *", "2025-04-06T00:00+11:00", ["2025-04-06T02:00+10:30", "2025-04-07T02:00+10:30"]),
        ("45 * * * *", "2025-04-06T01:00+11:00", ["2025-04-06T01:45+11:00", "2025-04-06T01:45+10:30"]),
    ],
)
def test_lord_howe_island(line: str, after: str, ticks: list[str]) -> None:
    begin = datetime.fromisoformat(after)
    found = ticks_between(line, "Australia/Lord_Howe", begin, begin + timedelta(days=3))
    assert found[:2] == [datetime.fromisoformat(tick) for tick in ticks]


def test_a_day_that_comes_once_in_eight_years_is_found() -> None:
    schedule = schedule_of("0 0 29 2 *", "Europe/Berlin")
    begin = datetime(2096, 3, 1, tzinfo=UTC)
    tick = datetime.fromtimestamp(schedule.next_tick(int(begin.timestamp() * 1000)) / 1000, ZoneInfo("Europe/Berlin"))
    assert (tick.year, tick.month, tick.day) == (2104, 2, 29)
