"""A token bucket: so many a second on average, and so many at once."""


class TokenBucket:
    """Begins full. It has no clock: the caller passes the time, s, of any clock that never goes back."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """Fill with `rate` a second, up to `burst`."""
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one; return 0, or how long to wait until there is one, s."""
        level = self._level + (now - self._at) * self._rate
        self._at = now
        level = min(level, self._burst)
        if level < 1:
            self._level = level
            return (1 - level) / self._rate
        self._level = level - 1
        return 0.0

    def full(self, now: float) -> bool:
        """Whether it is as one that was never used."""
        return self._level + (now - self._at) * self._rate >= self._burst
