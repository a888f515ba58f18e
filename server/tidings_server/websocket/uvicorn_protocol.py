"""Uvicorn's WebSocket protocol, handed over after its handshake: no task, no queue and no timer for an open socket.

An ASGI application would need a task for each socket, and each frame would pass a queue on its way in and a
coroutine on its way out. Here the application accepts the socket as ever and then calls the function it finds
in the scope under the extension `tidings.take_over`: from then on messages go straight to it, all frames of one turn of
the event loop leave in one write, and whether the reader keeps up is known without waiting for it.
"""

import asyncio
import time
from asyncio import BaseTransport
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame as WebSocketFrame
from websockets.protocol import State

from tidings.protocol.frames import close_codes
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.web.uvicorn_config import SENT_AWAY_S, ServerConfig

from .frames.frame_parser import FrameBoundary, whole_text
from .session import AUTH_FRAME_BYTES
from .transport import SocketTransport, TransportOwner

TAKE_OVER_EXTENSION = "tidings.take_over"
"""Under this name the ASGI scope's `extensions` hold the function that takes a socket over."""

TakeOverFunction = Callable[[TransportOwner], None]

WRITE_BYTES = 65_536
"""What is handed to the transport at a time; more waits in the send buffer, where it is counted and coalesced."""

STRANGER_BYTES = 2 * AUTH_FRAME_BYTES
"""How much is buffered of a message from a client that has not authenticated. A credential that is somewhat too large
gets the session's answer; a larger message ends the socket when its size is known, before it has come."""

SENT_AWAY = frozenset({close_codes.TOO_SLOW, close_codes.RATE_LIMITED})
"""Close codes of clients that are sent away for what they send, or do not read."""

_NO_HANDSHAKE = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_INTERNAL_ERROR = 1011
_INVALID_DATA = 1007


class _Nowhere(asyncio.Queue[Any]):
    """Takes the place of uvicorn's queue once it has no reader: one for all sockets."""

    def put_nowait(self, item: Any) -> None:
        """Drop it."""


