"""A socket without a network: what the server's session writes, the client beside it reads, and the other way."""

import asyncio
import time
from collections import deque

from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from tidings_server.websocket.socket_connection import SocketConnection
from tidings_server.websocket.transport import SocketTransport

BROKE = 1006
"""RFC 6455, section 7.4.1: how a socket ends that no side closed in order."""


class LocalSocket(SocketTransport):
    """One socket: the transport of the server's connection, and what the client's connection reads and writes.

    Frames wait in the session's send buffer until the client reads, so that its bounds hold here too.
    """

    __slots__ = ("_connection", "_end", "_frames", "_news")

    def __init__(self, connection: SocketConnection) -> None:
        super().__init__()
        self._connection = connection
        self._end: ConnectionClosedError | None = None
        self._frames: deque[bytes] = deque()
        self._news = asyncio.Event()

    def close(self, code: int, reason: str = "") -> None:
        """End it; the client reads what it has taken, and then why. The first end stands."""
        if self._end is None:
            self._end = ConnectionClosedError(Close(code, reason), None)
            self._connection.lost()
            self._news.set()

    # What the server's connection calls.

    def flush(self) -> None:
        """Wake the client: frames wait, or the session has closed."""
        self._news.set()

    def tick(self, now: float) -> None:
        """Do nothing: the client is as alive as the server."""

    # What the client's connection calls.

    @property
    def transport(self) -> "LocalSocket":
        """What lies under it: itself."""
        return self

    async def recv(self, decode: bool | None = None) -> bytes:
        """Return the next frame, always as bytes.

        Raises:
            ConnectionClosed: the server has closed the socket, or has stopped.

        """
        while not self._frames:
            self._news.clear()
            if self._end is not None:
                raise self._end
            self._take()
            if not self._frames:
                await self._news.wait()
        return self._frames.popleft()

    async def send(self, message: str | bytes, *, text: bool | None = None) -> None:
        """Give the server a frame; its answers come later.

        Raises:
            ConnectionClosed: as `recv`.

        """
        if self._end is not None:
            raise self._end
        self._connection.received(message, binary=isinstance(message, bytes) and not text)

    def abort(self) -> None:
        """End it at once, as a network that breaks."""
        self._frames.clear()
        self.close(BROKE)

    def _take(self) -> None:
        """Take the frames that wait; behind the last of them, end as the session says."""
        session = self._connection.session
        self._frames.extend(frame.data for frame in session.send_buffer.take())
        if self._frames:
            self.sent_at = time.monotonic()
            self._count_acks()
        if session.close_code is not None:
            self.close(session.close_code)
