"""The open sockets of this process, and their one ticker.

No socket has a timer of its own, except while a credential or a grant of its client is about to run out.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio

from tidings_server.jobs.quotas import Quotas

from .socket_connection import SocketConnection

TICK_S = 1.0
"""The time between two ticks, s: how late a ping or an end may come."""


class OpenSockets:
    """The open sockets of this process."""

    def __init__(self) -> None:
        self._open: set[SocketConnection] = set()
        self._closed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[SocketConnection]:
        return iter(tuple(self._open))

    def add(self, socket: SocketConnection) -> None:
        """Count a socket that has opened."""
        self._open.add(socket)

    def discard(self, socket: SocketConnection) -> None:
        """Count a socket no more."""
        self._open.discard(socket)
        self._closed.set()

    async def gone(self) -> None:
        """Return when no socket is open."""
        while self._open:
            self._closed.clear()
            await self._closed.wait()

    @asynccontextmanager
    async def ticking(self, quotas: Quotas) -> AsyncIterator[None]:
        """Give each socket a tick once in a while, around the body."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tick, quotas, name="ticker")
            yield
            tasks.cancel_scope.cancel()

    async def _tick(self, quotas: Quotas) -> None:
        while True:
            await anyio.sleep(TICK_S)
            now = time.monotonic()
            for socket in self:
                try:
                    socket.tick(now)
                except Exception as error:  # noqa: BLE001 - the border of one socket: all sockets share the ticker
                    socket.fail("tick", error)
            quotas.drop_idle(now)
