"""One direction of a connection: bytes arrive at once, or late; always in order."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from .message_faults import DelayDraw

MAX_MESSAGES = 1024
"""Messages under way at most; the sender of another waits, as it would for a full TCP window."""


class LinkBrokenError(Exception):
    """The connection breaks here."""


class DirectWriter:
    """Writes each message at once."""

    def __init__(self, sink: asyncio.StreamWriter) -> None:
        self._sink = sink

    async def put(self, data: bytes) -> None:
        """Write it.

        Raises:
            OSError: the sink is gone.

        """
        self._sink.write(data)
        await self._sink.drain()

    async def end(self) -> None:
        """Say that nothing follows."""

    def close(self) -> None:
        """Let go."""


class DelayedWriter:
    """Writes each message late by a drawn time, and not before an earlier one."""

    def __init__(
        self,
        sink: asyncio.StreamWriter,
        draw: DelayDraw,
        start: Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"],
    ) -> None:
        """Prepare.

        Args:
            sink: where the messages arrive.
            draw: draws the delay of each message.
            start: starts a task, and cancels it at the end of the proxy.

        """
        self._sink = sink
        self._draw = draw
        self._under_way: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue(MAX_MESSAGES)
        self._due = 0.0
        self._broken = False
        self._delivering = start(self._deliver(), "line")

    async def put(self, data: bytes) -> None:
        """Take a message; waits while too many are under way.

        Raises:
            LinkBrokenError: the connection breaks at this message.
            ConnectionResetError: the sink is gone.

        """
        if self._broken:
            raise ConnectionResetError
        late_s = self._draw()
        if late_s is None:
            raise LinkBrokenError
        self._due = max(self._due, asyncio.get_running_loop().time() + late_s)
        await self._under_way.put((self._due, data))

    async def end(self) -> None:
        """Say that nothing follows; returns when everything has arrived."""
        await self._under_way.put(None)
        await asyncio.wait([self._delivering])

    def close(self) -> None:
        """Drop what has not arrived."""
        self._delivering.cancel()

    async def _deliver(self) -> None:
        """Write the messages that are due; once the sink is gone, drop them, so that no sender waits."""
        clock = asyncio.get_running_loop().time
        while (message := await self._under_way.get()) is not None:
            due, data = message
            if not self._broken:
                await asyncio.sleep(due - clock())
                await self._write(data)

    async def _write(self, data: bytes) -> None:
        if self._sink.is_closing():
            self._broken = True
            return
        try:
            self._sink.write(data)
            await self._sink.drain()
        except OSError:
            self._broken = True
