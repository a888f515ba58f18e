"""Server-sent events: one job, or several, as `text/event-stream`."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.events import EventClass
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token
from tidings.store.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import tags_of
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.answer_budget import AnswerReservation
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.event_frames import event_name, final_frame, log_frame
from tidings_server.watch.granted_watches import GrantedWatches
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import is_final, log_chunks, snapshot
from tidings_server.web.client_address import address_of, caller_of
from tidings_server.web.event_number import MAX_SEQ, event_number
from tidings_server.web.responses import empty_response, problem_response

from . import event_stream
from .event_stream import EventStream
from .stream_description import StreamDescription

MAX_TOKENS = 100
"""Jobs in one stream."""

_encode = msgspec.json.Encoder().encode


class SeenNumbers:
    """The numbers that a client has seen of each job in its stream; they make the `id` of an event.

    Of one job it is the event's number. Of several it is the number of each, in the order asked for, so
    that a browser's EventSource, which sends back the last `id` and nothing else, resumes every job.
    """

    def __init__(self, seen: dict[str, int], order: list[str]) -> None:
        self._seen = seen
        self._order = order

    def reach(self, token: str, seq: int) -> str:
        """Take note that an event of a job is written; return its `id`."""
        self._seen[token] = seq
        return ",".join(str(self._seen[one]) for one in self._order)


class StreamListener(JobListener):
    """One job in a stream."""

    __slots__ = ("_places", "_stream")

    def __init__(self, token: Token, stream: EventStream, places: SeenNumbers) -> None:
        super().__init__(token)
        self._stream = stream
        self._places = places

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Pass an event on, as it came."""
        self._stream.write(str(self.token), event_class, self._text(seq, frame))
        if event_class == EventClass.FINAL:
            self._end()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Pass on the events that were lost on the way, from the record."""
        for event_class, text in self.told(record, after):
            self._stream.write(str(self.token), event_class, text)
        if is_final(record):
            self._end()

    def vanished(self) -> None:
        """Take note that the job's record is gone: no event follows."""
        self._end()

    def _end(self) -> None:
        if self._stream.granted is not None:
            self._stream.granted.discard(self)
        self._stream.end_one()

    def told(self, record: JobRecord, after: int) -> list[tuple[EventClass, str]]:
        """Return what a client that has seen every event up to `after` has missed, each part with its class."""
        token = str(self.token)
        full = snapshot(token, record, after)
        parts: list[tuple[EventClass, str]] = []
        if not full.truncated:
            parts += [
                (EventClass.LOG, self._text(chunk.seq, log_frame(token, record, chunk))) for chunk in log_chunks(record)
            ]
        # The snapshot has no id of its own: were the stream to break before the terminal event,
        # the next one must begin before it.
        bare = _encode(msgspec.structs.replace(full, log=[])).decode()
        parts.append((EventClass.CHANGE, event_stream.format_event(None, "snapshot", bare)))
        if is_final(record):
            parts.append((EventClass.FINAL, self._text(record.seq, final_frame(token, record))))
        return parts

    def _text(self, seq: int, frame: EncodedFrame) -> str:
        return event_stream.format_event(self._places.reach(str(self.token), seq), event_name(frame.text), frame.text)


class StreamEndpoints:
    """The endpoints `GET /v1/jobs/{token}/events` and `GET /v1/events?token=…`."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    async def one(self, request: Request, identity: Identity) -> Response:
        """Stream one job's events; resumes after `Last-Event-ID` or `?after=`."""
        text = request.path_params["token"]
        try:
            given = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
            return await self._stream(request, identity, [self._runtime.jobs.find(text)], [_number(given, "/after")])
        except ProblemError as error:
            return problem_response(error.problem)

    async def several(self, request: Request, identity: Identity) -> Response:
        """Stream several jobs' events, each after the number given with it, or the last `id` of the stream."""
        try:
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

    async def _stream(self, request: Request, identity: Identity, tokens: list[Token], afters: list[int]) -> Response:
        wanted: dict[Token, int] = {}
        for token, after in zip(tokens, afters, strict=True):
            wanted[token] = min(after, wanted.get(token, after))
        places = SeenNumbers({str(token): after for token, after in wanted.items()}, [str(token) for token in tokens])
        stream = EventStream(self._runtime.settings, identity)
        if identity.grants:
            stream.granted = GrantedWatches(
                lambda: identity, self._runtime.settings.expiry_notice_s, stream.tell, self._leaver(stream)
            )
        going_on: list[tuple[StreamListener, int]] = []
        with ExitStack() as leave:
            caller, address = caller_of(request.scope, identity), address_of(request.scope)
            reservation = self._runtime.jobs.reservation(caller)
            leave.callback(reservation.release)
            connection_slot = self._runtime.quotas.enter(quota_key_of(identity, caller), address, time.monotonic())
            leave.callback(connection_slot.leave)
            connection_slot.watch(len(wanted))
            for token, after in wanted.items():
                listener = StreamListener(token, stream, places)
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
            self._runtime.drain.on_begin.add(stream.drain)
            leave.callback(self._runtime.drain.on_begin.discard, stream.drain)
            shown = StreamDescription(stream, caller, address)
            self._runtime.connections.streams.add(shown)
            leave.callback(self._runtime.connections.streams.discard, shown)
            if self._runtime.drain.begun:
                stream.drain()
            leave.callback(self._count, stream)
            stream.told = reservation.release
            stream.leave = leave.pop_all()
        return stream

    def _leaver(self, stream: EventStream) -> Callable[[JobListener], None]:
        """Return what ends the watch of one job in a stream."""

        def leave(listener: JobListener) -> None:
            self._runtime.hub.leave(listener)
            stream.end_one()

        return leave

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
