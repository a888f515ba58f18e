"""When jobs that wait for a breaker look again: spread, so that ten thousand of them do not come at once. Pure."""

RETRIES_PER_S = 20.0
"""Jobs of one worker that look again in a second."""

MAX_SPREAD_S = 300.0
"""How long after the first the last one looks; it is only for those who do not hear that the breaker has closed."""

OPERATOR_RETRY_S = 60.0
"""When the first one looks, where an operator keeps the breaker open."""


class RetrySpacing:
    """The jobs of one worker that wait for one breaker: one looks when a call may try, the others after it."""

    def __init__(self) -> None:
        self._free = 0.0
        self._epoch = -1

    def next_delay(self, now: float, wait: float, epoch: int, draw: float) -> float:
        """Return the seconds until the next job looks.

        Args:
            now: the time, s.
            wait: seconds until a call may try; infinite: when an operator says so.
            epoch: that of the breaker: with another the line begins anew.
            draw: a random number in [0, 1): where the line is longer than `LONGEST_S`, a place in it.

        """
        if epoch != self._epoch:
            self._epoch, self._free = epoch, 0.0
        first = now + (wait if wait != float("inf") else OPERATOR_RETRY_S)
        place = max(first, self._free)
        if place > first + MAX_SPREAD_S:
            return first + draw * MAX_SPREAD_S - now
        self._free = place + 1 / RETRIES_PER_S
        return place - now
