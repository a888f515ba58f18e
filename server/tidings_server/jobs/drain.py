"""The drain: a process that is leaving takes no new work, and ends what would go on for long."""

from collections.abc import Callable

from tidings.protocol.problems import problem_error


class Drain:
    """Whether this process is leaving."""

    def __init__(self) -> None:
        self.begun = False
        self.on_begin: set[Callable[[], None]] = set()
        """Called when the drain begins: each ends a stream or a long poll."""

    def begin(self) -> None:
        """Refuse submissions from now on, and end streams and long polls."""
        self.begun = True
        for end in list(self.on_begin):
            end()

    def refuse(self) -> None:
        """Refuse new work, once the drain has begun.

        Raises:
            ProblemError: `draining`.

        """
        if self.begun:
            raise problem_error("draining", "this server is shutting down; connect again", retry_after=1)
