"""Uvicorn's HTTP protocol with the limits it leaves out: of heads, bodies and trailers, of time, of connections.

A connection has an end whatever its client does, because at each moment one of these runs:

* while it waits for a request or reads its head: the time of a head (`request_within_s`), or uvicorn's for idle ones;
* while a body has not come whole: the time of a body, whether the route reads it, has answered, or neither;
* while a response is under way: the application's own limits, and that of a reader that does not read.
"""

from asyncio import TimerHandle, Transport
from http import HTTPStatus

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tidings.protocol.problems import Problem, ProblemError
from tidings_server.web.uvicorn_config import COUNTED_EXTENSION, SENT_AWAY_S, ServerConfig

from .upgrade import head_without_offer, offered

MAX_FIELDS = 256
"""Fields in the head of a request, and as many in its trailer."""

MAX_PIPELINED = 32
"""Requests of one connection that may wait behind the one that is answered."""

CHUNK_OVERHEAD = 16
"""Bytes of framing that each byte of a chunked body may have, besides the size of a head; tiny chunks have six."""


_encode = msgspec.json.Encoder().encode

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
        self._in_head = True
        self._whole = False
        """Whether the last request has come whole."""
        self._taken = False
        """Whether the application has the request that comes."""
        self._passed_over = False
        """Whether the request offers another protocol than the WebSocket's."""
        self._head_bytes = self._fields = 0
        self._body_bytes = self._framing_bytes = self._dropped_bytes = 0
        self._requests = 0
        self._answering: RequestResponseCycle | None = None
        self._refusal: Problem | None = None
        self._stuck_timer: TimerHandle | None = None
        self._head_timer: TimerHandle | None = None
        self._body_timer: TimerHandle | None = None
        self._address = str(self.client[0]) if self.client else ""
        self._counted = False
        try:
            self.config.quotas.idle.take(self._address)
        except ProblemError as error:
            self._refusal = error.problem
            self.send_400_response("")
        else:
            self._counted = True
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more, and have every request of the connection know that its client has gone."""
        self._cancel_timers()
        self._depart()
        for cycle in (self._answering, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; a socket is counted as such."""
        self._cancel_timers()
        self._depart()
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
        self._in_head, self._whole, self._taken, self._passed_over = True, False, False, False
        self._head_bytes = self._fields = 0
        self._body_bytes = self._framing_bytes = self._dropped_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of a trailer nothing is kept, or it would be taken for one (RFC 9110, section 6.5.1)."""
        self._fields += 1
        if self._fields > MAX_FIELDS:
            where = "head" if self._in_head else "trailer"
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"{where} of more than {MAX_FIELDS} fields")
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Measure the head."""
        self._in_head = False
        self._fields = 0
        self._stop_head_timer()
        ours = self.config.ours
        if len(self.url) > ours.max_url_bytes:
            self._refuse_size(HTTPStatus.REQUEST_URI_TOO_LONG, "URL", len(self.url), ours.max_url_bytes)
        size = sum(len(name) + len(value) for name, value in self.headers)
        if size > ours.max_header_bytes:
            self._refuse_size(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers", size, ours.max_header_bytes)
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._passed_over = True
            return
        self.scope["extensions"] = {COUNTED_EXTENSION: self._depart}  # type: ignore[dict-item]
        super().on_headers_complete()
        self._taken = True
        if not (self.pipeline and self.pipeline[0][0] is self.cycle):
            self._answering = self.cycle
        if len(self.pipeline) > MAX_PIPELINED:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, f"more than {MAX_PIPELINED} requests wait on this connection")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; what comes after the answer is dropped, as far as that goes."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._dropped_bytes += len(body)
            if self._dropped_bytes > self.config.ours.max_batch_bytes:
                self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take note that the request has come whole."""
        if self._passed_over:
            return
        self._whole = True
        self._stop_body_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answer the next request, or wait for it; the connection is counted for its address again."""
        following = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        if self.transport.is_closing():
            return
        self._answering = following
        if not self._counted:
            self.config.quotas.idle.add(self._address)
            self._counted = True
        self._watch()

    # What uvicorn asks.

    def _get_upgrade(self) -> bytes | None:
        return offered(self.headers)

    def _should_upgrade(self) -> bool:
        """Whether the WebSocket's handshake has come: it is a GET without a body (RFC 6455, section 4.2.1)."""
        return (
            self._get_upgrade() == b"websocket"
            and self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and not any(
                name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
                for name, value in self.headers
            )
        )

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be read, or is refused, and end the connection.

        Not at once: were what the client still sends not read, the kernel would answer it by a reset, which overtakes
        the answer. Behind an answer that is under way there is no place for another: the connection ends with it.
        """
        refused = self._refusal or _problem(
            HTTPStatus.BAD_REQUEST, "invalid_frame", "this is not a request of HTTP/1.1"
        )
        self._refusal = refused
        self._cancel_timers()
        under_way = self._answering
        if under_way is not None and not under_way.response_complete:
            in_body = self._taken and not self._whole and under_way is self.cycle
            if under_way.response_started or not in_body:
                self.pipeline.clear()
                under_way.keep_alive = False
                self.flow.pause_reading()
                return
            under_way.disconnected = True
            under_way.message_event.set()
        elif self._taken and not self._whole:
            self.transport.abort()  # it has had its answer, and goes on sending
            return
        body = _encode(refused)
        head = (
            f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}\r\n"
            "content-type: application/problem+json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n"
        )
        if refused.retry_after is not None:
            head += f"retry-after: {max(1, round(refused.retry_after))}\r\n"
        self.transport.write(f"{head}\r\n".encode() + body)
        self._head_timer = self.loop.call_later(SENT_AWAY_S, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, unless a request has come that the loop has not read yet.

        After a pause (a stopped process, a busy machine) the loop runs timers before it reads: one more turn shows
        whether the connection is idle. Whatever comes cancels it.
        """
        self.timeout_keep_alive_task = self.loop.call_later(IDLE_GRACE_S, super().timeout_keep_alive_handler)

    def pause_writing(self) -> None:
        """Let go of a reader that does not read for a while."""
        super().pause_writing()
        self._stuck_timer = self.loop.call_later(self.config.ours.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the reader has read."""
        super().resume_writing()
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None

    # Private.

    def _feed(self, data: bytes) -> None:
        began_in_head, request, body_bytes = self._in_head, self._requests, self._body_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            self._upgrade(data[stop.args[0] :])
            return
        except httptools.HttpParserError:
            self.send_400_response("")
            return
        # What has no end is measured as it comes, lest it be kept whole.
        if self._in_head and began_in_head:
            self._measure_head(len(data))
        elif not (self._whole or began_in_head) and request == self._requests:
            self._measure_framing(len(data) - (self._body_bytes - body_bytes))

    def _upgrade(self, rest: bytes) -> None:
        if not self._passed_over:
            if self._idle:
                self.handle_websocket_upgrade()
            else:
                self.send_400_response("")  # another's answer is on its way over this connection
            return
        method = self.parser.get_method()
        if method == b"CONNECT":  # RFC 9110, section 9.3.6: this is no proxy
            self._refusal = _problem(HTTPStatus.NOT_IMPLEMENTED, "invalid_frame", "this server makes no tunnels")
            self.send_400_response("")
            return
        head = head_without_offer(method, self.url, self.parser.get_http_version(), self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(head + rest)

    def _measure_head(self, size: int) -> None:
        self._head_bytes += size
        most = self.config.ours.max_url_bytes + self.config.ours.max_header_bytes
        if self._head_bytes > most:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._refusal = _too_large(status, f"head of {self._head_bytes} bytes; at most {most} are taken", most)
            self.send_400_response("")

    def _measure_framing(self, size: int) -> None:
        """Bound what a chunked body has besides its bytes: sizes and extensions of chunks, and the trailer."""
        self._framing_bytes += size
        most = self.config.ours.max_header_bytes
        if self._framing_bytes > most + CHUNK_OVERHEAD * self._body_bytes:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._refusal = _too_large(status, f"trailer of more than {most} bytes", most)
            self.send_400_response("")

    def _watch(self) -> None:
        """See that the connection has an end, whatever comes or does not come.

        Behind a request that is under way nothing is read, so that nothing can be late: the answer's end is awaited.
        """
        if not (self._idle or (self._answering is self.cycle and not self._in_head)):
            return
        if not self._in_head and not self._whole:
            if self._body_timer is None:
                # Later than the route's own limit, which tells more.
                within_s = self.config.ours.request_within_s + SENT_AWAY_S
                self._body_timer = self.loop.call_later(within_s, self._body_late)
        elif self._idle and self._head_timer is None and self.timeout_keep_alive_task is None:
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
        self._head_timer = self.loop.call_later(self.config.ours.request_within_s, self._head_due)

    def _head_due(self) -> None:
        # As with idle connections: the rest may have come, and not been read yet.
        self._head_timer = self.loop.call_later(IDLE_GRACE_S, self._late, "request")

    def _body_late(self) -> None:
        self._body_timer = None
        if self.cycle.response_started:
            self.transport.abort()
        else:
            self._late("body")

    def _late(self, what: str) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            detail = f"the {what} did not come within {self.config.ours.request_within_s:g} s"
            self._refusal = _problem(HTTPStatus.REQUEST_TIMEOUT, "invalid_frame", detail)
            self.send_400_response("")

    def _refuse_size(self, status: HTTPStatus, what: str, size: int, most: int) -> None:
        self._refusal = _too_large(status, f"{what} of {size} bytes; at most {most} are taken", most)
        raise _RefusedError

    def _refuse(self, status: HTTPStatus, what: str) -> None:
        code = "rate_limited" if status == HTTPStatus.TOO_MANY_REQUESTS else "too_large"
        self._refusal = _problem(status, code, what)
        raise _RefusedError

    def _depart(self) -> None:
        """Count the connection no more: what is done over it is counted itself, or it has ended."""
        if self._counted:
            self._counted = False
            self.config.quotas.idle.leave(self._address)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_body_timer(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def _cancel_timers(self) -> None:
        self._stop_head_timer()
        self._stop_body_timer()
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None


def _too_large(status: HTTPStatus, detail: str, most: int) -> Problem:
    return _problem(status, "too_large", detail, most)


def _problem(status: HTTPStatus, code: str, detail: str, limit: int | None = None) -> Problem:
    return Problem(type="about:blank", title=status.phrase, status=status, detail=detail, code=code, limit=limit)
