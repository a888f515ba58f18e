"""A proxy on a link that fails as networks do.

Real are sockets, bytes and their order. Not real: no byte is lost inside a TCP stream, because TCP would send it again.
So a packet that is lost for good is simulated by a half-open link.
"""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

from .delayed_writer import DelayedWriter, DirectWriter, LinkBrokenError
from .message_faults import MessageFaults
from .proxied_connection import ProxiedConnection, TrafficListener

CHUNK_BYTES = 65_536

DELAY_S = (0.02, 0.15)
"""Least and most that a chunk of bytes is held back on a slow link."""


Target = int | str | tuple[str, int]
"""Where a server listens: a port on loopback, the path of a unix socket, or host and port."""

LINGER_S = 1.0
"""How long the server may go on answering after the client has closed its side, s; with faults longer."""
LINGER_WITH_FAULTS_S = 15.0


class LinkMode(StrEnum):
    """How a link treats connections and bytes."""

    OPEN = "open"
    CUT = "cut"
    """Every connection is closed in order, and no new one lasts."""
    RESET = "reset"
    """The same by RST: what was under way is lost on both sides."""
    DELAY = "delay"
    """Each chunk of bytes comes late by a drawn time; their order stays."""
    HALF_OPEN = "half-open"
    """The proxy takes bytes and drops them. A connection that existed then stays so, and never ends by itself."""
    MUTE = "mute"
    """Requests arrive and answers do not; a connection that existed then stays so."""


class Proxy:
    """An address that stands before a server's."""

    def __init__(
        self,
        target: Target,
        seed: int = 0,
        *,
        faults: MessageFaults | None = None,
        listen: Callable[[], TrafficListener] | None = None,
    ) -> None:
        """Prepare; `listen` starts it.

        Args:
            target: the server behind it.
            seed: of the delays of a slow link.
            faults: delays and losses of single messages.
            listen: makes the listener of each new connection.

        """
        self.port = 0
        self.mode = LinkMode.OPEN
        self._spared: bool | None = None
        """Links that stay open in every mode: those of inboxes (True), those of calls (False), or none (None)."""
        self.severed = 0
        """How often a link was cut where `sever` said."""
        self._where: Callable[[bytes], int | None] | None = None
        self._target = target
        self._faults = faults
        self._listen = listen
        self._random = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._links: set[ProxiedConnection] = set()
        self._accepted: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def __len__(self) -> int:
        return len(self._links)

    async def listen(self, context: ssl.SSLContext | None = None, *, at: int | str = 0) -> None:
        """Accept connections from now on.

        Args:
            context: with it by TLS, which ends here.
            at: the port on loopback, 0: any; or the path of a unix socket.

        Raises:
            OSError: another process listens there.

        """
        if isinstance(at, str):
            self._server = await asyncio.start_unix_server(self._accept, at)
            return
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", at, ssl=context)
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

    def set_mode(self, way: LinkMode, *, only_subscribers: bool = False, only_callers: bool = False) -> None:
        """Change the mode, for existing and for new connections.

        Args:
            way: the mode.
            only_subscribers: the links of calls stay open.
            only_callers: the links of inboxes stay open.

        """
        self.mode = way
        self._spared = False if only_subscribers else True if only_callers else None
        for link in list(self._links):
            self._treat(link)

    def sever(self, where: Callable[[bytes], int | None]) -> None:
        """Cut the link of an inbox once, within what goes to it.

        Args:
            where: gets each chunk; returns how many of its bytes still pass, or None: all, and ask again.

        """
        self._where = where

    def _treat(self, link: ProxiedConnection) -> None:
        if link.subscribed is self._spared:
            return
        match self.mode:
            case LinkMode.CUT | LinkMode.RESET:
                link.end(rudely=self.mode is LinkMode.RESET)
            case LinkMode.HALF_OPEN:
                link.deaf = link.mute = True
            case LinkMode.MUTE:
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
            writer.close()  # the target does not listen at the moment

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, server = await _connect(self._target)
        draws = self._faults.connection() if self._faults is not None else (None, None)
        link = ProxiedConnection(writer, server, draws, self._listen() if self._listen is not None else None)
        self._links.add(link)
        self._treat(link)
        back = self._start(self._pump(link, behind, writer, back=True), "proxy back")
        try:
            await self._pump(link, reader, server, back=False)
        finally:
            # When one end closes, the proxy closes the other; a half-open connection learns nothing.
            if not link.mute:
                await asyncio.wait([back], timeout=LINGER_S if self._faults is None else LINGER_WITH_FAULTS_S)
            link.end(rudely=link.mute)
            back.cancel()
            self._links.discard(link)

    async def _pump(
        self, link: ProxiedConnection, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, back: bool
    ) -> None:
        draw = link.back if back else link.there
        writer = DirectWriter(sink) if draw is None else DelayedWriter(sink, draw, self._start)
        try:
            while data := await source.read(CHUNK_BYTES):
                if self.mode is LinkMode.DELAY:
                    await asyncio.sleep(self._random.uniform(*DELAY_S))
                if not back:
                    self._look_for_subscriber(link, data)
                elif self._severed(link, data, sink):
                    break
                link.inspect(data, back=back)
                if not (link.mute if back else link.deaf):
                    await writer.put(data)
            await writer.end()
        except LinkBrokenError:
            link.end(rudely=True)
        except OSError:
            pass  # the end that is gone is closed below
        finally:
            writer.close()
        if not (link.mute if back else link.deaf):
            sink.close()

    def _look_for_subscriber(self, link: ProxiedConnection, data: bytes) -> None:
        if not link.subscribed and b"SUBSCRIBE" in data:
            link.subscribed = True
            link.deaf = link.mute = False  # until now it counted as a link of calls
            self._treat(link)

    def _severed(self, link: ProxiedConnection, data: bytes, sink: asyncio.StreamWriter) -> bool:
        """Return whether this is where the link was to be cut; what still passes has passed."""
        through = self._where(data) if self._where is not None and link.subscribed else None
        if through is None:
            return False
        self._where = None
        self.severed += 1
        sink.write(data[:through])
        return True


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(target, str):
        return await asyncio.open_unix_connection(target)
    host, port = ("127.0.0.1", target) if isinstance(target, int) else target
    return await asyncio.open_connection(host, port)


@asynccontextmanager
async def running_proxy(target: int, context: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """Run a proxy around the body."""
    proxy = Proxy(target)
    await proxy.listen(context)
    try:
        yield proxy
    finally:
        await proxy.close()
