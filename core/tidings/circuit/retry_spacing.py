"""When jobs that wait for a breaker try again: spread out, so that ten thousand of them do not come at once. Pure."""

RETRIES_PER_S = 20.0
"""Jobs of one worker that try again in a second."""

MAX_SPREAD_S = 300.0
"""How long after the first job the last one tries. Workers release the jobs earlier if the breaker closes."""

OPERATOR_RETRY_S = 60.0
"""When the first job tries again where an operator keeps the breaker open."""


class RetrySpacing:
    """The jobs of one worker that wait for one breaker: the first tries when a call may, the others after it."""

    def __init__(self) -> None:
        self._free = 0.0
        self._epoch = -1

    def next_delay(self, now: float, wait: float, epoch: int, draw: float) -> float:
        """Return the seconds until the next job tries again.

        Args:
            now: the time, s.
            wait: seconds until a call may try; infinite: not before an operator acts.
            epoch: the breaker's; a new epoch frees all places.
            draw: a random number in [0, 1): a job that finds all places within `MAX_SPREAD_S` taken gets a random one.

        """
        if epoch != self._epoch:
            self._epoch, self._free = epoch, 0.0
        first = now + (wait if wait != float("inf") else OPERATOR_RETRY_S)
        place = max(first, self._free)
        if place > first + MAX_SPREAD_S:
            return first + draw * MAX_SPREAD_S - now
        self._free = place + 1 / RETRIES_PER_S
        return place - now
