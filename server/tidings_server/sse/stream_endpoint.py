"""Server-sent events: one job, or several, as `text/event-stream`."""

import re
import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.field_types import TAG_PATTERN
from tidings.protocol.frames.messages import FIELD_MEANINGS
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token
from tidings.store.availability.store_errors import StoreError
from tidings_server.auth.identity import Identity
from tidings_server.follow.owner_filter import tag_access
from tidings_server.jobs.client_answers import store_problem
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.web.request.client_address import address_of, caller_of
from tidings_server.web.responses import problem_response
from tidings_server.web.send.end_calls import EndCalls
from tidings_server.web.stream_query import stream_query

from .event_stream import EventStream
from .single_stream import SingleStreamListener
from .stream_listener import StreamListener
from .stream_opening import Listen, StreamOpening, enter_stream, granted_watches, number_after
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
                request, identity, [self._runtime.jobs.find(text)], [number_after(given or "0", "/after")]
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
        listen: Listen = StreamListener,
    ) -> Response:
        caller, address = caller_of(request.scope, identity), address_of(request.scope)
        asked = list(zip(tokens, afters, strict=True))
        opening = StreamOpening(self._runtime, identity, caller, address, asked, listen)
        with opening.leave:
            for token in opening.wanted:
                listener, answer = opening.ask(token)
                try:
                    record = await answer
                except ProblemError as error:
                    raise (_at(error, tokens.index(token)) if len(tokens) > 1 else error) from error
                if not opening.take(listener, record):
                    break
            return opening.finish()

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
            stream.granted = granted_watches(self._runtime, stream, identity)
        with EndCalls() as leave:
            caller, address = caller_of(request.scope, identity), address_of(request.scope)
            slot = self._runtime.quotas.enter(quota_key_of(identity, caller), address, time.monotonic())
            leave.callback(slot.leave)
            slot.watch(1)
            try:
                await TagStream(self._runtime, stream, identity, caller, slot).open(access, tag, since_ms, leave)
            except StoreError as error:
                raise ProblemError(store_problem(error)) from error
            enter_stream(self._runtime, stream, caller, address, leave)
        return stream


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
    return [number_after(text, f"/after/{index}") for index, text in enumerate(texts)]


def _at(error: ProblemError, index: int) -> ProblemError:
    """Return the same refusal, of the token with that index."""
    return ProblemError(msgspec.structs.replace(error.problem, field=f"/token/{index}"))
