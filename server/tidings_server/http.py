"""Uvicorn's HTTP protocol with the limits it leaves out: size of a request's head, time for it, readers that don't."""

from asyncio import TimerHandle, Transport
from http import HTTPStatus

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tidings.contract.problem import Problem

from .line import SENT_AWAY_S
from .settings import ServerSettings

_encode = msgspec.json.Encoder().encode

UNREAD_S = 0.01
"""How long an idle connection is left open after its time, for the loop to read what has come meanwhile."""


class ServerConfig(uvicorn.Config):
    """Uvicorn's settings, and ours."""

    ours: ServerSettings


class _RefusedError(Exception):
    """Ends the parsing of a request that is refused."""


class HttpProtocol(HttpToolsProtocol):
    """One connection from its beginning to its end, or until it becomes a WebSocket.

    A request that is refused here ends the connection: what follows it is not known to be another.
    """

    config: ServerConfig

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._in_head = True
        self._head_bytes = 0
        self._refusal: Problem | None = None
        self._stuck_timer: TimerHandle | None = None
        self._head_timer: TimerHandle | None = None
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._cancel_timers()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self._cancel_timers()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Take what came, unless after a refusal.

        The head is measured as it comes, lest one without an end be kept whole.
        """
        if self._refusal is not None:
            return
        began_in_head = self._in_head
        super().data_received(data)
        if began_in_head and self._in_head and self._refusal is None:
            self._head_bytes += len(data)
            most = self.config.ours.max_url_bytes + self.config.ours.max_header_bytes
            if self._head_bytes > most:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head", self._head_bytes, most)
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a request's head."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        if self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Measure the head."""
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        ours = self.config.ours
        if len(self.url) > ours.max_url_bytes:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, "URL", len(self.url), ours.max_url_bytes)
            raise _RefusedError
        size = sum(len(name) + len(value) for name, value in self.headers)
        if size > ours.max_header_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers", size, ours.max_header_bytes)
            raise _RefusedError
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be read, or is refused, and end the connection.

        Not at once: were what the client still sends not read, the kernel would answer it by a reset, which overtakes
        the answer.
        """
        refused = self._refusal or _problem(
            HTTPStatus.BAD_REQUEST, "invalid_frame", "this is not a request of HTTP/1.1"
        )
        self._refusal = refused
        body = _encode(refused)
        head = (
            f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}\r\n"
            "content-type: application/problem+json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._cancel_timers()
        self._head_timer = self.loop.call_later(SENT_AWAY_S, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, unless a request has come that the loop has not read yet.

        After a pause (a stopped process, a busy machine) the loop runs timers before it reads: one more turn shows
        whether the connection is idle. Whatever comes cancels it.
        """
        self.timeout_keep_alive_task = self.loop.call_later(UNREAD_S, super().timeout_keep_alive_handler)

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

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.config.ours.request_within_s, self._head_due)

    def _head_due(self) -> None:
        # As with idle connections: the rest may have come, and not been read yet.
        self._head_timer = self.loop.call_later(UNREAD_S, self._head_late)

    def _head_late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            detail = f"the request did not come within {self.config.ours.request_within_s:g} s"
            self._refusal = _problem(HTTPStatus.REQUEST_TIMEOUT, "invalid_frame", detail)
            self.send_400_response("")

    def _refuse(self, status: HTTPStatus, what: str, size: int, most: int) -> None:
        self._refusal = _problem(status, "too_large", f"{what} of {size} bytes; at most {most} are taken", most)

    def _cancel_timers(self) -> None:
        for timer in (self._head_timer, self._stuck_timer):
            if timer is not None:
                timer.cancel()


def _problem(status: HTTPStatus, code: str, detail: str, limit: int | None = None) -> Problem:
    return Problem(type="about:blank", title=status.phrase, status=status, detail=detail, code=code, limit=limit)
