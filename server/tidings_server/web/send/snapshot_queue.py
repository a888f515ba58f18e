"""The jobs that wait to be announced to one client, a few at a time, as fast as the client reads."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from tidings.protocol.tokens import Token
from tidings_server.web.send.send_buffer import COALESCE_BYTES, SendBuffer

UNDER_WAY = 32
"""Jobs for whose snapshots the store is asked at a time."""


class SnapshotQueue:
    """A queue of jobs. What it holds are names; each snapshot is read when the client has read the ones before."""

    __slots__ = ("_begin", "_held", "_pumping", "_send_buffer", "_under_way", "_waiting")

    def __init__(self, send_buffer: SendBuffer[Any], begin: Callable[[Token], bool]) -> None:
        """Begin with nothing.

        Args:
            send_buffer: says how far the client has read.
            begin: asks for the snapshot of one job; `settled` is called when it has been put into the send buffer, or
                will not come. It returns false where nothing is asked, and `settled` is not called then.

        """
        self._send_buffer = send_buffer
        self._begin = begin
        self._waiting: deque[Token] | None = None
        """None: no job waits. An empty deque takes 760 bytes of each socket."""
        self._under_way = 0
        self._pumping = False
        self._held = False
        """Whether it waits for the client to read."""

    def __len__(self) -> int:
        return len(self._waiting or ())

    def add(self, tokens: Iterable[Token]) -> None:
        """Announce more jobs."""
        waiting = [*tokens]
        if waiting:
            self._waiting = self._waiting or deque()
            self._waiting.extend(waiting)
        self._pump()

    def keep(self, is_wanted: Callable[[Token], bool]) -> None:
        """Forget the jobs that are not wanted any more."""
        if self._waiting is not None:
            self._waiting = deque(token for token in self._waiting if is_wanted(token)) or None

    def settled(self) -> None:
        """Take note that the snapshot of a job is sent, or will not come."""
        self._under_way -= 1
        self._pump()

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._waiting and self._under_way < UNDER_WAY and not self._held:
                if self._send_buffer.waiting_bytes > COALESCE_BYTES:
                    self._held = True
                    self._send_buffer.when_read(self._go_on)
                elif self._begin(self._waiting.popleft()):
                    self._under_way += 1
            if not self._waiting:
                self._waiting = None
        finally:
            self._pumping = False

    def _go_on(self) -> None:
        self._held = False
        self._pump()
