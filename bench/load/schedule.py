"""When an open loop submits: at a fixed rate, however the system is doing. No I/O and no clock."""


class Schedule:
    """Moments in a straight line, each to be taken once."""

    def __init__(self, rate: float, began: float, seconds: float) -> None:
        """Plan.

        Args:
            rate: submits a second, above 0.
            began: the first moment, s by the clock of `take`.
            seconds: how long it goes on.

        """
        self._rate = rate
        self._began = began
        self._count = round(rate * seconds)
        self._taken = 0

    @property
    def next(self) -> float | None:
        """The next moment; None: there is no more."""
        return self._moment(self._taken) if self._taken < self._count else None

    def take(self, now: float) -> list[float]:
        """Return the moments that have come and were not taken: whoever is late takes several, and skips none."""
        due = []
        while self._taken < self._count and (moment := self._moment(self._taken)) <= now:
            due.append(moment)
            self._taken += 1
        return due

    def _moment(self, number: int) -> float:
        return self._began + number / self._rate
