"""One stream of a job over plain HTTP: as JSON lines or text, whole or from a chunk on, at once or when there is more.

`Prefer: wait=N` holds the answer until there is a chunk that the client lacks, at most N seconds. The headers of the
answer say how to go on: with `after`, so that what a later attempt has made void is not joined to what it says.
"""

import asyncio
import time
from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.events import FINAL_STATE, EventClass, StreamEvent
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token
from tidings.store.availability.store_errors import StoreError
from tidings.store.jobs.job_store import JobRecord
from tidings.store.streams.stream_records import StreamPage
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import require_visible, store_problem
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.answer_budget import AnswerReservation
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.event_frames import event_name
from tidings_server.watch.job_listener import JobListener
from tidings_server.web.request.client_address import address_of, caller_of
from tidings_server.web.request.preferences import preferences_of
from tidings_server.web.responses import HEADERS, problem_response
from tidings_server.web.stream_query import STREAM_HEADERS, StreamQuery, accepted_type, check_first, stream_query

from .reserved_response import ReservedResponse

_EVENTS = frozenset(StreamEvent)

TEXT, LINES = "text/plain", "application/x-ndjson"


class StreamContentEndpoint:
    """`GET /v1/jobs/{token}/streams/{name}`, but for server-sent events."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    async def get(self, request: Request, identity: Identity) -> Response:
        """Answer with the chunks."""
        settings = self._runtime.settings
        reservation = self._runtime.jobs.reservation(caller_of(request.scope, identity))
        try:
            token = self._runtime.jobs.find(request.path_params["token"])
            query = stream_query(request)
            preferences = preferences_of(request.headers.getlist("prefer"), settings.max_wait_s)
            page = await self._read(token, query, identity, reservation)
            if preferences.wait and not page.chunks and _goes_on(page):
                caller = quota_key_of(identity, caller_of(request.scope, identity))
                with self._runtime.quotas.watching(caller, address_of(request.scope), time.monotonic()):
                    page = await self._wait(token, query, identity, preferences.wait, page, reservation)
            return _answer(request, query, page, reservation, preferences.applied(waited=True))
        except ProblemError as error:
            return problem_response(error.problem)
        except StoreError as error:
            return problem_response(store_problem(error))
        finally:
            if not reservation.handed_on:
                reservation.release()

    async def _read(
        self, token: Token, query: StreamQuery, identity: Identity, reservation: AnswerReservation
    ) -> StreamPage:
        store = self._runtime.store
        page = await store.read_stream(token, query.name, query.first, query.after, reservation)
        identity.require_valid()
        require_visible(JobRecord(page.state, seq=page.seq, owner=page.owner, tags=page.tags), token, identity)
        if page.fence < 0 and not _goes_on(page):
            raise problem_error("unknown_name", f"the job has written no stream {query.name}", field="/name")
        check_first(query.first, page.count, query.name)
        return page

    async def _wait(
        self,
        token: Token,
        query: StreamQuery,
        identity: Identity,
        seconds: float,
        page: StreamPage,
        reservation: AnswerReservation,
    ) -> StreamPage:
        """Return the stream once it has a chunk that the client lacks, or its job has ended, or the time is over."""
        runtime, clock = self._runtime, asyncio.get_running_loop().time
        ends = clock() + min(seconds, identity.left())
        while not page.chunks and _goes_on(page) and clock() < ends and not runtime.drain.begun:
            waiter = _StreamWaiter(token, query.name)
            try:
                record = await runtime.jobs.watch(waiter, valid(identity), page.seq)
                waiter.release(record.seq)
                if record.seq == page.seq:
                    runtime.drain.on_begin.add(waiter.moved.set)
                    async with asyncio.timeout_at(ends):
                        await waiter.moved.wait()
            except TimeoutError:
                break
            finally:
                runtime.drain.on_begin.discard(waiter.moved.set)
                runtime.hub.leave(waiter)
            page = await self._read(token, query, identity, reservation)
        return page


class _StreamWaiter(JobListener):
    """Wakes a request when something happens in one stream of a job, or the job ends."""

    __slots__ = ("_name", "moved")

    def __init__(self, token: Token, name: str) -> None:
        super().__init__(token)
        self._name = name
        self.moved = asyncio.Event()

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Wake the request, if this is what it waits for."""
        if event_class == EventClass.FINAL or event_name(frame.text) in _EVENTS:
            self.moved.set()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Wake the request; it reads the stream again."""
        self.moved.set()

    def vanished(self) -> None:
        """Wake the request; it will find nothing."""
        self.moved.set()


def _goes_on(page: StreamPage) -> bool:
    return page.state not in FINAL_STATE.values()


def _answer(
    request: Request, query: StreamQuery, page: StreamPage, reservation: AnswerReservation, applied: Mapping[str, str]
) -> Response:
    kind = accepted_type(request, (TEXT, LINES)) or LINES
    array = f"[{page.chunks}]".encode()
    if kind == TEXT:
        try:
            body = "".join(msgspec.json.decode(array, type=list[str])).encode()
        except msgspec.ValidationError:
            detail = f"the stream {query.name} has chunks that are no text: read it as JSON lines ({LINES})"
            raise problem_error("invalid_frame", detail, field="/accept") from None
    else:
        body = b"".join(bytes(chunk) + b"\n" for chunk in msgspec.json.decode(array, type=list[msgspec.Raw]))
    values = (page.state, *map(str, (page.attempt, page.first, page.upto, page.seq)))
    headers = {**HEADERS, **applied, "vary": "accept", **dict(zip(STREAM_HEADERS, values, strict=True))}
    reservation.handed_on = True
    response = ReservedResponse(body, headers, reservation)
    response.headers["content-type"] = f"{kind}; charset=utf-8" if kind == TEXT else kind
    return response
