"""Server-sent events: one job, or several, as `text/event-stream`.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tidings.broker.gateway import Record
from tidings.contract.event import EventClass
from tidings.contract.frame import EventFrame
from tidings.contract.problem import ProblemError, refuse
from tidings.contract.token import Token

from .auth.identity import Identity
from .frame import Frame
from .gateway import Gateway
from .hub import Listener
from .outbox import Outbox
from .render import final_event, is_final, log_chunks, log_event, snapshot
from .reply import problem_response

RETRY_MS = 2000
"""How long a browser waits before it connects again."""

MAX_TOKENS = 100
"""Jobs in one stream."""

HEADERS = {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",  # nginx buffers otherwise
}

_encode = msgspec.json.Encoder().encode


class Stream:
    """One client's stream: the outbox, and whether jobs in it still go on."""

    def __init__(self, limit_bytes: int) -> None:
        self.outbox: Outbox[str] = Outbox(limit_bytes)
        self.live = 0
        self.news = asyncio.Event()

    def write(self, token: str, event_class: int, text: str) -> None:
        """Add one event."""
        self.outbox.put_event(token, event_class, text)
        self.news.set()


class StreamListener(Listener):
    """One job in a stream."""

    __slots__ = ("_stream",)

    def __init__(self, token: Token, stream: Stream) -> None:
        super().__init__(token)
        self._stream = stream

    def event(self, seq: int, event_class: int, frame: Frame) -> None:
        """Pass an event on, as it came."""
        self._stream.write(str(self.token), event_class, sse(seq, name_of(frame.text), frame.text))
        if event_class == EventClass.FINAL:
            self._stream.live -= 1

    def repaired(self, record: Record, after: int) -> None:
        """Pass on what was missed, from the record."""
        self.tell(record, after)

    def vanished(self) -> None:
        """End: there is nothing more to say."""
        self._stream.live -= 1
        self._stream.news.set()

    def tell(self, record: Record, after: int) -> None:
        """Write what somebody who has seen everything up to `after` has missed."""
        token = str(self.token)
        full = snapshot(token, record, after)
        if not full.truncated:
            for chunk in log_chunks(record):
                self._write_frame(EventClass.LOG, log_event(token, record, chunk))
        # The snapshot has no id of its own: were the stream to break before the terminal event,
        # the next one must begin before it.
        bare = _encode(msgspec.structs.replace(full, log=[])).decode()
        self._stream.write(token, EventClass.CHANGE, sse(None, "snapshot", bare))
        if is_final(record):
            self._write_frame(EventClass.FINAL, final_event(token, record))
            self._stream.live -= 1

    def _write_frame(self, event_class: int, frame: EventFrame) -> None:
        text = sse(frame.seq, frame.event, _encode(frame).decode())
        self._stream.write(str(self.token), event_class, text)


class Streams:
    """The endpoints `GET /v1/jobs/{token}/events` and `GET /v1/events?token=…`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def one(self, request: Request, identity: Identity) -> Response:
        """Stream one job's events; resumes after `Last-Event-ID` or `?after=`."""
        try:
            token = self._gateway.find(request.path_params["token"])
            after = _after(request)
            stream = Stream(self._gateway.limits.max_waiting_bytes)
            listener, record = await self._join(stream, token, identity, after)
        except ProblemError as error:
            return problem_response(error.problem)
        if is_final(record) and after >= int(record.seq):
            return Response(None, 204)  # an EventSource stops at this
        return self._respond(stream, [listener], identity)

    async def several(self, request: Request, identity: Identity) -> Response:
        """Stream several jobs' events from now on; each begins with its snapshot.

        Numbers belong to one job each, so that no `id:` could stand for all: it begins anew.
        """
        texts = request.query_params.getlist("token")
        stream = Stream(self._gateway.limits.max_waiting_bytes)
        listeners: list[StreamListener] = []
        try:
            if not 1 <= len(texts) <= MAX_TOKENS:
                raise refuse(
                    "invalid_frame",
                    f"give 1 to {MAX_TOKENS} parameters `token`",
                    field="/token",
                    limit=MAX_TOKENS,
                )
            for token in {self._gateway.find(text) for text in texts}:
                listener, _ = await self._join(stream, token, identity, 0)
                listeners.append(listener)
        except ProblemError as error:
            for listener in listeners:
                self._gateway.hub.leave(listener)
            return problem_response(error.problem)
        return self._respond(stream, listeners, identity)

    async def _join(
        self, stream: Stream, token: Token, identity: Identity, after: int
    ) -> tuple[StreamListener, Record]:
        listener = StreamListener(token, stream)
        record = await self._gateway.watch(listener, identity, after)
        stream.live += 1
        listener.tell(record, after)
        listener.release(int(record.seq))
        return listener, record

    def _respond(self, stream: Stream, listeners: list[StreamListener], identity: Identity) -> Response:
        body = self._body(stream, listeners, identity)
        return StreamingResponse(body, media_type="text/event-stream", headers=HEADERS)

    async def _body(self, stream: Stream, listeners: list[StreamListener], identity: Identity) -> AsyncIterator[str]:
        self._gateway.on_drain.add(stream.news.set)
        try:
            yield f"retry: {RETRY_MS}\n\n"
            while True:
                if stream.outbox.overflowed:
                    return  # too slow; the client resumes where it was
                for text in stream.outbox.take():
                    yield text
                if stream.live <= 0 or self._gateway.draining or identity.expired():
                    return
                stream.news.clear()
                if not await _wait(stream.news, self._gateway.settings.sse_heartbeat_s):
                    yield ": \n\n"
        finally:
            self._gateway.on_drain.discard(stream.news.set)
            for listener in listeners:
                self._gateway.hub.leave(listener)


async def _wait(event: asyncio.Event, timeout: float) -> bool:
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        return False
    return True


def sse(seq: int | None, name: str, data: str) -> str:
    """Return one event of the stream; JSON text has no line breaks."""
    identity = "" if seq is None else f"id: {seq}\n"
    return f"{identity}event: {name}\ndata: {data}\n\n"


def name_of(frame: str) -> str:
    """Return the event's name from its frame, which our scripts and workers write in one form."""
    start = frame.index('"event":"') + 9
    return frame[start : frame.index('"', start)]


def _after(request: Request) -> int:
    text = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    if not text.isdecimal() or len(text) > 16:
        raise refuse("invalid_frame", "`after` and Last-Event-ID take the number of an event", field="/after")
    return int(text)
