"""One of a crowd of sockets: submits or watches one job, and tells what comes of it."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable

from bench.load.histogram import Histogram
from bench.load.wire import WireClient

OPEN_AT_ONCE = 200
"""Connections that are being opened at a time."""


class Member:
    """One socket."""

    def __init__(self, on_event: Callable[[bytes], None] = lambda _: None) -> None:
        self._on_event = on_event
        self._client = WireClient(self._text, self._lost)
        self._answer: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asked_away: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.lost = False

    async def open(self, url: str) -> None:
        """Connect, and wait for the greeting."""
        await self._client.connect(url)
        await self.greeted

    async def ask(self, **frame: object) -> dict[str, object]:
        """Send a frame, and return its answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self.send(**frame)
        return await self._answer

    def send(self, **frame: object) -> None:
        """Send a frame."""
        self._client.send(json.dumps({"ref": 1, **frame}).encode())

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _text(self, payload: bytes) -> None:
        if payload.startswith(b'{"type":"event"'):
            self._on_event(payload)
            return
        frame = json.loads(payload)
        if frame["type"] == "hello":
            self.greeted.set_result(None)
        elif frame["type"] == "goaway":
            self.asked_away.set_result(frame["reconnect_after"])
        elif not self._answer.done() and frame["type"] != "alive":
            self._answer.set_result(frame)

    def _lost(self) -> None:
        self.lost = True


async def all_of(calls: Iterable[Awaitable[object]]) -> None:
    """Await them all, so many at a time."""
    turn = asyncio.Semaphore(OPEN_AT_ONCE)

    async def one(call: Awaitable[object]) -> None:
        async with turn:
            await call

    await asyncio.gather(*(one(call) for call in calls))


async def crowd(url: str, count: int, on_event: Callable[[bytes], None] = lambda _: None) -> list[Member]:
    """Return so many open sockets."""
    members = [Member(on_event) for _ in range(count)]
    await all_of(member.open(url) for member in members)
    return members


class Ticks:
    """How long ticks took from their handler to their sockets, until so many have come."""

    def __init__(self, expected: int) -> None:
        self.took = Histogram()
        self._expected = expected
        self._all = asyncio.Event()

    def take(self, payload: bytes) -> None:
        """Count an event, if it is a tick."""
        stamp = stamp_of(payload)
        if stamp is not None:
            self.took.add((time.time_ns() - stamp) / 1e9)
            if self.took.count == self._expected:
                self._all.set()

    async def all_came(self) -> None:
        """Return when all have come.

        Raises:
            TimeoutError: some are missing after a minute.

        """
        async with asyncio.timeout(60):
            await self._all.wait()


def stamp_of(payload: bytes) -> int | None:
    """Return when a tick was logged, ns since the epoch, from its event's frame; None: it is no tick."""
    if b'"event":"log"' not in payload:
        return None
    return int(payload[payload.rindex(b'"data":') + 7 : -1])
