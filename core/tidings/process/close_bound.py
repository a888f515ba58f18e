"""A bound for the time in which a process closes its event loop, when all that it had to do is done.

Closing a loop waits for what cannot be stopped: the threads of `asyncio.to_thread` and of other executors that
handlers left, and, with uvloop, each name that is being resolved (libuv cannot cancel a running `getaddrinfo`). A
resolver that does not answer, or a handler's thread that waits for a service, would keep a process that has left its
queues until its orchestrator kills it.

Sources: https://docs.python.org/3/library/asyncio-runner.html#asyncio.Runner.close,
https://docs.libuv.org/en/v1.x/request.html#c.uv_cancel
"""

import os
import sys
import threading
from types import TracebackType
from typing import Self

import structlog

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

CLOSES_WITHIN_S = 2.0
"""How long closing the loop may take, s."""


class CloseBound:
    """Ends the process if its loop does not close in time.

    The loop's last coroutine does all its work inside `with bound`: from its end on the time runs. The function that
    ran the loop calls `lift` when the loop is closed.
    """

    def __init__(self, seconds: float = CLOSES_WITHIN_S) -> None:
        self.failed: bool = False
        """Whether the process is to end with the code 1 instead of 0; an error that leaves the body says so too."""
        self._seconds = seconds
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.name = "close-bound"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.failed = self.failed or error is not None
        self._timer.start()

    def lift(self) -> None:
        """Let the process go on: its loop is closed."""
        self._timer.cancel()

    def _end(self) -> None:
        log.warning("loop_left", seconds=self._seconds, help="a thread or the resolving of a name kept the loop open")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1 if self.failed else 0)
