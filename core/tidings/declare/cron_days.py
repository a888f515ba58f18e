"""The ticks of a cron line in a time zone, day by day, through every change of its clocks.

A line whose minute or hour begins with `*` follows the clock: it fires at each moment at which the clock shows what
the line says, twice where clocks are put back over it, and not at all where they skip it. Any other line means times
of the day: each fires once, at the first moment at which the clock shows it or a later time. So a time that is skipped
fires when the gap ends, and one that comes twice fires the first time. Changes may be of any length: of half an hour
(Lord Howe Island), to offsets such as +12:45 (Chatham), over a whole day (Samoa, 2011).

Source: cron(8) of Debian, which does so for changes of up to three hours.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim

YEARS = 50
"""How far ahead a tick is looked for."""

_AHEAD = 3
"""Days that are looked at together: where a day comes twice, its ticks and the next day's are not in order."""

_SECOND = timedelta(seconds=1)


class CronDays(NamedTuple):
    """One line in one zone."""

    line: str
    timezone: str

    def next_tick(self, after_ms: int) -> int:
        """Return the first tick after a time; both in ms since the epoch.

        Raises:
            ValueError: there is none within 50 years.

        """
        day = datetime.fromtimestamp(after_ms / 1000, ZoneInfo(self.timezone)).date() - timedelta(days=1)
        last = day.year + YEARS
        while day.year <= last:
            found = [tick for ahead in range(_AHEAD) for tick in self._after(day + timedelta(days=ahead), after_ms)]
            if found:
                return min(found)
            day += timedelta(days=1)
        raise ValueError(f"cron is {self.line!r}, which does not fire within {YEARS} years")

    def _after(self, day: date, after_ms: int) -> tuple[int, ...]:
        """Return the first tick of a day after a time, if there is one."""
        cron = _parsed(self.line)
        if day.month not in cron.months or not cron.match_day(day):
            return ()
        ticks = _ticks_of(self.line, self.timezone, day)
        number = bisect_right(ticks, after_ms)
        return ticks[number : number + 1]


@lru_cache(maxsize=64)
def _parsed(line: str) -> CronSim:
    return CronSim(line, datetime(2000, 1, 1, tzinfo=UTC))


@lru_cache(maxsize=512)
def _ticks_of(line: str, timezone: str, day: date) -> tuple[int, ...]:
    """Return the ticks of the times that a line says for one day of the calendar, ms since the epoch, in order."""
    cron = _parsed(line)
    zone = ZoneInfo(timezone)
    follows_clock = any(part.startswith("*") for part in line.split()[:2])
    ticks: set[int] = set()
    for hour in cron.hours:
        for minute in cron.minutes:
            ticks.update(_moments(datetime.combine(day, time(hour, minute)), zone, follows_clock=follows_clock))
    return tuple(sorted(ticks))


def _moments(wall: datetime, zone: ZoneInfo, *, follows_clock: bool) -> list[int]:
    """Return when a line fires that says what a clock shows."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return [_ms(first)]
    if first < second:  # the clock shows it twice
        return [_ms(first), _ms(second)] if follows_clock else [_ms(first)]
    return [] if follows_clock else [_ms(_gap_end(second, first, zone))]


def _gap_end(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between two others at which the clocks of a zone are put forward."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
