"""The server's HTTP protocol with fewer writes.

The head of a response leaves with its body, a body that lasts is written without a task, and a plain request for a job
needs none at all.
"""

import asyncio
from asyncio import AbstractEventLoop, Transport

from starlette.types import ASGIApp
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tidings_server.web.direct_exchange import DirectExchange
from tidings_server.web.send.direct_body import DIRECT_BODY_EXTENSION, BodyOwner, DirectBody

from .connection_timers import Wait
from .plain_head import PlainHeads
from .uvicorn_http import HttpProtocol


class DefaultLines:
    """The lines that begin the head of every response: made again when uvicorn has made the fields again."""

    __slots__ = ("_headers", "_lines")

    def __init__(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._lines = b""

    def of(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return the lines of some fields."""
        if headers is not self._headers:
            self._headers = headers
            self._lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._lines


_default_lines = DefaultLines()


class DirectHttpProtocol(HttpProtocol):
    """One connection; a response may take its body over from uvicorn, and its task then ends."""

    _body: "ResponseBody | None" = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Prepare to find plain requests."""
        super().connection_made(transport)
        endpoints = self.config.direct
        self._plain_heads = None if endpoints is None else PlainHeads(endpoints, self.config.ours)

    def data_received(self, data: bytes) -> None:
        """Take what came: a plain request goes to its endpoint, and all else to the parser."""
        if not (self._stands_between_requests and self._answer_directly(data)):
            super().data_received(data)

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

    # What an exchange asks.

    @property
    def default_lines(self) -> bytes:
        """The lines that begin the head of every response, such as its date."""
        return _default_lines.of(self.server_state.default_headers)

    def leave_idle(self) -> None:
        """Count the connection no more among those that wait for a request."""
        self._slot.leave()

    def run(self, exchange: DirectExchange, app: ASGIApp) -> None:
        """Have an ASGI application answer an exchange from now on; its scope says no more than a response asks for."""
        scope: HTTPScope = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "root_path": self.root_path,
            "path": "/v1/jobs",
            "raw_path": b"/v1/jobs",
            "query_string": b"",
            "headers": [],
            "state": {},
        }
        cycle = RequestResponseCycle(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            expect_100_continue=False,
            keep_alive=exchange.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        cycle.disconnected = exchange.disconnected
        newest: object = self.cycle
        if newest is exchange:  # else a request waits behind it
            self.cycle = cycle
        self._answering = cycle
        self._start_asgi_task(cycle, app)  # type: ignore[arg-type]  # Starlette's types of the same

    def begin_body_of(self, exchange: DirectExchange, head: bytes) -> DirectBody:
        """Return the body of a direct exchange's response."""
        self._body = ResponseBody(self, exchange, ReadyHead(self.transport, head), self.flow)
        return self._body

    def end_body(self) -> None:
        """Go on to the next request: the body has been written."""
        self._body = None
        self.on_response_complete()

    # Private.

    @property
    def _stands_between_requests(self) -> bool:
        """Whether what comes begins a request, and no other is under way."""
        return (
            (self._whole or not self._requests)
            and (self._answering is None or self._answering.response_complete)
            and self._refusal is None
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _answer_directly(self, data: bytes) -> bool:
        """Hand a plain request over to its endpoint; return false where ASGI's way is to be taken."""
        request = None if self._plain_heads is None else self._plain_heads.read(data)
        most = self.limit_concurrency
        if request is None or (most is not None and max(len(self.connections), len(self.tasks)) >= most):
            return False
        self._unset_keepalive_if_required()
        self._timers.stop(Wait.HEAD)
        exchange = DirectExchange(self, self._address, request.headers, request.token, request.body)
        before = self.cycle, self._answering
        self.cycle = self._answering = exchange  # type: ignore[assignment]  # it has what uvicorn reads of its own
        if request.endpoint(exchange):
            return True
        self.cycle, self._answering = before
        return False

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


class ReadyHead:
    """The head of a response that leaves with the beginning of its body."""

    __slots__ = ("_data", "transport")

    def __init__(self, transport: Transport, data: bytes) -> None:
        self.transport = transport
        self._data = data

    def take(self) -> bytes:
        """Return what is kept, and forget it."""
        data, self._data = self._data, b""
        return data


class ResponseBody(DirectBody):
    """The body of the response to one request of a connection."""

    __slots__ = ("_cycle", "_flow", "_head", "_owner", "_protocol", "_transport")

    def __init__(
        self,
        protocol: DirectHttpProtocol,
        cycle: RequestResponseCycle | DirectExchange,
        head: HeldHead | ReadyHead,
        flow: FlowControl,
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
