"""The server's HTTP protocol with fewer writes.

The head of a response leaves with its body, and a body that lasts is written without a task.
"""

from asyncio import AbstractEventLoop, Transport

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tidings_server.web.send.direct_body import DIRECT_BODY_EXTENSION, BodyOwner, DirectBody

from .uvicorn_http import HttpProtocol


class DirectHttpProtocol(HttpProtocol):
    """One connection; a response may take its body over from uvicorn, and its task then ends."""

    _body: "ResponseBody | None" = None

    def on_headers_complete(self) -> None:
        """Offer the application to write the body itself."""
        super().on_headers_complete()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.scope is self.scope:  # else it is the handshake of a WebSocket, or passed over
            extensions: dict[str, object] = cycle.scope["extensions"]  # type: ignore[assignment]
            extensions[DIRECT_BODY_EXTENSION] = self._begin_body
            cycle.transport = HeldHead(self.loop, cycle, self.transport)  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the owner of a body that is under way know."""
        super().connection_lost(exc)
        body, self._body = self._body, None
        if body is not None:
            body.lost()

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if self._body is not None:
            self._body.resumed()

    def end_body(self) -> None:
        """Go on to the next request: the body has been written."""
        self._body = None
        self.on_response_complete()

    def _begin_body(self) -> DirectBody | None:
        cycle = self._answering
        if cycle is None or cycle.more_body or self.transport.is_closing():
            return None
        head: object = cycle.transport
        if not isinstance(head, HeldHead) or not head.hold():
            return None
        self._body = ResponseBody(self, cycle, head, self.flow)
        return self._body


class HeldHead:
    """Takes the place of a transport until the head of a response can leave with the beginning of its body.

    Uvicorn writes them one after the other, and each write is a system call. A body that does not come in the same
    turn of the event loop is not waited for.
    """

    __slots__ = ("_cycle", "_data", "_held", "_loop", "transport")

    def __init__(self, loop: AbstractEventLoop, cycle: RequestResponseCycle, transport: Transport) -> None:
        self.transport = transport
        self._loop = loop
        self._cycle = cycle
        self._data = b""
        self._held = False

    def write(self, data: bytes) -> None:
        """Keep the head; write it with what follows."""
        if self._data:
            self._cycle.transport = self.transport
            self.transport.writelines((self.take(), data))
            return
        self._data = data
        if not self._held:
            self._loop.call_soon(self._flush)

    def is_closing(self) -> bool:
        """Return whether the connection ends."""
        return self.transport.is_closing()

    def close(self) -> None:
        """End the connection, after what is kept."""
        self._flush()
        self.transport.close()

    def hold(self) -> bool:
        """Keep the head until `take`; return false where it has come already."""
        self._held = not self._data
        return self._held

    def take(self) -> bytes:
        """Return what is kept, and forget it."""
        data, self._data = self._data, b""
        return data

    def _flush(self) -> None:
        data = self.take()
        if data:
            self._cycle.transport = self.transport
            self.transport.write(data)


class ResponseBody(DirectBody):
    """The body of the response to one request of a connection."""

    __slots__ = ("_cycle", "_flow", "_head", "_owner", "_protocol", "_transport")

    def __init__(
        self, protocol: DirectHttpProtocol, cycle: RequestResponseCycle, head: HeldHead, flow: FlowControl
    ) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self._transport = head.transport
        self._flow = flow
        self._owner: BodyOwner | None = None
        self._head = head

    def open(self, owner: BodyOwner) -> None:
        """Call `owner` back from now on."""
        cycle = self._cycle
        cycle.transport = self._transport
        # The application's task ends before its response does: uvicorn takes such a client for one that has gone.
        gone, cycle.disconnected = cycle.disconnected, True
        if gone:
            owner.lost()
        else:
            self._owner = owner

    @property
    def writable(self) -> bool:
        """Whether the client keeps up."""
        return not self._flow.write_paused

    def write(self, data: bytes) -> None:
        """Write a piece as a chunk (RFC 9112, section 7.1)."""
        if data and not self._transport.is_closing():
            self._transport.write(b"%b%x\r\n%b\r\n" % (self._head.take(), len(data), data))

    def end(self, data: bytes) -> None:
        """Write the last piece, and the chunk that ends a body."""
        cycle, transport = self._cycle, self._transport
        self._owner = None
        if not transport.is_closing():
            chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            transport.write(b"%b%b0\r\n\r\n" % (self._head.take(), chunk))
            if not cycle.keep_alive:
                transport.close()
        cycle.response_complete = True
        self._protocol.end_body()

    def abort(self) -> None:
        """Drop the connection."""
        self._owner = None
        self._transport.abort()

    # What the connection calls.

    def resumed(self) -> None:
        """Go on: the client has read."""
        if self._owner is not None:
            self._owner.resumed()

    def lost(self) -> None:
        """Take note that the client has gone."""
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.lost()
