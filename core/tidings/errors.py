"""The errors with which a handler decides how its attempt ends, and the one with which the worker ends it."""

from typing import Any

from .seconds import Duration, seconds_of


class Reject(Exception):  # noqa: N818 - a statement, not an error of the program
    """The handler cannot do the work, now or ever: the job fails for good, and the client sees this message."""

    def __init__(self, message: str, *, code: str = "rejected", data: Any = None) -> None:
        """Reject the work.

        Args:
            message: for the client.
            code: a code of your own, for the client's program; it stands in the problem's `errors`.
            data: any JSON value that helps the client.

        """
        super().__init__(message)
        self.message = message
        """What the client sees."""
        self.code = code
        """The author's own code."""
        self.data = data
        """What helps the client's program; any JSON."""


class StoppedError(Exception):
    """The attempt is over (cancelled, timed out, or another worker has the job): the handler should end now."""


class Retry(Exception):  # noqa: N818
    """This attempt failed, and the handler asks for another, after a time that it knows better than the back-off."""

    def __init__(self, message: str = "", *, after: Duration | None = None) -> None:
        """Ask for another attempt.

        Args:
            message: for the client.
            after: the time to wait, seconds or a `timedelta`, 0 to a year; None: the usual back-off.

        Raises:
            TypeError: `after` is neither seconds nor a `timedelta`.
            ValueError: `after` is out of bounds, or NaN.

        """
        super().__init__(message)
        self.message = message
        """What the client sees."""
        self.after: float | None = (
            None if after is None else seconds_of("Retry: after", after, most_word="a year (31536000)")
        )
        """Seconds."""
