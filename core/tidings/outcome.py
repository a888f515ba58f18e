"""What a handler may raise to say how its attempt ends, and what it is told when it must end."""

from typing import Any


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

    def __init__(self, message: str = "", *, after: float | None = None) -> None:
        """Retry.

        Args:
            message: for the client.
            after: seconds to wait; None: the usual back-off.

        """
        super().__init__(message)
        self.message = message
        self.after = after
