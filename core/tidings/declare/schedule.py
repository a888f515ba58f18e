"""When a recurring job runs: its ticks. Pure; the time is passed in."""

from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from cronsim import CronSim, CronSimError

from tidings.protocol.timestamps import rfc3339

from .cron_days import CronDays
from .policy import Policy

LEAST_S = 0.1
"""The shortest time between two runs."""


class Schedule(msgspec.Struct, frozen=True):
    """The ticks of one kind: the same for every worker, whenever it asks."""

    every_ms: int
    """Ticks lie at whole multiples of this since the epoch; 0: `cron` says."""
    cron: str
    timezone: str

    @classmethod
    def of(cls, policy: Policy) -> Self | None:
        """Return the schedule that a policy says, if any.

        Raises:
            ValueError: it cannot be; names the option, its value and what to do.

        """
        if policy.every is not None:
            if policy.every < LEAST_S:
                raise ValueError(f"every is {policy.every} s; allowed: at least {LEAST_S} s")
            return cls(round(policy.every * 1000), "", "")
        if policy.cron is None:
            return None
        schedule = cls(0, policy.cron, policy.timezone)
        _zone(policy.timezone)
        _check_cron(policy.cron)
        return schedule

    @property
    def spec(self) -> str:
        """What makes this schedule the same as another."""
        return f"every {self.every_ms}" if self.every_ms else f"cron {self.cron} {self.timezone}"

    def next_tick(self, after_ms: int) -> int:
        """Return the first tick after a time; both in ms since the epoch.

        Where clocks are put forward or back, cron lines do as `cron_days` says.

        """
        if self.every_ms:
            return (after_ms // self.every_ms + 1) * self.every_ms
        days = CronDays(self.cron, self.timezone)
        return days.next_tick(after_ms)


def tick_name(tick_ms: int) -> str:
    """Return what a run is called by its tick: the `correlation_id` of its job."""
    return f"tick:{rfc3339(tick_ms)}"


def _check_cron(line: str) -> None:
    fields = len(line.split())
    if fields != 5:
        raise ValueError(f"cron is {line!r}, which has {fields} fields; a cron line has five, such as '*/5 * * * *'")
    try:
        next(CronSim(line, datetime.now(UTC)))
    except CronSimError as error:
        raise ValueError(f"cron is {line!r}, which cannot be read: {error}") from error
    except StopIteration:
        raise ValueError(f"cron is {line!r}, which never fires") from None


def _zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"timezone is {name!r}; this machine knows no such zone: take a name such as 'Europe/Berlin' "
            "(where the system has no zones at all: pip install tzdata)"
        ) from None
