"""The pace of progress: how many events a second one job may send. Pure; the clock is passed in."""


class ProgressPace:
    """A token bucket (RFC 2697 calls the like a meter): `rate` a second, bursts of as many."""

    __slots__ = ("_rate", "_tokens", "_updated")

    def __init__(self, rate: float, now: float) -> None:
        """Start with a full bucket.

        Args:
            rate: events a second, above 0.
            now: the time, s, by any clock that never goes back.

        """
        self._rate = rate
        self._tokens = max(rate, 1.0)
        self._updated = now

    def allow(self, now: float) -> bool:
        """Return whether an event may go now, and count it if so."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def wait(self, now: float) -> float:
        """Return the seconds until the next event may go."""
        self._fill(now)
        return max(0.0, (1 - self._tokens) / self._rate)

    def _fill(self, now: float) -> None:
        earned = (now - self._updated) * self._rate
        self._tokens = min(max(self._rate, 1.0), self._tokens + earned)
        self._updated = now
