"""Moments: how times are written, and which of a job's are kept."""

import math
from datetime import UTC, datetime
from functools import lru_cache

MILESTONES = ("submitted", "enqueued", "dequeued", "started", "finished")
"""The moments of a job that its record keeps, by the store's clock."""

LAST_MS = 253_402_300_799_999
"""The last moment that RFC 3339 can write."""


def whole_ms(seconds: float) -> int:
    """Return some seconds as whole ms, rounded up: what is longer than nothing is not nothing."""
    # First to a millionth: 0.057 s are 57.00000000000001 ms in binary.
    return math.ceil(round(seconds * 1000, 6)) or int(seconds > 0)


def rfc3339(ms: int) -> str:
    """Return ms since the epoch as RFC 3339 text, in UTC; a moment after the year 9999 is written as its end."""
    second, part = divmod(min(ms, LAST_MS), 1000)
    return f"{_second(second)}.{part:03d}Z"


@lru_cache(maxsize=1024)
def _second(second: int) -> str:
    """Return a second since the epoch as text; most moments that a process writes are of the last few seconds."""
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]
