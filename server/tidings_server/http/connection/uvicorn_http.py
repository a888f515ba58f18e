"""Uvicorn's HTTP protocol with the limits that it leaves out: of heads, bodies and trailers, of time, of connections.

A connection has an end whatever its client does, because at each moment one of these runs:

* while it waits for a request or reads its head: the time of a head (`request_within_s`), or uvicorn's for idle ones;
* while a body has not come whole: the time of a body, whether the route reads it, has answered, or neither;
* while a response is under way: the application's own limits, and that of a reader that does not read.
"""

from asyncio import Transport
from http import HTTPStatus

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tidings.protocol.problems import Problem, ProblemError
from tidings_server.jobs.concurrency_limit import ConcurrencySlot
from tidings_server.web.uvicorn_config import COUNTED_EXTENSION, CUT_EXTENSION, SENT_AWAY_S, ServerConfig

from .connection_timers import ConnectionTimers, Wait
from .http_refusal import refusal, refusal_response
from .request_meter import RequestMeter
from .upgrade import head_without_offer, is_websocket_handshake, offered

MAX_PIPELINED = 32
"""Requests of one connection that may wait behind the one that is answered."""

IDLE_GRACE_S = 0.01
"""How long an idle connection is left open after its time, for the loop to read what has come meanwhile."""


class _RefusedError(Exception):
    """Ends the parsing of a request that is refused."""