_NOWHERE = _Nowhere()


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection that is, or is about to be, a WebSocket."""

    config: ServerConfig
    _socket_transport: "DirectTransport | None" = None
    _unauthenticated = False
    """Whether the client has yet to authenticate: of such a client little is buffered."""
    _boundary: FrameBoundary | None = None
    """Where the parser stands between frames; None: unknown, so everything goes through the parser."""
    _pieces = 0
    """How many pieces came before the socket was taken over: the first is the handshake."""
    _final_bytes = b""
    """The closing handshake's reply, and pongs before it, until earlier messages have been passed on."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Buffer little of what comes before the client has authenticated, where it must."""
        super().connection_made(transport)
        if self.config.ours.auth != "none":
            self._unauthenticated = True
            self.conn.max_message_size = min(STRANGER_BYTES, self.config.ws_max_size)

    def handle_connect(self, event: object) -> None:
        """Offer the application to take the socket over."""
        super().handle_connect(event)  # type: ignore[arg-type]
        if hasattr(self, "scope"):  # absent where the handshake was refused
            self.scope["extensions"][TAKE_OVER_EXTENSION] = self.take_over  # type: ignore[assignment]

    def take_over(self, owner: TransportOwner) -> None:
        """Hand the socket to `owner`, beginning with what came since it was accepted."""
        self._socket_transport = DirectTransport(self, owner)
        if self._pieces == 1:
            self._boundary = FrameBoundary()
        owner.open(self._socket_transport)
        early = self.queue
        while not early.empty():
            message = early.get_nowait()
            if message["type"] == "websocket.receive":
                text = message.get("text")
                owner.received(text if text is not None else message["bytes"])  # type: ignore[arg-type]
            else:
                owner.lost()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # The handshake is not needed again; of ten thousand quiet sockets it would be most of the memory.
        self.queue = _NOWHERE
        del self.scope, self.request, self.response

    async def run_asgi(self) -> None:
        """Run the application; one that has taken the socket over may return and leave it open."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception as error:  # noqa: BLE001 - the border of one socket
            unexpected_problem("socket", error)
            self.send_500_response()
        if self._socket_transport is None and self.close_timer is None:
            self.transport.close()

    def start_keepalive(self) -> None:
        """Start no timer: the owner of a socket that was taken over gets a tick once a second."""

    def data_received(self, data: bytes) -> None:
        """Take what came, unless the client was sent away.

        Messages before a close, or before bytes that are no WebSocket, are answered first.
        """
        socket_transport = self._socket_transport
        if socket_transport is None:
            self._pieces += 1
            super().data_received(data)
            if not self.handshake_initiated and self.conn.handshake_exc is not None:
                self._refuse_handshake()
            return
        if socket_transport.deaf:
            return
        socket_transport.heard = True
        if self._unauthenticated and socket_transport.owner.session.auth_state.known:
            self._unauthenticated = False
            self.conn.max_message_size = self.config.ws_max_size
        if self._boundary is not None:
            if self._boundary.between and self.conn.current_size is None and self.conn.state is State.OPEN:
                data = self._take_texts(data, socket_transport)
                if not data:
                    return
            self._boundary.passed(data)
        self.conn.receive_data(data)
        if self.conn.state is not State.OPEN:
            self._final_bytes = b"".join(self.conn.data_to_send())
        self.handle_events()
        if self.conn.parser_exc is not None and not self.close_sent:
            self.handle_parser_exception()

    def _refuse_handshake(self) -> None:
        """Answer a handshake that the WebSocket's parser refuses, such as a header of more than 8 KiB, and end."""
        answer = b"".join(self.conn.data_to_send())
        self.handshake_complete = self.close_sent = True
        self.transport.write(answer or _NO_HANDSHAKE)
        self.transport.close()

    def _take_texts(self, data: bytes, socket_transport: "DirectTransport") -> bytes:
        """Hand on the messages with which `data` begins, as long as they are simple; return what follows them."""
        at = 0
        while (found := whole_text(data, at)) is not None:
            payload, end = found
            if len(payload) > (self.conn.max_message_size or 0):
                break  # the parser answers it
            at = end
            if not self.close_sent:
                self._receive_text(payload, socket_transport)
        return data[at:] if at else data

    def _receive_text(self, payload: bytes, socket_transport: "DirectTransport") -> None:
        try:
            text = str(payload, "utf-8")
        except UnicodeDecodeError:
            self.conn.fail(_INVALID_DATA)
            self.handle_parser_exception()
            return
        socket_transport.owner.received(text)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on, without a queue."""
        if self._socket_transport is None:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            self._socket_transport.owner.received(bytes(data))
            return
        self._receive_text(data, self._socket_transport)

    def handle_cont(self, event: WebSocketFrame) -> None:
        """Keep a fragment, and count it: many small ones cost work too."""
        self._count()
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Send the pong."""
        super().handle_ping()
        self._count()

    def handle_pong(self, event: WebSocketFrame) -> None:
        """Count it; `data_received` has taken note of the sign of life."""
        self._count()

    def handle_close(self, event: WebSocketFrame) -> None:
        """End; the connection of a peer that does not read the end is dropped after a while."""
        self._write_final()
        super().handle_close(event)
        if self._socket_transport is not None and self.close_timer is None:
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def handle_parser_exception(self) -> None:
        """End with the close code for what was wrong.

        Not at once: were what the peer still sends not read, the kernel would answer it by a reset, which
        overtakes the close frame.
        """
        self._write_final()
        if self._socket_transport is None:
            super().handle_parser_exception()
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._socket_transport.deaf = True
        self.close_timer = self.loop.call_later(SENT_AWAY_S, self.transport.abort)

    def _count(self) -> None:
        if self._socket_transport is not None:
            self._socket_transport.owner.controlled()

    def _write_final(self) -> None:
        if self._socket_transport is not None and not self.transport.is_closing():
            self._socket_transport.drain()
            self.transport.write(self._final_bytes)
            self._final_bytes = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the owner know."""
        super().connection_lost(exc)
        if self._socket_transport is not None:
            self._socket_transport.owner.lost()

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if self._socket_transport is not None:
            self._socket_transport.resumed()


class DirectTransport(SocketTransport):
    """The transport of a socket that was taken over."""

    __slots__ = ("_pinged_at", "_protocol", "_scheduled", "_stuck_since", "deaf", "heard", "owner")

    def __init__(self, protocol: SocketProtocol, owner: TransportOwner) -> None:
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

    def resumed(self) -> None:
        """Go on: the client has read."""
        self._stuck_since = None
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
        while send_buffer and protocol.writable.is_set() and not protocol.close_sent:
            protocol.transport.write(b"".join([frame.wire for frame in send_buffer.take_some(WRITE_BYTES)]))
            self.sent_at = time.monotonic()
        if not send_buffer:
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
            protocol.conn.send_ping(b"")
            protocol.transport.write(b"".join(protocol.conn.data_to_send()))

    def _write(self) -> None:
        self._scheduled = False
        protocol, session = self._protocol, self.owner.session
        if protocol.close_sent or protocol.transport.is_closing():
            return
        self.drain()
        if session.send_buffer:
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
