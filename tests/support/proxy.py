"""A TCP proxy that fails as networks do: tests put one on each link, and say how it is.

What is real: sockets, bytes and the order of bytes. What is not: nothing is lost inside a TCP stream
(TCP would send it again), so a packet lost for good is a link that is half open.
"""

import asyncio
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

CHUNK_BYTES = 65_536

DELAY_S = (0.02, 0.15)
"""Least and most that a chunk of bytes is held back on a slow link."""


class Way(StrEnum):
    """How a link is."""

    OPEN = "open"
    CUT = "cut"
    """Every connection is closed in order, and no new one lasts."""
    RESET = "reset"
    """The same by RST: what was under way is lost on both sides."""
    DELAY = "delay"
    """Bytes come late, each chunk by another while, in order."""
    HALF_OPEN = "half-open"
    """Bytes are taken and go nowhere. A connection that was there then stays so for ever, and never ends by itself."""
    MUTE = "mute"
    """Requests arrive and answers do not; for ever, for connections that were there then."""


class _Link:
    """One connection through the proxy: two sockets and two pumps."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.deaf = False
        """What the client says goes nowhere."""
        self.mute = False
        """What the server says goes nowhere."""
        self.subscribed = False
        """Whether the client has asked for channels: then it is the link of an inbox, and not of calls."""
        self._ends = (client, server)

    def end(self, *, rudely: bool = False) -> None:
        """Close both ends; `rudely` by RST."""
        for end in self._ends:
            if rudely:
                raw: socket.socket | None = end.get_extra_info("socket")
                if raw is not None and raw.fileno() >= 0:  # else it is closed already
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.transport.abort()
            else:
                end.close()


class Proxy:
    """A port of its own before the port of a server."""

    def __init__(self, target: int, seed: int = 0) -> None:
        """Prepare; `listen` starts it.

        Args:
            target: the port behind, on loopback.
            seed: of the delays.

        """
        self.port = 0
        self.way = Way.OPEN
        self._spared: bool | None = None
        """Links that are open whatever `way` says: those of inboxes (True), those of calls (False), or none."""
        self.severed = 0
        """How often a link was cut where `sever` said."""
        self._where: Callable[[bytes], int | None] | None = None
        self._target = target
        self._random = random.Random(seed)
        self._links: set[_Link] = set()
        self._accepted: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def __len__(self) -> int:
        return len(self._links)

    async def listen(self, context: ssl.SSLContext | None = None) -> None:
        """Take connections from now on; with `context` by TLS, which ends here."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.end(rudely=True)
        for writer in self._accepted:
            writer.transport.abort()  # also one that is no link yet
        pumps = list(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        await asyncio.sleep(0)  # transports that were aborted close in the loop's next turn

    def become(self, way: Way, *, only_subscribers: bool = False, only_callers: bool = False) -> None:
        """Be so from now on, for the connections that there are and for new ones.

        Args:
            way: how.
            only_subscribers: the links of calls stay open.
            only_callers: the links of inboxes stay open.

        """
        self.way = way
        self._spared = False if only_subscribers else True if only_callers else None
        for link in list(self._links):
            self._treat(link)

    def sever(self, where: Callable[[bytes], int | None]) -> None:
        """Cut the link of an inbox once, within what goes to it.

        Args:
            where: gets each chunk; returns how many of its bytes still pass, or None: all, and ask again.

        """
        self._where = where

    def _treat(self, link: _Link) -> None:
        if link.subscribed is self._spared:
            return
        match self.way:
            case Way.CUT | Way.RESET:
                link.end(rudely=self.way is Way.RESET)
            case Way.HALF_OPEN:
                link.deaf = link.mute = True
            case Way.MUTE:
                link.mute = True

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted.add(writer)
        serving = self._start(self._serve(reader, writer), "proxy")
        serving.add_done_callback(lambda _: self._accepted.discard(writer))

    def _start(self, pump: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(pump, name=name)
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)
        return task

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._join(reader, writer)
        except OSError:
            writer.close()  # nobody is behind this port at the moment

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, server = await asyncio.open_connection("127.0.0.1", self._target)
        link = _Link(writer, server)
        self._links.add(link)
        self._treat(link)
        back = self._start(self._pump(link, behind, writer, back=True), "proxy back")
        try:
            await self._pump(link, reader, server, back=False)
        finally:
            # Whichever end is closed, so is the other; a half-open one is told nothing.
            if not link.mute:
                await asyncio.wait([back], timeout=1)
            link.end(rudely=link.mute)
            back.cancel()
            self._links.discard(link)

    async def _pump(self, link: _Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, back: bool) -> None:
        try:
            while data := await source.read(CHUNK_BYTES):
                if self.way is Way.DELAY:
                    await asyncio.sleep(self._random.uniform(*DELAY_S))
                if not back and not link.subscribed and b"SUBSCRIBE" in data:
                    link.subscribed = True
                    link.deaf = link.mute = False  # until now it was as links of calls are
                    self._treat(link)
                if back and link.subscribed and self._where is not None:
                    through = self._where(data)
                    if through is not None:
                        self._where = None
                        self.severed += 1
                        sink.write(data[:through])
                        break
                if link.mute if back else link.deaf:
                    continue
                sink.write(data)
                await sink.drain()
        except OSError:
            pass  # the end that is gone is closed below
        if not (link.mute if back else link.deaf):
            sink.close()


@asynccontextmanager
async def running_proxy(target: int, context: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """Run a proxy around the body."""
    proxy = Proxy(target)
    await proxy.listen(context)
    try:
        yield proxy
    finally:
        await proxy.close()
