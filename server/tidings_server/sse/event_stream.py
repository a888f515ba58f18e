"""The form of server-sent events, and one client's stream of them with its writing.

A stream is never buffered on its way, holds a bounded number of bytes for a reader that is slow, and
is broken off when the reader has stopped: see `EventStream`. Under the server's own HTTP protocol no task writes it:
see `direct_stream.py`.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import math
import random
import time
from collections.abc import Callable
from functools import cached_property

import anyio
import msgspec
import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidings.logging.log_limit import LogLimiter
from tidings.protocol.events import EventClass
from tidings.protocol.frames.messages import Error
from tidings.protocol.problems import Problem
from tidings_server.auth.identity import Identity
from tidings_server.settings import ServerSettings
from tidings_server.watch.granted_watches import GrantedWatches
from tidings_server.watch.job_listener import JobListener
from tidings_server.web.direct_exchange import DirectExchange
from tidings_server.web.send.connection_age import connection_lifetime
from tidings_server.web.send.direct_body import DIRECT_BODY_EXTENSION, BeginBody, DirectBody
from tidings_server.web.send.end_calls import EndCalls
from tidings_server.web.send.send_buffer import SendBuffer

from .direct_stream import LEAST_WAIT_S, DirectStream

log = structlog.get_logger()

_encode = msgspec.json.Encoder().encode

_limited = LogLimiter(log)

RETRY_MS = (1_000, 3_000)
"""Least and most that a browser waits before it connects again; drawn for each stream, many may break at once."""

PIECE_BYTES = 65_536
"""How much is handed to the ASGI server in one go, about: as much as uvicorn buffers before it lets a sender wait."""

HEARTBEAT = ":\n"
"""A comment. No empty line ends it: readers as `fetch-event-source` and `httpx-sse` take that for a message."""

HEADERS = {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",  # nginx buffers otherwise
    "x-content-type-options": "nosniff",
}


_RAW_HEADERS = [
    *((name.encode(), value.encode()) for name, value in HEADERS.items()),
    (b"content-type", b"text/event-stream; charset=utf-8"),
]
"""Without a length: the body ends when it ends."""

_HEADER_LINES = b"".join(b"%b: %b\r\n" % header for header in _RAW_HEADERS)


def format_event(identity: str | None, name: str, data: str) -> str:
    """Return one event of the stream; JSON text has no line breaks."""
    line = "" if identity is None else f"id: {identity}\n"
    return f"{line}event: {name}\ndata: {data}\n\n"


def format_retry(milliseconds: float) -> str:
    """Return the line that says how long to wait before connecting again.

    It counts as soon as it is read. It stands in the block of the event that follows, for the reason of `HEARTBEAT`.
    """
    return f"retry: {round(milliseconds)}\n"


class EventStream(Response):
    """One client's stream: what waits to be sent, and the answer that sends it.

    The history that the client asked for is sent however large it is. Later events wait in the send buffer. The stream
    ends when more than `max_waiting_bytes` wait, when one write takes longer than `write_timeout_s`, at its maximal
    age, and when its credential ends. The client resumes where it was.
    """

    media_type = "text/event-stream"

    needs_task = False
    """Whether it asks the store for what it writes, or waits otherwise: such a stream is written by a task."""

    def __init__(self, settings: ServerSettings, identity: Identity) -> None:
        """Prepare; called as an ASGI application it answers."""
        # Not by the constructor of all responses: each stream's head is the same.
        self.status_code = 200
        self.background = None
        self.body = b""
        self.raw_headers = [*_RAW_HEADERS]
        self.leave = EndCalls()
        """Undone when the stream has ended."""
        self.history: SendBuffer[str] = SendBuffer(settings.max_waiting_bytes)
        """What the client has missed; once it has overflowed no more should be added."""
        self.told: Callable[[], None] = lambda: None
        """Called when the history has been sent."""
        self.live = 0
        """Jobs that still go on."""
        self.leaving = False
        """Whether the server drains."""
        self.on_news: Callable[[], None] | None = None
        """Called when there is something to write, or the stream may be over; None: a task waits for it."""
        self._settings = settings
        self._identity = identity
        self._send_buffer: SendBuffer[str] = SendBuffer(settings.max_waiting_bytes)
        self.granted: GrantedWatches | None = None
        """Those of its jobs that stand by a grant; None: the client has shown no grant."""
        self.too_slow = False
        """Whether the stream has ended because its reader was too slow."""
        self._history_sent = False
        self._ends_at = time.monotonic() + connection_lifetime(settings.max_connection_age_s)

    @cached_property
    def _news(self) -> asyncio.Event:
        """Set when there is news for the task that writes the stream; one that is written without a task has none."""
        return asyncio.Event()

    @property
    def waiting_bytes(self) -> int:
        """How much waits to be sent."""
        return self.history.waiting_bytes + self._send_buffer.waiting_bytes

    def write(self, token: str, event_class: int, text: str) -> None:
        """Add one event; end the stream if its reader leaves too much waiting."""
        if self.too_slow:
            return
        self._send_buffer.put_event(token, event_class, text)
        if self._send_buffer.overflowed:
            self._send_buffer.take()
            self.too_slow = True
            _limited.info("stream_too_slow", limit_bytes=self._settings.max_waiting_bytes)
        self._wake()

    def tell(self, listener: JobListener, problem: Problem) -> None:
        """Write what has come, or will come, of one job's watch: an event with the name of the problem's code."""
        token = str(listener.token)
        text = _encode(Error(ref=None, problem=problem, token=token)).decode()
        self.write(token, EventClass.CHANGE, format_event(None, problem.code, text))

    @property
    def send_buffer(self) -> SendBuffer[str]:
        """What waits behind the history."""
        return self._send_buffer

    def end_one(self) -> None:
        """Take note that one job sends no more events."""
        self.live -= 1
        self._wake()

    def drain(self) -> None:
        """End, and have the client come back elsewhere."""
        self.leaving = True
        self._wake()

    def _wake(self) -> None:
        if self.on_news is None:
            self._news.set()
        else:
            self.on_news()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the stream until it has ended or the client has gone; written directly, it outlasts the call."""
        begin_body: BeginBody | None = scope.get("extensions", {}).get(DIRECT_BODY_EXTENSION)
        if begin_body is not None and not self.needs_task and scope["method"] != "HEAD":
            body = begin_body()
            if body is not None:
                with self.leave:
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                    self._write_directly(body)
                return
        with self.leave:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body"})
                return
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope, name="stream reader")
                try:
                    await self._write_all(send)
                except TimeoutError:  # under another ASGI server, which has to drop the connection
                    _limited.info("stream_stalled", seconds=2 * self._settings.write_timeout_s)
                tasks.cancel_scope.cancel()

    def answer(self, exchange: DirectExchange) -> None:
        """Answer a direct exchange with the stream, which outlasts the call unless the client has gone."""
        with self.leave:
            body = exchange.begin_body(_HEADER_LINES)
            if body is not None:
                self._write_directly(body)

    def _write_directly(self, body: DirectBody) -> None:
        DirectStream(self, body, self.leave.pop_all()).begin()

    # What is written, and when: the same by a task and without one.

    def first_piece(self) -> str:
        """Return what the stream begins with, before any event."""
        return format_retry(random.uniform(*RETRY_MS))  # noqa: S311 - jitter

    def next_piece(self) -> str:
        """Return about `PIECE_BYTES` of what waits, and forget them; empty: nothing waits that the client may see.

        To be called once more after the last piece has been sent: the room of a large history is given back then.
        """
        if self._identity.expired():
            return ""
        if self.history:
            return "".join(self.history.take_some(PIECE_BYTES))
        if not self._history_sent:
            self._history_sent = True
            self.told()
        if self.too_slow:
            return ""
        self._watch_grants()
        return "".join(self._send_buffer.take_some(PIECE_BYTES)) if self._send_buffer else ""

    def over(self) -> bool:
        """Return whether nothing more is to come; what waits has been taken."""
        return self.live <= 0 or self.leaving or self.too_slow or self._left() <= 0

    def last_piece(self) -> str:
        """Return what the stream ends with: why the client sees no more, or when it is to come back."""
        text = ""
        if self.granted is not None and self._identity.expired():
            self._send_buffer.take()  # the client may see nothing more
            self._watch_grants()
            text = "".join(self._send_buffer.take())
        if self.leaving:
            text += format_retry(random.uniform(0, self._settings.drain_s) * 1000)  # noqa: S311 - jitter
        return text

    def due_s(self, silent_s: float = 0) -> float:
        """Return for how long there is nothing to do unless news comes, s: then a sign of life is due, or an end.

        Args:
            silent_s: for how long nothing has been written, s.

        """
        return min(self._left(), self._watch_grants(), self._settings.sse_heartbeat_s - silent_s)

    def sign_of_life(self, silent_s: float) -> str:
        """Return what is written where nothing has been for so long; empty: it is too early, or may not be any more."""
        return "" if silent_s < self._settings.sse_heartbeat_s or self._identity.expired() else HEARTBEAT

    def _left(self) -> float:
        """Return how long the stream may last, by its age and its credential, s."""
        return min(self._ends_at - time.monotonic(), self._identity.left())

    def _watch_grants(self) -> float:
        """Write what is due of the grants; return for how long nothing more is, s."""
        if self.granted is None:
            return math.inf
        now = time.time()
        self.granted.tick(now)
        return max(self.granted.due_at - now, LEAST_WAIT_S)

    async def _write_all(self, send: Send) -> None:
        await self._send(send, self.first_piece())
        while True:
            while piece := self.next_piece():
                await self._send(send, piece)
            if self.over():
                break
            self._news.clear()
            if not await happens(self._news, self.due_s()) and (text := self.sign_of_life(math.inf)):
                await self._send(send, text)
        await self._send(send, self.last_piece())
        await self._send(send, "", more=False)

    async def _send_all(self, send: Send, waiting: SendBuffer[str]) -> None:
        while waiting and not self._identity.expired():
            await self._send(send, "".join(waiting.take_some(PIECE_BYTES)))

    async def _send(self, send: Send, text: str, *, more: bool = True) -> None:
        """Send one piece.

        Raises:
            TimeoutError: the client has not read for too long.

        """
        # Twice: the server's own HTTP protocol drops the connection after once, and then no client is left to answer.
        with anyio.fail_after(2 * self._settings.write_timeout_s):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def happens(news: asyncio.Event, timeout: float) -> bool:
    """Return whether something comes within so many seconds."""
    with anyio.move_on_after(timeout):
        await news.wait()
        return True
    return False