class HttpProtocol(HttpToolsProtocol):
    """One connection from its beginning to its end, or until it becomes a WebSocket.

    A request that is refused here ends the connection: what follows it is not known to be another.
    """

    config: ServerConfig

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Count the connection for its address, and begin to wait for the first request."""
        super().connection_made(transport)
        self._meter = RequestMeter(self.config.ours)
        self._timers = ConnectionTimers(self.loop)
        self._whole = False
        """Whether the last request has come whole."""
        self._taken = False
        """Whether the application has the request that comes."""
        self._passed_over = False
        """Whether the request offers another protocol than the WebSocket's."""
        self._requests = 0
        self._answering: RequestResponseCycle | None = None
        self._refusal: Problem | None = None
        self._address = str(self.client[0]) if self.client else ""
        self._slot = ConcurrencySlot(self.config.quotas.idle, self._address)
        """Held while the connection waits for a request: a request over it is counted itself."""
        try:
            self._slot.take()
        except ProblemError as error:
            self._refuse_now(error.problem)
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop every wait, and let every request of the connection know that its client has gone."""
        self._timers.stop_all()
        self._slot.leave()
        for cycle in (self._answering, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                _disconnect(cycle)
        self.pipeline.clear()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; a socket is counted as such."""
        self._timers.stop_all()
        self._slot.leave()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Take what came, unless after a refusal."""
        if self._refusal is not None:
            return
        self._unset_keepalive_if_required()
        self._feed(data)
        if self._goes_on:
            self._watch()

    # What the parser finds.

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a request's head."""
        super().on_message_begin()
        self._requests += 1
        self._whole, self._taken, self._passed_over = False, False, False
        self._meter.begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of a trailer nothing is kept, or it would be taken for one (RFC 9110, section 6.5.1)."""
        self._refuse(self._meter.add_field())
        if self._meter.in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Measure the head, and start the application."""
        self._timers.stop(Wait.HEAD)
        self._refuse(self._meter.end_head(self.url, self.headers))
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._passed_over = True
            return
        extensions = {COUNTED_EXTENSION: self._slot.leave, CUT_EXTENSION: self.transport.close}
        self.scope["extensions"] = extensions  # type: ignore[typeddict-item]
        super().on_headers_complete()
        self._taken = True
        if not (self.pipeline and self.pipeline[0][0] is self.cycle):
            self._answering = self.cycle
        if len(self.pipeline) > MAX_PIPELINED:
            detail = f"more than {MAX_PIPELINED} requests wait on this connection"
            self._refuse(refusal(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", detail))

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; a piece that comes after the response is dropped, up to a limit."""
        self._meter.body_bytes += len(body)
        if self.cycle.response_complete and self._meter.drop(len(body)):
            self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take note that the request has come whole."""
        if self._passed_over:
            return
        self._whole = True
        self._timers.stop(Wait.BODY)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answer the next request, or wait for it; the connection is counted for its address again."""
        following = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        if self.transport.is_closing():
            return
        self._answering = following
        self._slot.add()
        self._watch()

    # What uvicorn asks.

    def _get_upgrade(self) -> bytes | None:
        return offered(self.headers)

    def _should_upgrade(self) -> bool:
        parser = self.parser
        return is_websocket_handshake(parser.get_method(), parser.get_http_version(), self.headers)

    def send_400_response(self, msg: str) -> None:
        """Send the refusal of a request that cannot be read, or is refused, and end the connection.

        Not at once: were what the client still sends not read, the kernel would answer it by a reset, which overtakes
        the response. Behind a response that is under way there is no place for another: the connection ends with it.
        """
        refused = self._refusal or refusal(HTTPStatus.BAD_REQUEST, "invalid_frame", "this is not a request of HTTP/1.1")
        self._refusal = refused
        self._timers.stop_all()
        under_way = self._answering
        if under_way is not None and not under_way.response_complete:
            in_body = self._taken and not self._whole and under_way is self.cycle
            if under_way.response_started or not in_body:
                self.pipeline.clear()
                under_way.keep_alive = False
                self.flow.pause_reading()
                return
            _disconnect(under_way)
        elif self._taken and not self._whole:
            self.transport.abort()  # the client has had its response, and goes on sending
            return
        self.transport.write(refusal_response(refused))
        self._timers.start(Wait.HEAD, SENT_AWAY_S, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, unless a request has come that the loop has not read yet.

        After a pause (a stopped process, a busy machine) the loop runs timers before it reads: one more turn shows
        whether the connection is idle. Whatever comes cancels it.
        """
        self.timeout_keep_alive_task = self.loop.call_later(IDLE_GRACE_S, super().timeout_keep_alive_handler)

    def pause_writing(self) -> None:
        """Give a client that does not read some time, and then drop the connection."""
        super().pause_writing()
        self._timers.start(Wait.READER, self.config.ours.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        self._timers.stop(Wait.READER)

    # Private.

    def _feed(self, data: bytes) -> None:
        meter, request = self._meter, self._requests
        began_in_head, body_bytes = meter.in_head, meter.body_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            self._upgrade(data[stop.args[0] :])
            return
        except httptools.HttpParserError:
            self.send_400_response("")
            return
        refused: Problem | None = None
        if meter.in_head and began_in_head:
            refused = meter.add_head(len(data))
        elif not (self._whole or began_in_head) and request == self._requests:
            refused = meter.add_framing(len(data) - (meter.body_bytes - body_bytes))
        if refused is not None:
            self._refuse_now(refused)

    def _upgrade(self, rest: bytes) -> None:
        if not self._passed_over:
            if self._idle:
                self.handle_websocket_upgrade()
            else:
                self.send_400_response("")  # the response to an earlier request is under way over this connection
            return
        method = self.parser.get_method()
        if method == b"CONNECT":  # RFC 9110, section 9.3.6: this is no proxy
            detail = "this server makes no tunnels"
            self._refuse_now(refusal(HTTPStatus.NOT_IMPLEMENTED, "invalid_frame", detail))
            return
        head = head_without_offer(method, self.url, self.parser.get_http_version(), self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(head + rest)

    def _watch(self) -> None:
        """See that the connection has an end, whatever comes or does not come.

        Behind a request that is under way nothing is read, so that nothing can be late: its response ends the wait.
        """
        in_head = self._meter.in_head
        if not (self._idle or (self._answering is self.cycle and not in_head)):
            return
        if not in_head and not self._whole:
            if not self._timers.runs(Wait.BODY):
                # Later than the route's own limit, whose answer says more.
                within_s = self.config.ours.request_within_s + SENT_AWAY_S
                self._timers.start(Wait.BODY, within_s, self._body_late)
        elif self._idle and not self._timers.runs(Wait.HEAD) and self.timeout_keep_alive_task is None:
            self._await_head()

    @property
    def _goes_on(self) -> bool:
        """Whether more of what comes is to be read here."""
        ours = self.transport.get_protocol() is self
        return ours and self._refusal is None and not self.transport.is_closing()

    @property
    def _idle(self) -> bool:
        """Whether no request is under way."""
        return self._answering is None or self._answering.response_complete

    def _await_head(self) -> None:
        self._timers.start(Wait.HEAD, self.config.ours.request_within_s, self._head_due)

    def _head_due(self) -> None:
        # As with idle connections: the rest may have come, and not been read yet.
        self._timers.start(Wait.HEAD, IDLE_GRACE_S, self._late, "request")

    def _body_late(self) -> None:
        self._timers.stop(Wait.BODY)
        if self.cycle.response_started:
            self.transport.abort()
        else:
            self._late("body")

    def _late(self, what: str) -> None:
        self._timers.stop(Wait.HEAD)
        if not self.transport.is_closing():
            detail = f"the {what} did not come within {self.config.ours.request_within_s:g} s"
            self._refuse_now(refusal(HTTPStatus.REQUEST_TIMEOUT, "invalid_frame", detail))

    def _refuse(self, refused: Problem | None) -> None:
        """Refuse a request while the parser reads it, if there is a problem; the parser ends with an error."""
        if refused is not None:
            self._refusal = refused
            raise _RefusedError

    def _refuse_now(self, refused: Problem) -> None:
        """Refuse what comes over this connection, from outside the parser."""
        self._refusal = refused
        self.send_400_response("")


def _disconnect(cycle: RequestResponseCycle) -> None:
    """Let a request know that its client has gone."""
    cycle.disconnected = True
    cycle.message_event.set()
