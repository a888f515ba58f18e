"""The transport of a socket that uvicorn's protocol has handed over: all frames of a turn leave in one write."""

import asyncio
import time
from typing import Protocol

from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from tidings.protocol.frames import close_codes
from tidings_server.web.uvicorn_config import SENT_AWAY_S, ServerConfig

from .transport import SocketTransport, TransportOwner

WRITE_BYTES = 65_536
"""What is handed to the transport at a time; more waits in the send buffer, where it is counted and coalesced."""

SENT_AWAY = frozenset({close_codes.TOO_SLOW, close_codes.RATE_LIMITED})
"""Close codes of clients that are sent away for what they send, or do not read."""

_PING = WebSocketFrame(Opcode.PING, b"").serialize(mask=False)

_INTERNAL_ERROR = 1011


class OpenProtocol(Protocol):
    """What the transport uses of the protocol of its connection."""

    config: ServerConfig
    """The server's settings."""
    loop: asyncio.AbstractEventLoop
    """The event loop."""
    transport: asyncio.Transport
    """The connection."""
    close_sent: bool
    """Whether a close frame has been sent."""
    close_timeout: float
    """How long a client may take for its half of the closing handshake, s."""
    close_timer: asyncio.TimerHandle | None
    """Drops the connection at the end of that time."""

    @property
    def conn(self) -> ServerProtocol:
        """The WebSocket's state machine, made when it is needed."""


class DirectTransport(SocketTransport):
    """The transport of a socket that was taken over."""

    __slots__ = ("_pinged_at", "_protocol", "_scheduled", "_stuck_since", "deaf", "heard", "owner", "writable")

    def __init__(self, protocol: OpenProtocol, owner: TransportOwner) -> None:
        super().__init__()
        self._protocol = protocol
        self.owner = owner
        self._scheduled = False
        self._stuck_since: float | None = None
        self._pinged_at = time.monotonic()
        self.heard = True
        """Whether anything came since the last ping."""
        self.deaf = False
        """Whether incoming bytes are dropped."""
        self.writable = True
        """Whether the client keeps up."""

    def resumed(self) -> None:
        """Go on: the client has read."""
        self._stuck_since = None
        self.writable = True
        if self.owner.session.send_buffer:
            self.flush()

    def flush(self) -> None:
        """Write at the end of this turn of the event loop, when all its frames wait."""
        if not self._scheduled:
            self._scheduled = True
            self._protocol.loop.call_soon(self._write)

    def drain(self) -> None:
        """Write what waits, as far as the client keeps up."""
        protocol, send_buffer = self._protocol, self.owner.session.send_buffer
        while send_buffer.items and self.writable and not protocol.close_sent:
            frames = send_buffer.take_some(WRITE_BYTES)
            if len(frames[-1]) < WRITE_BYTES:
                protocol.transport.write(b"".join([frame.wire for frame in frames]))
            else:  # no other is as large: it would have been the last
                small = [frame.wire for frame in frames[:-1]]
                protocol.transport.writelines(small + frames[-1].wire_pieces)
            self.sent_at = time.monotonic()
        if self._acks is not None and not send_buffer.items:
            self._count_acks()

    def tick(self, now: float) -> None:
        """Ping; give up a peer that sends nothing, or does not read."""
        config = self._protocol.config
        if self._stuck_since is not None and now - self._stuck_since > config.ours.write_timeout_s:
            self.abort()
            return
        if not config.ws_ping_interval:
            return
        since = now - self._pinged_at
        if self.heard and since >= config.ws_ping_interval:
            self.heard = False
            self._pinged_at = now
            self._ping()
        elif not self.heard and config.ws_ping_timeout is not None and since > config.ws_ping_timeout:
            self._close(_INTERNAL_ERROR)

    def abort(self) -> None:
        """Drop the connection without a close frame: the peer would not read one."""
        self._protocol.transport.abort()

    # Private.

    def _ping(self) -> None:
        protocol = self._protocol
        if not (protocol.close_sent or protocol.transport.is_closing()):
            protocol.transport.write(_PING)

    def _write(self) -> None:
        self._scheduled = False
        protocol, session = self._protocol, self.owner.session
        if protocol.close_sent or protocol.transport.is_closing():
            return
        self.drain()
        if session.send_buffer.items:
            if self._stuck_since is None:
                self._stuck_since = time.monotonic()
        elif session.close_code is not None:
            self._close(session.close_code)

    def _close(self, code: int) -> None:
        """Begin the closing handshake; the connection of a peer that does not take part in it is dropped after a while.

        Nothing more is read from a client that is sent away for what it sends or does not read: to read on until its
        half of the handshake came would cost what it was sent away for.
        """
        protocol = self._protocol
        if protocol.close_sent or protocol.transport.is_closing():
            return
        protocol.conn.send_close(code)
        protocol.transport.write(b"".join(protocol.conn.data_to_send()))
        protocol.close_sent = True
        self.deaf = code in SENT_AWAY
        # A client that reads slowly gets the time to read up to the close frame.
        wait = SENT_AWAY_S if code == close_codes.RATE_LIMITED else protocol.close_timeout
        protocol.close_timer = protocol.loop.call_later(wait, self.abort)
