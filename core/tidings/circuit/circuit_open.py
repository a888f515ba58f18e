"""What a handler is told that may not call."""

from .breaker import WhenOpen


class CircuitOpenError(Exception):
    """The breaker is open: the service was failing, and is left alone for now.

    A handler that lets it pass goes back into the schedule, or fails, as the breaker's `when_open` says; no attempt
    is used.
    """

    def __init__(self, breaker: str, retry_after: float, when_open: WhenOpen = "wait") -> None:
        """Say so.

        Args:
            breaker: its name.
            retry_after: seconds until another try makes sense.
            when_open: what becomes of the job.

        """
        self.breaker = breaker
        self.retry_after = retry_after
        self.when_open = when_open
        super().__init__(f"the breaker {breaker} is open; another try makes sense in {retry_after:.3g} s")
