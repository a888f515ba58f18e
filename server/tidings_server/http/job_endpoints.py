"""Jobs over HTTP: submit, look, wait, cancel, signal."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from types import MappingProxyType

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.messages import Ack, Submission
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.steps import MAX_SIGNAL_BYTES
from tidings.protocol.tokens import Token, parse_token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import RECORD_GONE, signal_text
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.answer_budget import AnswerReservation
from tidings_server.watch.snapshots import is_final
from tidings_server.web.request.client_address import address_of, caller_of
from tidings_server.web.request.event_number import MAX_SEQ, event_number
from tidings_server.web.request.json_limits import check_depth
from tidings_server.web.request.preferences import NO_PREFERENCES, Preferences, preferences_of
from tidings_server.web.request.request_body import read_body
from tidings_server.web.responses import HEADERS, empty_response, json_response, problem_response

from .job_answers import accepted, etag, may_wait, rendered
from .long_poll import Waiter, wait_for_end, wait_for_news, watch_now
from .request_submission import submit_request
from .requests import decode_submission, signal_head
from .reserved_response import ReservedResponse


class JobEndpoints:
    """The endpoints under `/v1/jobs`."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._jobs = runtime.jobs
        self._cancels = runtime.cancels

    async def submit(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/jobs`: 202 with the ack, or with `Prefer: wait=N` 200 with the outcome.

        With `Prefer: respond-async` beside `wait=N` the client says what it gets anyway: 202 after N seconds.
        """
        settings = self._runtime.settings
        try:
            identity.require("submit")
            body = await read_body(request, settings.max_frame_bytes, settings.request_within_s)
            submission = decode_submission(body, request.headers, settings.max_depth)
            preferences = self._preferences(request)
            caller = caller_of(request.scope, identity)
            if not preferences.wait or not may_wait(submission, identity):
                ack, _ = await submit_request(self._runtime, submission, identity, caller)
                root = request.scope.get("root_path", "")
                return accepted(root, ack, preferences, waited=preferences.wait == 0)
            root = request.scope.get("root_path", "")
            with self._watching(request, identity):
                listen = partial(Waiter, only_final=True)
                ack, waiter = await submit_request(self._runtime, submission, identity, caller, listen)
                assert waiter is not None
                reader = self._reader(submission, identity, ack)
                return await self.outcome(root, caller, reader, ack, waiter, preferences)
        except ProblemError as error:
            return problem_response(error.problem)

    async def outcome(
        self, root: str, caller: str, reader: Identity, ack: Ack, waiter: Waiter, preferences: Preferences
    ) -> Response:
        """Return the answer to a submission that waits: the outcome, or after the wait the ack.

        Args:
            root: the path where the application is mounted.
            caller: whose answers it counts among (`caller_of`).
            reader: who reads the outcome.
            ack: of the submission.
            waiter: of a new job.
            preferences: how long to wait.

        Raises:
            ProblemError: the store is unavailable, or there was no room for a large answer.

        """
        try:
            with self._reserving(caller) as reservation:
                return await self._outcome(root, reader, ack, waiter, preferences, reservation)
        except ProblemError as error:
            if error.problem.code != "unauthenticated":
                raise
            # The credential ended while the job was waited for; the job is accepted, its token is owed.
            return accepted(root, ack, preferences)

    def _reader(self, submission: Submission, identity: Identity, ack: Ack) -> Identity:
        """Return who reads the outcome of a submission: for another, by the grant that it asked for."""
        if submission.owner is None or ack.grant is msgspec.UNSET:
            return identity
        return identity.with_grants((self._runtime.grants.read(ack.grant.grant),))

    async def look(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/jobs/{token}`: the snapshot; long-polls with `Prefer: wait=N` and `If-None-Match`.

        With `?after=N` the log begins after the event N, which the client has seen.
        """
        try:
            identity.require_act("watch")
            token = self._jobs.find(request.path_params["token"])
            after = _after(request)
            seen = _etag_seq(request.headers.get("if-none-match"))
            preferences = self._preferences(request)
            with self._reserving(caller_of(request.scope, identity)) as reservation:
                if preferences.wait and seen is not None:
                    with self._watching(request, identity):
                        record = await wait_for_news(
                            self._runtime, token, identity, seen, preferences.wait, after, reservation
                        )
                else:
                    record = await self._jobs.read(token, valid(identity), after, reservation)
                applied = preferences.applied(waited=seen is not None)
                if seen is not None and record.seq == seen:
                    return empty_response(304, {"etag": etag(record), **applied})
                return self._snapshot(token, record, reservation, after, applied)
        except ProblemError as error:
            return problem_response(error.problem)

    async def cancel(self, request: Request, identity: Identity) -> Response:
        """`DELETE /v1/jobs/{token}`: 202 asked, 409 already finished."""
        try:
            identity.require_act("cancel")
            token = self._jobs.find(request.path_params["token"])
            await self._cancels.cancel(token, identity, address_of(request.scope))
        except ProblemError as error:
            return problem_response(error.problem)
        return empty_response(202)

    async def signal(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/jobs/{token}/signals/{name}`: 202 the job has it, 409 already finished.

        The body is the value that the signal carries, any JSON; an empty body is null.
        """
        try:
            token = self._jobs.find(request.path_params["token"])
            body = await read_body(request, MAX_SIGNAL_BYTES, self._runtime.settings.request_within_s)
            name, key = signal_head(request.path_params["name"], request.headers.get("idempotency-key"))
            check_depth(body.decode(errors="replace"), self._runtime.settings.max_depth)
            await self._jobs.signal(token, identity, name, key, signal_text(body or b"null"))
        except ProblemError as error:
            return problem_response(error.problem)
        return empty_response(202)

    async def kinds(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/kinds`: the registered kinds that the client may submit."""
        records = self._runtime.kinds.records
        # The URL of a kind's webhook may hold a secret of its receiver.
        shown = [
            record if record.webhook is None else msgspec.structs.replace(record, webhook=None)
            for name, record in sorted(records.items())
            if identity.may_submit(name)
        ]
        return json_response({"kinds": shown})

    def _preferences(self, request: Request) -> Preferences:
        if "prefer" not in request.headers:
            return NO_PREFERENCES
        return preferences_of(request.headers.getlist("prefer"), self._runtime.settings.max_wait_s)

    def _watching(self, request: Request, identity: Identity) -> AbstractContextManager[None]:
        """Count a request that waits for a job as a connection: it lasts as a stream does."""
        caller = quota_key_of(identity, caller_of(request.scope, identity))
        return self._runtime.quotas.watching(caller, address_of(request.scope), time.monotonic())

    @contextmanager
    def _reserving(self, caller: str) -> Iterator[AnswerReservation]:
        """Yield the room for a large answer; it is released here, unless the response that sends it does so."""
        reservation = self._jobs.reservation(caller)
        try:
            yield reservation
        finally:
            if not reservation.handed_on:
                reservation.release()

    async def _outcome(
        self,
        root: str,
        identity: Identity,
        ack: Ack,
        waiter: Waiter,
        preferences: Preferences,
        reservation: AnswerReservation,
    ) -> Response:
        if ack.status == RECORD_GONE:
            return accepted(root, ack, preferences)  # there is no outcome any more that could be waited for
        applied = preferences.applied(waited=True)
        if ack.duplicate:
            earlier = parse_token(ack.token)
            assert earlier is not None
            waiter = Waiter(earlier, only_final=True)
            record = await watch_now(self._runtime, waiter, identity, room=reservation)
            if is_final(record):
                return self._snapshot(earlier, record, reservation, applied=applied)
            reservation.release()
        else:
            waiter.release(ack.seq)
        assert preferences.wait is not None
        record = await wait_for_end(self._runtime, waiter, identity, preferences.wait, reservation)
        if is_final(record):
            return self._snapshot(waiter.token, record, reservation, applied=applied)
        return accepted(root, ack, preferences, waited=True)

    def _snapshot(
        self,
        token: Token,
        record: JobRecord,
        reservation: AnswerReservation,
        after: int = 0,
        applied: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        reservation.handed_on = True
        body = rendered(token, record, after)
        return ReservedResponse(body, {**HEADERS, "etag": etag(record), **applied}, reservation)


def _after(request: Request) -> int:
    number = event_number(request.query_params.get("after", "0")) if request.scope.get("query_string") else 0
    if number is None:
        detail = f"`after` takes the number of an event: 0 to {MAX_SEQ}"
        raise problem_error("invalid_frame", detail, field="/after", limit=MAX_SEQ)
    return number


def _etag_seq(header: str | None) -> int | None:
    """Return the number in an If-None-Match, None if there is no such header.

    Raises:
        ProblemError: it is not one of ours.

    """
    if header is None:
        return None
    number = event_number(header.strip().removeprefix("W/").strip('"'))
    if number is None:
        raise problem_error("invalid_frame", 'If-None-Match takes the ETag of an earlier answer, such as "7"')
    return number
