"""The store's downtime: how long a process has not heard from it. Pure; the clock is passed in."""


class Downtime:
    """Remembers when the store was heard again after it had been silent for long.

    It does not matter why: a store that was down or hung, a network that was cut, a machine that slept.
    Before a process takes another for dead that has written nothing, it must know whether the other could write.
    """

    __slots__ = ("_heard", "_longest_s", "ended")

    def __init__(self, longest_s: float) -> None:
        """Prepare.

        Args:
            longest_s: a downtime longer than this, s, counts.

        """
        self._longest_s = longest_s
        self._heard: float | None = None
        self.ended: float = float("-inf")
        """When the last downtime that counts ended, by the clock passed in."""

    def heard(self, now: float) -> None:
        """Take note that the store has answered."""
        if self.lasts(now):
            self.ended = now
        self._heard = now

    def interrupted(self, now: float) -> None:
        """Take note that another store answers now, which may not have all that the one before was told."""
        self.ended = now

    @property
    def heard_at(self) -> float | None:
        """When the store was heard last, by the clock passed in; None: never."""
        return self._heard

    def lasts(self, now: float) -> bool:
        """Return whether there is a downtime that counts at this moment."""
        return self._heard is not None and now - self._heard > self._longest_s
