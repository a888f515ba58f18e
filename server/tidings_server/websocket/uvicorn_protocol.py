"""Uvicorn's WebSocket protocol, handed over after its handshake: no task, no queue and no timer for an open socket.

An ASGI application would need a task for each socket, and each frame would pass a queue on its way in and a
coroutine on its way out. Here the application accepts the socket as ever and then calls the function it finds
in the scope under the extension `tidings.take_over`: from then on messages go straight to it, all frames of one turn of
the event loop leave in one write, and whether the reader keeps up is known without waiting for it.
"""

import asyncio
from asyncio import BaseTransport
from collections.abc import Callable
from functools import cached_property
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame as WebSocketFrame
from websockets.protocol import State
from websockets.server import ServerProtocol

from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.web.uvicorn_config import SENT_AWAY_S, ServerConfig

from .direct_transport import DirectTransport
from .frames.frame_parser import FrameBoundary, empty_pong, whole_text
from .frames.partial_text import HEAD_BYTES, PartialText, text_in
from .session import AUTH_FRAME_BYTES
from .transport import TransportOwner

TAKE_OVER_EXTENSION = "tidings.take_over"
"""Under this name the ASGI scope's `extensions` hold the function that takes a socket over."""

TakeOverFunction = Callable[[TransportOwner], None]

STRANGER_BYTES = 2 * AUTH_FRAME_BYTES
"""How much is buffered of a message from a client that has not authenticated. A credential that is somewhat too large
gets the session's answer; a larger message ends the socket when its size is known, before it has come."""

_NO_HANDSHAKE = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_INVALID_DATA = 1007


class _Nowhere(asyncio.Queue[Any]):
    """Takes the place of uvicorn's queue once it has no reader: one for all sockets."""

    def put_nowait(self, item: Any) -> None:
        """Drop it."""


_NOWHERE = _Nowhere()

_NO_WAITERS = asyncio.Event()
"""Takes the place of uvicorn's event for its `send`, once no task sends: one for all sockets."""
_NO_WAITERS.set()


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection that is, or is about to be, a WebSocket."""

    config: ServerConfig
    _socket_transport: DirectTransport | None = None
    _unauthenticated = False
    """Whether the client has yet to authenticate: of such a client little is buffered."""
    _boundary: FrameBoundary | None = None
    """Where the parser stands between frames; None: unknown, so everything goes through the parser."""
    _pieces = 0
    """How many pieces came before the socket was taken over: the first is the handshake."""
    _lean = False
    """Whether the socket is open and has no parser: none is needed as long as texts and pongs come whole."""
    _partial: PartialText | None = None
    """A large text of which a part is on its way; whatever comes is for it."""
    _final_bytes = b""
    """The closing handshake's reply, and pongs before it, until earlier messages have been passed on."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Buffer little of what comes before the client has authenticated, where it must."""
        super().connection_made(transport)
        if self.config.ours.auth != "none":
            self._unauthenticated = True
            self.conn.max_message_size = self._max_message_bytes

    @property
    def _max_message_bytes(self) -> int:
        most = self.config.ws_max_size
        return min(STRANGER_BYTES, most) if self._unauthenticated else most

    @cached_property
    def conn(self) -> ServerProtocol:  # type: ignore[override]
        """The parser of an open socket, made when it is needed: uvicorn's own stands here until the handshake is over.

        With what it holds it is half of the memory of a quiet socket.
        """
        self._lean = False
        return ServerProtocol(state=State.OPEN, max_size=self._max_message_bytes, logger=self.logger)

    def _drop_parser(self) -> None:
        """Let go of a parser that holds nothing: between two messages of an open socket."""
        conn = self.conn
        if conn.state is State.OPEN and conn.current_size is None:
            del self.conn
            self._lean = True

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
            self._drop_parser()
        owner.open(self._socket_transport)
        early = self.queue
        while not early.empty():
            message = early.get_nowait()
            if message["type"] == "websocket.receive":
                text = message.get("text")
                owner.received(text if text is not None else message["bytes"], binary=text is None)  # type: ignore[arg-type]
            else:
                owner.lost()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # The handshake is not needed again; of ten thousand quiet sockets it would be most of the memory.
        self.queue = _NOWHERE
        if self.writable.is_set():
            self.writable = _NO_WAITERS
        else:
            self._socket_transport.writable = False
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
            if not self._lean:
                self.conn.max_message_size = self.config.ws_max_size
        if self._lean or self._partial is not None:
            data = self._take_simple(data, socket_transport)
        if data:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Take what is not simple, by the whole parser."""
        boundary = self._boundary
        if boundary is not None:
            boundary.passed(data)
        self.conn.receive_data(data)
        if self.conn.state is not State.OPEN:
            self._final_bytes = b"".join(self.conn.data_to_send())
        self.handle_events()
        if self.conn.parser_exc is not None and not self.close_sent:
            self.handle_parser_exception()
        if boundary is not None and boundary.between:
            self._drop_parser()

    def _refuse_handshake(self) -> None:
        """Answer a handshake that the WebSocket's parser refuses, such as a header of more than 8 KiB, and end."""
        answer = b"".join(self.conn.data_to_send())
        self.handshake_complete = self.close_sent = True
        self.transport.write(answer or _NO_HANDSHAKE)
        self.transport.close()

    def _take_simple(self, data: bytes, socket_transport: DirectTransport) -> bytes:
        """Take the messages and pongs with which `data` begins, as long as they are simple; return what follows them.

        A message may end the socket, and so need a parser, which then takes what follows.
        """
        at, end = 0, None
        while at < len(data) and (self._lean or self._partial is not None):
            if self._partial is None and (found := whole_text(data, at)) is not None:
                payload, end = found
                if len(payload) > self._max_message_bytes:
                    break  # the parser answers it
                self._receive_text(payload, socket_transport)
            elif self._partial is None and (end := empty_pong(data, at)) is not None:
                socket_transport.owner.controlled()
            elif (end := self._take_partial(data, at, socket_transport)) is None:
                break
            at = end
        return data[at:] if at else data

    def _take_partial(self, data: bytes, at: int, socket_transport: DirectTransport) -> int | None:
        """Take what has come of a large text; return where what follows it begins. None: there is none."""
        if self._partial is None:
            self._partial, at = PartialText.begin(data, at, self._max_message_bytes), at + HEAD_BYTES
        partial = self._partial
        if partial is None:
            return None
        at = partial.take(data, at)
        if partial.whole:
            self._partial = None
            if not self.close_sent:
                self._receive_text(partial.payload, socket_transport)
        return at

    def _receive_text(self, payload: bytes | bytearray, socket_transport: DirectTransport) -> None:
        try:
            text = text_in(payload)
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
            self._socket_transport.owner.received(bytes(data), binary=True)
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

    def pause_writing(self) -> None:
        """Write no more for now: the client does not read."""
        if self._socket_transport is None:
            super().pause_writing()
        else:
            self._socket_transport.writable = False

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if self._socket_transport is not None:
            self._socket_transport.resumed()
