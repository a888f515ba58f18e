"""The threads in which a queue's plain handlers run.

A queue reserves a place before it takes a job for a thread (`executor_places.py`), so there is a thread for each
handler at once, and no handler waits for one. All threads take from one queue of calls: of many short handlers that
start in one turn of the event loop a thread that is awake runs several, and the others are not woken for them.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Call = Callable[[], None]


class HandlerThreads:
    """Threads that are started when they are needed, and kept. All methods belong to the event loop's thread."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._started = 0
        """Threads that take from the queue."""
        self._under_way = 0
        """Calls that have not ended; those of handlers that were abandoned are among them."""

    def start(self, call: Call) -> None:
        """Have a thread make a call, which raises nothing; `ended` is to be called when it has ended.

        Raises:
            RuntimeError: the system gives this process no further thread.

        """
        if self._started <= self._under_way:
            threading.Thread(target=_serve, args=(self._calls,), name="handler").start()
            self._started += 1
        self._under_way += 1
        self._calls.put(call)

    def ended(self) -> None:
        """Take note that a call has ended: its thread takes another."""
        self._under_way -= 1

    def close(self) -> None:
        """Let the threads end, each when it has nothing to do; a call after this one starts others."""
        for _ in range(self._started):
            self._calls.put(None)
        self._calls, self._started = SimpleQueue(), 0


def _serve(calls: "SimpleQueue[Call | None]") -> None:
    while (call := calls.get()) is not None:
        call()
        del call  # what it leads to must not live until the next
