"""The error that a handler gets when its breaker is open."""

from .breaker import WhenOpen


class CircuitOpenError(Exception):
    """The breaker is open: calls to the service were failing, and workers make none for now.

    If the handler does not catch this error, its job goes back into the schedule, or fails, as the breaker's
    `when_open` says. The job uses no attempt.
    """

    def __init__(self, breaker: str, retry_after: float, when_open: WhenOpen = "wait") -> None:
        """Describe it.

        Args:
            breaker: its name.
            retry_after: seconds until another try makes sense.
            when_open: whether the job waits or fails.

        """
        self.breaker = breaker
        """The breaker's name."""
        self.retry_after = retry_after
        """Seconds until another try makes sense."""
        self.when_open = when_open
        """`wait`: the job goes back into the schedule; `fail`: it fails."""
        super().__init__(f"the breaker {breaker} is open; another try makes sense in {retry_after:.3g} s")
