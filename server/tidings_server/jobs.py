"""Jobs over HTTP: submit, look, wait, cancel, signal (CONTRACT section 3)."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.broker.gateway import Record
from tidings.contract.frame import Ack
from tidings.contract.problem import ProblemError, refuse
from tidings.contract.step import MAX_SIGNAL_BYTES
from tidings.contract.token import Token, parse

from .answer import GONE, signal_text
from .answers import HeldResponse, Hold
from .auth.identity import Identity
from .caller import address_of, caller_of, share_of
from .depth import check_depth
from .event_number import MAX_SEQ, event_number
from .gateway import Gateway
from .render import is_final, snapshot
from .reply import HEADERS, empty_response, json_response, problem_response
from .submission import decode_submission, read_body, signal_head, wait_preference
from .waiting import Waiter, wait_for_end, wait_for_news

_encode = msgspec.json.Encoder().encode

RETRY_AFTER_S = 1
"""What a 202 tells a client that would rather ask again than wait."""


class Jobs:
    """The endpoints under `/v1/jobs`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def submit(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/jobs`: 202 with the ack, or with `Prefer: wait=N` 200 with the outcome."""
        settings = self._gateway.settings
        try:
            body = await read_body(request, settings.max_frame_bytes, settings.request_within_s)
            submission = decode_submission(body, dict(request.headers), settings.max_depth)
            wait = wait_preference(request.headers.get("prefer"), settings.max_wait_s)
            caller = caller_of(request.scope, identity)
            if wait:
                with self._watching(request, identity):
                    waiter = Waiter(_NOBODY, only_final=True)
                    ack = await self._gateway.submit(submission, identity, caller, waiter)
                    try:
                        with self._holding(request, identity) as hold:
                            return await self._outcome(request, identity, ack, waiter, wait, hold)
                    except ProblemError as error:
                        if error.problem.code != "unauthenticated":
                            raise
                        # The credential ended while the job was waited for; the job is accepted, its token is owed.
                        return self._accepted(request, ack)
            return self._accepted(request, await self._gateway.submit(submission, identity, caller))
        except ProblemError as error:
            return problem_response(error.problem)

    async def one(self, request: Request, identity: Identity) -> Response:
        """`/v1/jobs/{token}`: one route, so that an answer to another method names all that are allowed."""
        return await (self.cancel(request, identity) if request.method == "DELETE" else self.look(request, identity))

    async def look(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/jobs/{token}`: the snapshot; long-polls with `Prefer: wait=N` and `If-None-Match`.

        `?after=N` leaves out of its log what somebody who has seen everything up to N has had.
        """
        try:
            identity.require("watch")
            token = self._gateway.find(request.path_params["token"])
            after = _after(request)
            seen = _etag_seq(request.headers.get("if-none-match"))
            wait = wait_preference(request.headers.get("prefer"), self._gateway.settings.max_wait_s)
            with self._holding(request, identity) as hold:
                if wait and seen is not None:
                    with self._watching(request, identity):
                        record = await wait_for_news(self._gateway, token, identity, seen, wait, after, hold)
                else:
                    record = await self._gateway.read(token, identity, after, hold)
                if seen is not None and int(record.seq) == seen:
                    return empty_response(304, {"etag": _etag(record)})
                return self._snapshot(token, record, hold, after)
        except ProblemError as error:
            return problem_response(error.problem)

    async def cancel(self, request: Request, identity: Identity) -> Response:
        """`DELETE /v1/jobs/{token}`: 202 asked, 409 already finished."""
        try:
            identity.require("cancel")
            await self._gateway.cancel(self._gateway.find(request.path_params["token"]), identity)
        except ProblemError as error:
            return problem_response(error.problem)
        return empty_response(202)

    async def signal(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/jobs/{token}/signals/{name}`: 202 the job has it, 409 already finished.

        The body is what the signal says, any JSON; none at all is null.
        """
        try:
            token = self._gateway.find(request.path_params["token"])
            body = await read_body(request, MAX_SIGNAL_BYTES, self._gateway.settings.request_within_s)
            name, key = signal_head(request.path_params["name"], request.headers.get("idempotency-key"))
            check_depth(body.decode(errors="replace"), self._gateway.settings.max_depth)
            await self._gateway.signal(token, identity, name, key, signal_text(body or b"null"))
        except ProblemError as error:
            return problem_response(error.problem)
        return empty_response(202)

    async def kinds(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/kinds`: what workers have registered, as far as whoever asks may submit it."""
        records = self._gateway.kinds.records
        return json_response({"kinds": [records[name] for name in sorted(records) if identity.may_submit(name)]})

    def _watching(self, request: Request, identity: Identity) -> AbstractContextManager[None]:
        """Count a request that waits for a job: one of many waits as a stream does."""
        caller = share_of(identity, caller_of(request.scope, identity))
        return self._gateway.accounts.watching(caller, address_of(request.scope), time.monotonic())

    @contextmanager
    def _holding(self, request: Request, identity: Identity) -> Iterator[Hold]:
        """Give what keeps a large answer; it is given back here, unless by the response that sends it."""
        hold = self._gateway.hold(caller_of(request.scope, identity))
        try:
            yield hold
        finally:
            if not hold.handed_on:
                hold.release()

    async def _outcome(
        self, request: Request, identity: Identity, ack: Ack, waiter: Waiter, wait: float, hold: Hold
    ) -> Response:
        if ack.status == GONE:
            return self._accepted(request, ack)  # there is no outcome any more that could be waited for
        if ack.duplicate:
            earlier = parse(ack.token)
            assert earlier is not None
            waiter = Waiter(earlier, only_final=True)
            record = await self._gateway.watch(waiter, identity, after=0, room=hold)
            waiter.release(int(record.seq))
            if is_final(record):
                self._gateway.hub.leave(waiter)
                return self._snapshot(earlier, record, hold)
            hold.release()
        else:
            waiter.release(ack.seq)
        record = await wait_for_end(self._gateway, waiter, identity, wait, hold)
        if is_final(record):
            return self._snapshot(waiter.token, record, hold)
        return self._accepted(request, ack)

    def _accepted(self, request: Request, ack: Ack) -> Response:
        location = request.scope.get("root_path", "") + f"/v1/jobs/{ack.token}"
        return json_response(ack, 202, {"location": location, "retry-after": str(RETRY_AFTER_S)})

    def _snapshot(self, token: Token, record: Record, hold: Hold, after: int = 0) -> Response:
        hold.handed_on = True
        body = record.rendered
        if body is None:
            body = _encode(snapshot(str(token), record, after))
            # Those who asked the same at the same time have the same record, and share what is made of it.
            msgspec.structs.force_setattr(record, "rendered", body)
        return HeldResponse(body, {**HEADERS, "etag": _etag(record)}, hold)


_NOBODY = Token("", "")
"""Stands for the token of a job that has none yet."""


def _etag(record: Record) -> str:
    return f'"{record.seq}"'


def _after(request: Request) -> int:
    number = event_number(request.query_params.get("after", "0"))
    if number is None:
        detail = f"`after` takes the number of an event: 0 to {MAX_SEQ}"
        raise refuse("invalid_frame", detail, field="/after", limit=MAX_SEQ)
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
        raise refuse("invalid_frame", 'If-None-Match takes the ETag of an earlier answer, such as "7"')
    return number
