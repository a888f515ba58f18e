"""Clients that read streams, as lean as they can be: what is measured is the system."""

import asyncio
import time
from typing import cast
from urllib.parse import urlsplit

import msgspec

from bench.load.histogram import Histogram


class _Said(msgspec.Struct):
    data: str | list[str]


class _Event(msgspec.Struct):
    data: _Said


_decode = msgspec.json.Decoder(_Event).decode


class ChunkTally:
    """Counts the chunks of all streams, and how long each took from its writer."""

    def __init__(self) -> None:
        self.took = Histogram()
        self.count = 0
        self.ended = 0
        """Streams that have come to their end."""

    def begin(self) -> None:
        """Forget what was counted of chunks."""
        self.took, self.count = Histogram(), 0

    def frame(self, payload: bytes) -> None:
        """Take a frame of a WebSocket."""
        if b'"event":"chunk' in payload:
            data = _decode(payload).data.data
            self.chunks([data] if isinstance(data, str) else data)
        elif b'"event":"succeeded"' in payload:
            self.ended += 1

    def chunks(self, stamps: list[str]) -> None:
        """Count chunks that came together; those of a text that is no time are only counted."""
        now = time.time_ns()
        self.count += len(stamps)
        for stamp in stamps:
            if len(stamp) > 15 and stamp[:-1].isdecimal():
                self.took.add((now - int(stamp)) / 1e9)


class HttpReader(asyncio.Protocol):
    """One connection that reads an event stream."""

    def __init__(self, tally: ChunkTally) -> None:
        self._tally = tally
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    async def ask(self, url: str, path: str) -> None:
        """Connect, and ask for a path."""
        parts = urlsplit(url)
        await asyncio.get_running_loop().create_connection(lambda: self, parts.hostname or "", parts.port or 80)
        assert self._transport is not None
        self._transport.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take the events that came; the bounds of HTTP's chunks are no part of their lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._tally.chunks([line[6:].decode() for line in lines if line.startswith(b"data: ")])
        if b"0\r" in lines:
            self._tally.ended += 1
