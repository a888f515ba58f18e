"""`GET /v1/feed`: what happens to the jobs of some kinds, as a stream of server-sent events."""

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Send

from tidings.protocol.event_pattern import MAX_PATTERNS, TERMINAL_EVENTS, EventPattern
from tidings.protocol.problems import ProblemError, problem_error
from tidings.store.availability.store_errors import StoreError
from tidings.store.groups.event_feed import START, EventFeed, FeedFullError, FeedPage, read_cursor
from tidings.store.groups.event_text import event_text
from tidings.store.groups.group_store import StreamBounds
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import store_problem
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.web.request.client_address import address_of, caller_of
from tidings_server.web.responses import problem_response
from tidings_server.web.send.end_calls import EndCalls

from .event_stream import HEARTBEAT, EventStream, format_event, format_retry
from .stream_description import StreamDescription

MAX_STREAMS = 100
"""Feeds that one server process serves at a time: each waits in the store on a connection of its own."""

RETRY_MS = 2_000

_encode = msgspec.json.Encoder().encode

PARAMETERS = ("kind", "event", "after", "format", "ticket")


class FeedStream(EventStream):
    """One client's feed: it takes from the store what the client reads, and holds no more than a page."""

    needs_task = True

    def __init__(self, runtime: ServerRuntime, identity: Identity, feed: EventFeed, *, as_cloudevents: bool) -> None:
        super().__init__(runtime.settings, identity)
        self._runtime = runtime
        self._feed = feed
        self._as_cloudevents = as_cloudevents
        self.live = 1

    async def _write_all(self, send: Send) -> None:
        # The first place comes with the first block, so that a client that reads no event resumes all the same.
        await self._send(send, f"{format_retry(RETRY_MS)}{format_event(self._feed.cursor, 'open', '{}')}")
        try:
            while (left := self._left()) > 0:
                await self._feed.follow(self._runtime.kinds.queues)
                if not await self._write_pages(send):
                    await self._feed.wait(int(min(left, self._settings.sse_heartbeat_s / 2, 5.0) * 1000) or 1)
                    await self._send(send, HEARTBEAT)
        except (StoreError, FeedFullError):
            pass  # the client comes back with its last `id`
        await self._send(send, "", more=False)

    def _left(self) -> float:
        if self.leaving or self._identity.expired():
            return 0
        return min(self._ends_at - time.monotonic(), self._identity.left())

    async def _write_pages(self, send: Send) -> bool:
        """Send what there is; return whether there may be more."""
        found = False
        for queue, page in await self._feed.read():
            text = "".join(self._texts(queue, page))
            self._feed.reach(queue, page.position, page.ordinal)
            if text:
                await self._send(send, text)
            found = found or bool(page.events or page.more)
        return found

    def _texts(self, queue: str, page: FeedPage) -> list[str]:
        texts = []
        if page.missed:
            said = {"queue": queue, "events": page.missed if page.missed > 0 else None}
            texts.append(format_event(None, "missed", _encode(said).decode()))
        for event in page.events:
            self._feed.reach(queue, event.entry, event.ordinal)
            try:
                text = event_text(queue, event, as_cloudevent=self._as_cloudevents)
            except (msgspec.DecodeError, UnicodeDecodeError):
                text = _encode({"kind": event.kind, "event": event.name, "unreadable": True}).decode()
            texts.append(format_event(self._feed.cursor, event.name, text))
        return texts


class FeedEndpoint:
    """The endpoint."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._open = 0

    async def get(self, request: Request, identity: Identity) -> Response:
        """Stream the events of some kinds, from the client's place on."""
        try:
            return await self._stream(request, identity)
        except ProblemError as error:
            return problem_response(error.problem)

    async def _stream(self, request: Request, identity: Identity) -> Response:
        runtime, settings = self._runtime, self._runtime.settings
        form = request.query_params.get("format", "")
        if form not in ("", "cloudevents"):
            raise problem_error("invalid_frame", f"{form[:40]!r} is no format; there is: cloudevents", field="/format")
        if self._open >= MAX_STREAMS:
            raise problem_error("rate_limited", f"this server has {MAX_STREAMS} open feeds", limit=MAX_STREAMS)
        bounds = StreamBounds(settings.events_max_age_s, settings.events_max_bytes)
        feed = EventFeed(runtime.client, runtime.keys, _patterns(request), bounds, _checked_cursor(request))
        with EndCalls() as leave:
            caller, address = caller_of(request.scope, identity), address_of(request.scope)
            slot = runtime.quotas.enter(quota_key_of(identity, caller), address, time.monotonic())
            leave.callback(slot.leave)
            self._open += 1
            leave.callback(self._close)
            try:
                await feed.follow(runtime.kinds.queues)
            except FeedFullError as error:
                detail = f"the queue {error} writes for as many feeds of different kinds as it may"
                raise problem_error("rate_limited", detail) from error
            except StoreError as error:
                raise ProblemError(store_problem(error)) from error
            stream = FeedStream(runtime, identity, feed, as_cloudevents=form == "cloudevents")
            runtime.drain.on_begin.add(stream.drain)
            leave.callback(runtime.drain.on_begin.discard, stream.drain)
            shown = StreamDescription(stream, caller, address)
            runtime.connections.streams.add(shown)
            leave.callback(runtime.connections.streams.discard, shown)
            if runtime.drain.begun:
                stream.drain()
            stream.leave = leave.pop_all()
        return stream

    def _close(self) -> None:
        self._open -= 1


def _patterns(request: Request) -> list[EventPattern]:
    kinds = request.query_params.getlist("kind") or ["*"]
    if len(kinds) > MAX_PATTERNS:
        raise problem_error("invalid_frame", f"{len(kinds)} parameters `kind`", field="/kind", limit=MAX_PATTERNS)
    events = request.query_params.getlist("event") or TERMINAL_EVENTS
    try:
        return [EventPattern.of(kind, events) for kind in kinds]
    except ValueError as error:
        field = "/event" if "event" in str(error) else "/kind"
        raise problem_error("invalid_frame", str(error), field=field) from error


def _checked_cursor(request: Request) -> str:
    given = request.headers.get("last-event-id") or request.query_params.get("after") or ""
    try:
        if given != START:
            read_cursor(given)
    except ValueError as error:
        what = f"{error}: give the `id` of an earlier feed's event, or `start`"
        raise problem_error("invalid_frame", what, field="/after") from error
    return given
