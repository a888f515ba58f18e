"""What a handler may raise to say how its attempt ends, and what it is told when it must end."""

from typing import Any

from .seconds import Duration, seconds_of


class Reject(Exception):  # noqa: N818 - a statement, not an error of the program
    """The work cannot be done, now or ever: fail for good, and show the client this message."""

    def __init__(self, message: str, *, code: str = "rejected", data: Any = None) -> None:
        """Reject.

        Args:
            message: for the client.
            code: a code of your own, for the client's program; kept in the problem's `errors`.
            data: any JSON that helps the client.

        """
        super().__init__(message)
        self.message = message
        self.code = code
        self.data = data


class StoppedError(Exception):
    """The attempt is over (cancelled, timed out, taken over): the thread should end now."""


class Retry(Exception):  # noqa: N818
    """This attempt failed; try again, after a time you know better than the back-off does."""

    def __init__(self, message: str = "", *, after: Duration | None = None) -> None:
        """Retry.

        Args:
            message: for the client.
            after: the time to wait, seconds or a `timedelta`, 0 to a year; None: the usual back-off.

        Raises:
            TypeError: `after` is neither.
            ValueError: it is out of bounds, or no number (NaN).

        """
        super().__init__(message)
        self.message = message
        self.after = None if after is None else seconds_of("Retry: after", after, most_word="a year (31536000)")
        """Seconds."""
