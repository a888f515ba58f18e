"""The form of server-sent events, and one client's stream of them with its writing.

A stream is never buffered on its way, holds a bounded number of bytes for a reader that is slow, and
is broken off when the reader has stopped: see `EventStream`.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import math
import random
import time
from collections.abc import Callable
from contextlib import ExitStack

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
from tidings_server.web.send.connection_age import connection_lifetime
from tidings_server.web.send.send_buffer import SendBuffer

log = structlog.get_logger()

_encode = msgspec.json.Encoder().encode

_limited = LogLimiter(log)

RETRY_MS = (1_000, 3_000)
"""Least and most that a browser waits before it connects again; drawn for each stream, many may break at once."""

PIECE_BYTES = 65_536
"""How much is handed to the ASGI server in one go, about: as much as uvicorn buffers before it lets a sender wait."""

LEAST_WAIT_S = 0.01
"""The shortest wait for the end of a grant: the clock that says so may be coarse."""

HEARTBEAT = ":\n"
"""A comment. No empty line ends it: readers as `fetch-event-source` and `httpx-sse` take that for a message."""

HEADERS = {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",  # nginx buffers otherwise
    "x-content-type-options": "nosniff",
}


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

    def __init__(self, settings: ServerSettings, identity: Identity) -> None:
        """Prepare; called as an ASGI application it answers."""
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self.leave = ExitStack()
        """Undone when the stream has ended."""
        self.history: SendBuffer[str] = SendBuffer(settings.max_waiting_bytes)
        """What the client has missed; once it has overflowed no more should be added."""
        self.told: Callable[[], None] = lambda: None
        """Called when the history has been sent."""
        self.live = 0
        """Jobs that still go on."""
        self.leaving = False
        """Whether the server drains."""
        self._settings = settings
        self._identity = identity
        self._send_buffer: SendBuffer[str] = SendBuffer(settings.max_waiting_bytes)
        self.granted: GrantedWatches | None = None
        """Those of its jobs that stand by a grant; None: the client has shown no grant."""
        self.too_slow = False
        """Whether the stream has ended because its reader was too slow."""
        self._news = asyncio.Event()
        self._ends_at = time.monotonic() + connection_lifetime(settings.max_connection_age_s)

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
        self._news.set()

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
        self._news.set()

    def drain(self) -> None:
        """End, and have the client come back elsewhere."""
        self.leaving = True
        self._news.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the stream until it has ended or the client has gone."""
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

    async def _write_all(self, send: Send) -> None:
        await self._send(send, format_retry(random.uniform(*RETRY_MS)))  # noqa: S311 - jitter
        await self._send_all(send, self.history)
        self.told()
        while not self.too_slow and not self._identity.expired():
            granted_s = self._watch_grants()
            await self._send_all(send, self._send_buffer)
            left = min(self._ends_at - time.monotonic(), self._identity.left(), granted_s)
            if self.live <= 0 or self.leaving or left <= 0:
                break
            self._news.clear()
            if (
                not await happens(self._news, min(left, self._settings.sse_heartbeat_s))
                and not self._identity.expired()
            ):
                await self._send(send, HEARTBEAT)
        if self.granted is not None and self._identity.expired():
            self._send_buffer.take()  # the client may see nothing more
            self._watch_grants()
            await self._send(send, "".join(self._send_buffer.take()))
        if self.leaving:
            await self._send(send, format_retry(random.uniform(0, self._settings.drain_s) * 1000))  # noqa: S311 - jitter
        await self._send(send, "", more=False)

    def _watch_grants(self) -> float:
        """Write what is due of the grants; return for how long nothing more is, s."""
        if self.granted is None:
            return math.inf
        now = time.time()
        self.granted.tick(now)
        return max(self.granted.due_at - now, LEAST_WAIT_S)

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
