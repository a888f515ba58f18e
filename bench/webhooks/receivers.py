"""Receivers of webhooks that cost as little as may be: they answer each POST with 204, or never."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MADE = re.compile(rb'"timestamp":"([^"]+)"')


class _Requests(asyncio.Protocol):
    """Cuts the requests of one connection out of what comes."""

    def __init__(self, on_body: Callable[[bytes], None], *, answers: bool) -> None:
        self._on_body = on_body
        self._answers = answers
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._left += data
        while (end := self._left.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._left, 0, end)
            size = end + 4 + (int(found[1]) if found else 0)
            if len(self._left) < size:
                return
            body, self._left = self._left[end + 4 : size], self._left[size:]
            self._on_body(body)
            if self._answers:
                self._transport.write(ANSWER)


class ReceiverTally:
    """What the receivers of one sort got."""

    def __init__(self) -> None:
        self.count = 0
        self.first = self.last = 0.0
        """When the first and the last came; s, monotonic."""
        self.delays: list[float] = []
        """From each event to its delivery, s."""
        self._awaited: tuple[int, asyncio.Event] | None = None

    def take(self, body: bytes) -> None:
        """Count a delivery."""
        self.count += 1
        self.last = time.monotonic()
        self.first = self.first or self.last
        made = _MADE.search(body)
        if made is not None:
            self.delays.append(time.time() - datetime.fromisoformat(made[1].decode()).timestamp())
        if self._awaited is not None and self.count >= self._awaited[0]:
            self._awaited[1].set()

    async def until(self, count: int) -> None:
        """Return when so many have come."""
        done = asyncio.Event()
        self._awaited = count, done
        if self.count < count:
            await done.wait()


@asynccontextmanager
async def receivers(tally: ReceiverTally, count: int = 1, *, answers: bool = True) -> AsyncIterator[list[str]]:
    """Run some receivers, each on a port of its own, around the body; yield their URLs."""
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: _Requests(tally.take, answers=answers), "127.0.0.1", 0) for _ in range(count)
    ]
    try:
        yield [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in" for server in servers]
    finally:
        for server in servers:
            server.close()
