"""Signs of life for quiet sockets: one ticker for all, no timer for each.

A browser's page cannot see WebSocket pings, so the server says something now and then.
"""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import anyio

from .socket import Socket


@asynccontextmanager
async def keep_alive(sockets: Iterable[Socket], quiet_s: float) -> AsyncIterator[None]:
    """Send `alive` to each of `sockets` that has been quiet for `quiet_s` seconds, around the body."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_tick, sockets, quiet_s, name="alive")
        yield
        tasks.cancel_scope.cancel()


async def _tick(sockets: Iterable[Socket], quiet_s: float) -> None:
    while True:
        await anyio.sleep(quiet_s / 10)
        quiet_since = time.monotonic() - quiet_s
        for socket in sockets:
            if socket.sent_at < quiet_since:
                socket.session.alive()
                socket.flush()
