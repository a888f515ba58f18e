"""The limit of log lines of one cause: a client that causes an error again and again must not fill the disk."""

import logging
import time
from collections.abc import Callable

from tidings.token_bucket import TokenBucket

MAX_CAUSES = 1_000
"""Causes that are counted apart; at one more, the counts of all begin again."""


class CauseLimiter:
    """Admits some lines of each cause a second, and counts the others."""

    def __init__(self, per_s: float = 0.2, burst: int = 5, now: Callable[[], float] = time.monotonic) -> None:
        """Admit `burst` lines of a cause at once and `per_s` a second after that; `now` returns the time, s."""
        self._per_s = per_s
        self._burst = burst
        self._now = now
        self._causes: dict[str, tuple[TokenBucket, int]] = {}

    def admit(self, cause: str) -> int | None:
        """Return how many lines of this cause were left out since the last admitted one; None: leave this one out."""
        now = self._now()
        known = self._causes.get(cause)
        if known is None:
            if len(self._causes) >= MAX_CAUSES:
                self._causes.clear()
            known = (TokenBucket(self._per_s, self._burst, now), 0)
        bucket, left_out = known
        admitted = bucket.take(now) == 0
        self._causes[cause] = (bucket, 0 if admitted else left_out + 1)
        return left_out if admitted else None


class LogLineFilter(logging.Filter):
    """Limits the lines of a library's logger; lines of one place about one class of exception have one cause."""

    def __init__(self, limiter: CauseLimiter | None = None) -> None:
        super().__init__()
        self._limiter = limiter or CauseLimiter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write a line; a line that is written says how many were left out before it."""
        about = record.exc_info[0] if record.exc_info else None
        left_out = self._limiter.admit(f"{record.pathname}:{record.lineno} {about.__name__ if about else ''}")
        if left_out:
            record.msg = f"{record.msg} ({left_out} more like this were left out)"
        return left_out is not None
