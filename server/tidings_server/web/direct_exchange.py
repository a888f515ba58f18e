"""One plain request and its response, without ASGI between connection and endpoint.

An ASGI server gives each request a task, which passes the coroutines of every middleware, and a queue for its body. Of
a small request, whose body came with its head and whose answer is one call of the store away, that is most of the cost.
Where the server's own HTTP protocol finds such a request (`http/connection/plain_head.py`), it hands it to the endpoint
by a call, and the endpoint answers when the store has.

The endpoint may refuse to take it (return False) as long as it has done nothing: then ASGI's way answers, as it answers
every request that is not plain. Both ways give the same bytes; `tests/e2e/test_direct_exchange.py` compares them.
"""

from asyncio import Transport
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from starlette.responses import Response
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from tidings_server.jobs.quotas import RequestSlot
from tidings_server.observability.error_boundary import unexpected_problem

from .responses import json_lines, problem_response
from .send.direct_body import DirectBody

_CLOSE = b"connection: close\r\n"


class DirectConnection(Protocol):
    """What an exchange needs of its connection."""

    transport: Transport

    @property
    def default_lines(self) -> bytes:
        """The lines that begin the head of every response, such as its date."""

    def leave_idle(self) -> None:
        """Count the connection no more among those that wait for a request."""

    def on_response_complete(self) -> None:
        """Go on to the next request."""

    def run(self, exchange: "DirectExchange", app: ASGIApp) -> None:
        """Have an ASGI application answer an exchange from now on."""

    def begin_body_of(self, exchange: "DirectExchange", head: bytes) -> DirectBody:
        """Return the body of a response that lasts; its head leaves with its first piece."""


class _NoTask:
    """Takes the place of the event by which uvicorn wakes the task of a request: here is none."""

    def set(self) -> None:
        """Do nothing."""


class DirectExchange:
    """One request and its response. Uvicorn's protocol takes it for an exchange of its own that is under way."""

    __slots__ = (
        "_connection",
        "_slot",
        "address",
        "body",
        "disconnected",
        "headers",
        "keep_alive",
        "response_complete",
        "response_started",
        "token",
        "transport",
    )

    message_event = _NoTask()
    more_body = False
    scope = None

    def __init__(
        self, connection: DirectConnection, address: str, headers: Mapping[str, str], token: str, body: bytes
    ) -> None:
        """Take a request.

        Args:
            connection: that it came by.
            address: of the client; empty: it has none, as on a unix socket.
            headers: by their names in lower case; of several of one name the first.
            token: in its path; empty: the path has none.
            body: whole.

        """
        self._connection = connection
        self._slot: RequestSlot | None = None
        self.transport: Transport = connection.transport
        self.address: str = address
        self.headers: Mapping[str, str] = headers
        self.token: str = token
        self.body: bytes = body
        self.keep_alive: bool = True
        """Whether the connection is kept after the response; false once the server stops."""
        self.disconnected: bool = False
        """Whether the client has gone."""
        self.response_started: bool = False
        self.response_complete: bool = False

    def enter(self, slot: RequestSlot) -> None:
        """Count the request until its response is sent or its body begins.

        Raises:
            ProblemError: `rate_limited`.

        """
        slot.__enter__()
        self._slot = slot
        self._connection.leave_idle()

    def leave_slot(self) -> None:
        """Count the request no more; more than once is once."""
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.__exit__()

    def respond(self, response: Response) -> None:
        """Send a response as uvicorn sends it for an ASGI application."""
        lines = b"".join([b"%b: %b\r\n" % header for header in response.raw_headers])
        self.send(response.status_code, lines, bytes(response.body))

    def send(self, status: int, lines: bytes, body: bytes) -> None:
        """Send a response.

        Args:
            status: of the response.
            lines: of its head, each with its end.
            body: whole; `lines` say how long it is.

        """
        self.leave_slot()
        self.response_started = self.response_complete = True
        if self.disconnected:
            return
        self.transport.write(self._head(status, lines) + b"\r\n" + body)
        if not self.keep_alive:
            self.transport.close()
        self._connection.on_response_complete()

    def send_json(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a body of JSON, as `json_response` does."""
        self.send(status, json_lines(len(body), headers), body)

    def run(self, app: ASGIApp) -> None:
        """Have an ASGI application answer from now on, such as a response that waits for its reader."""
        self._connection.run(self, app)

    def begin_body(self, lines: bytes) -> DirectBody | None:
        """Begin a response whose body lasts; None: the client has gone.

        Args:
            lines: of its head, each with its end.

        """
        self.leave_slot()
        if self.disconnected:
            return None
        self.response_started = True
        head = self._head(200, lines) + b"transfer-encoding: chunked\r\n\r\n"
        return self._connection.begin_body_of(self, head)

    def fail(self, request: str, error: Exception) -> None:
        """Answer a request that met an unforeseen error; the log has the cause, the client does not.

        Args:
            request: its method and path as the route writes them, for the log.
            error: what was raised.

        """
        problem = unexpected_problem(request, error)
        if self.response_started:
            self.leave_slot()
            self.transport.abort()
        else:
            self.respond(problem_response(problem))

    def _head(self, status: int, lines: bytes) -> bytes:
        close = b"" if self.keep_alive else _CLOSE
        return b"%b%b%b%b" % (STATUS_LINE[status], self._connection.default_lines, lines, close)


DirectEndpoint = Callable[[DirectExchange], bool]
"""Answers a request, now or later; false: it has done nothing, and ASGI's way is to be taken."""


class DirectEndpoints(NamedTuple):
    """What answers plain requests."""

    submit: DirectEndpoint
    """`POST /v1/jobs`."""
    events: DirectEndpoint
    """`GET /v1/jobs/{token}/events`."""
    open_to: Callable[[list[str]], bool]
    """Returns whether the server answers under these names, the values of the field Host."""
