"""Server-sent events: one job, or several, as `text/event-stream`."""

import re
import time
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.field_types import TAG_PATTERN
from tidings.protocol.frames.messages import FIELD_MEANINGS
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token
from tidings.store.availability.store_errors import StoreError
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.follow.owner_filter import tag_access
from tidings_server.jobs.client_answers import store_problem, tags_of
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.answer_budget import AnswerReservation
from tidings_server.watch.granted_watches import GrantedWatches
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final
from tidings_server.web.request.client_address import address_of, caller_of
from tidings_server.web.request.event_number import MAX_SEQ, event_number
from tidings_server.web.responses import empty_response, problem_response
from tidings_server.web.send.end_calls import EndCalls
from tidings_server.web.stream_query import stream_query

from .event_stream import EventStream
from .single_stream import SingleStreamListener
from .stream_description import StreamDescription
from .stream_listener import SeenNumbers, StreamListener
from .tag_stream import TagStream, moment_ms

PARAMETERS = ("token", "after", "tag", "owner", "since", "ticket", "grant")
"""The query of `GET /v1/events`."""

MAX_TOKENS = 100
"""Jobs in one stream."""

_TAG = re.compile(TAG_PATTERN)


class StreamEndpoints:
    """The endpoints `GET /v1/jobs/{token}/events` and `GET /v1/events?token=…`."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    async def one(self, request: Request, identity: Identity) -> Response:
        """Stream one job's events; resumes after `Last-Event-ID` or `?after=`."""
        text = request.path_params["token"]
        try:
            given = request.headers.get("last-event-id")
            if not given and request.scope.get("query_string"):
                given = request.query_params.get("after")
            return await self._stream(
                request, identity, [self._runtime.jobs.find(text)], [_number(given or "0", "/after")]
            )
        except ProblemError as error:
            return problem_response(error.problem)

    async def of_stream(self, request: Request, identity: Identity) -> Response:
        """Stream one stream of a job, from a chunk on or after an event."""
        try:
            token, query = self._runtime.jobs.find(request.path_params["token"]), stream_query(request)
            listen = SingleStreamListener.of(query)
            return await self._stream(request, identity, [token], [query.after], listen)
        except ProblemError as error:
            return problem_response(error.problem)

    async def several(self, request: Request, identity: Identity) -> Response:
        """Stream several jobs' events, each after the number given with it, or the last `id` of the stream."""
        try:
            if "tag" in request.query_params:
                return await self._followed(request, identity)
            _refuse(request, ("owner", "since"), "belongs to `tag`")
            texts = request.query_params.getlist("token")
            if not 1 <= len(texts) <= MAX_TOKENS:
                detail = f"{len(texts)} parameters `token`; give 1 to {MAX_TOKENS}"
                raise problem_error("invalid_frame", detail, field="/token", limit=MAX_TOKENS)
            afters = _afters(request, len(texts))
            return await self._stream(
                request, identity, [self._find(text, index) for index, text in enumerate(texts)], afters
            )
        except ProblemError as error:
            return problem_response(error.problem)

    def _find(self, text: str, index: int) -> Token:
        try:
            return self._runtime.jobs.find(text)
        except ProblemError as error:
            raise _at(error, index) from error

    async def _stream(
        self,
        request: Request,
        identity: Identity,
        tokens: list[Token],
        afters: list[int],
        listen: Callable[[Token, EventStream, SeenNumbers], StreamListener] = StreamListener,
    ) -> Response:
        wanted: dict[Token, int] = {}
        for token, after in zip(tokens, afters, strict=True):
            wanted[token] = min(after, wanted.get(token, after))
        places = SeenNumbers({str(token): after for token, after in wanted.items()}, [str(token) for token in tokens])
        stream = EventStream(self._runtime.settings, identity)
        if identity.grants:
            stream.granted = self._granted(stream, identity)
        going_on: list[tuple[StreamListener, int]] = []
        with EndCalls() as leave:
            caller, address = caller_of(request.scope, identity), address_of(request.scope)
            reservation = self._runtime.jobs.reservation(caller)
            leave.callback(reservation.release)
            connection_slot = self._runtime.quotas.enter(quota_key_of(identity, caller), address, time.monotonic())
            leave.callback(connection_slot.leave)
            connection_slot.watch(len(wanted))
            for token, after in wanted.items():
                listener = listen(token, stream, places)
                leave.callback(self._runtime.hub.leave, listener)
                try:
                    record = await self._join(stream, listener, identity, after, reservation)
                except ProblemError as error:
                    raise (_at(error, tokens.index(token)) if len(tokens) > 1 else error) from error
                if record is not None:
                    going_on.append((listener, record.seq))
                if stream.history.overflowed:
                    # The client has all of some jobs then, and asks for the others with the numbers it has.
                    stream.live = 0
                    break
            # Not before all history is written: an `id` in it would count events that are still to be sent.
            for listener, seq in going_on:
                listener.release(seq)
            if not stream.live and not stream.history:
                return empty_response(204)  # an EventSource stops at this
            stream.told = reservation.release
            self._enter(stream, caller, address, leave)
        return stream

    def _granted(self, stream: EventStream, identity: Identity) -> GrantedWatches:
        """Return what ends the watches of a stream with their grants."""
        notice_s = self._runtime.settings.expiry_notice_s
        return GrantedWatches(lambda: identity, notice_s, stream.tell, self._leaver(stream))

    def _leaver(self, stream: EventStream) -> Callable[[JobListener], None]:
        """Return what ends the watch of one job in a stream."""

        def leave(listener: JobListener) -> None:
            self._runtime.hub.leave(listener)
            stream.end_one()

        return leave

    async def _followed(self, request: Request, identity: Identity) -> Response:
        """Stream the events of all jobs with a tag."""
        _refuse(request, ("token", "after"), "does not go with `tag`")
        tag = request.query_params["tag"]
        if not _TAG.match(tag):
            raise problem_error("invalid_frame", FIELD_MEANINGS["/tag"], field="/tag")
        shown = identity.grants if "grant" in request.query_params else None
        access = tag_access(identity, tag, request.query_params.get("owner"), shown)
        since = request.headers.get("last-event-id") or request.query_params.get("since")
        since_ms = 0 if since is None else moment_ms(since, "/since")
        self._runtime.jobs.require_catalog()
        stream = EventStream(self._runtime.settings, identity)
        stream.live = 1  # it goes on without a job
        if access.scope is not None:
            stream.granted = self._granted(stream, identity)
        with EndCalls() as leave:
            caller, address = caller_of(request.scope, identity), address_of(request.scope)
            slot = self._runtime.quotas.enter(quota_key_of(identity, caller), address, time.monotonic())
            leave.callback(slot.leave)
            slot.watch(1)
            try:
                await TagStream(self._runtime, stream, identity, caller, slot).open(access, tag, since_ms, leave)
            except StoreError as error:
                raise ProblemError(store_problem(error)) from error
            self._enter(stream, caller, address, leave)
        return stream

    def _enter(self, stream: EventStream, caller: str, address: str, leave: EndCalls) -> None:
        """Have the stream end with a drain, show it to operators, and keep `leave` for its end."""
        self._runtime.drain.on_begin.add(stream.drain)
        leave.callback(self._runtime.drain.on_begin.discard, stream.drain)
        shown = StreamDescription(stream, caller, address)
        self._runtime.connections.streams.add(shown)
        leave.callback(self._runtime.connections.streams.discard, shown)
        if self._runtime.drain.begun:
            stream.drain()
        leave.callback(self._count, stream)
        stream.leave = leave.pop_all()

    def _count(self, stream: EventStream) -> None:
        if stream.too_slow:
            self._runtime.meter.slow.add("stream")

    async def _join(
        self,
        stream: EventStream,
        listener: StreamListener,
        identity: Identity,
        after: int,
        reservation: AnswerReservation,
    ) -> JobRecord | None:
        """Listen to a job and write what was missed; return its record if it goes on."""
        record = await self._runtime.jobs.watch(listener, valid(identity), after, reservation)
        if is_final(record) and after == record.seq:
            return None  # the client has the end already
        for _, text in listener.told(record, after):
            stream.history.put(text)
        if is_final(record):
            return None
        stream.live += 1
        if stream.granted is not None:
            stream.granted.follow(listener, record.owner, tags_of(record), ())
        return record


def _refuse(request: Request, names: tuple[str, ...], why: str) -> None:
    """Refuse parameters that make no sense beside the others."""
    for name in names:
        if name in request.query_params:
            raise problem_error("invalid_frame", f"`{name}` {why}", field=f"/{name}")


def _afters(request: Request, count: int) -> list[int]:
    last = request.headers.get("last-event-id")
    texts = last.split(",") if last else request.query_params.getlist("after")
    if not texts:
        return [0] * count
    if len(texts) != count:
        what = "Last-Event-ID holds" if last else "give no parameter `after`, or one for each `token` in order:"
        raise problem_error(
            "invalid_frame", f"{what} {len(texts)} numbers for {count} tokens", field="/after", limit=count
        )
    return [_number(text, f"/after/{index}") for index, text in enumerate(texts)]


def _number(text: str, field: str) -> int:
    number = event_number(text)
    if number is None:
        raise problem_error(
            "invalid_frame", f"{text[:40]!r} is not the number of an event: 0 to {MAX_SEQ}", field=field
        )
    return number


def _at(error: ProblemError, index: int) -> ProblemError:
    """Return the same refusal, of the token with that index."""
    return ProblemError(msgspec.structs.replace(error.problem, field=f"/token/{index}"))
