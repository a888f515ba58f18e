"""Jobs over HTTP: submit, look, wait, cancel, signal (CONTRACT section 3)."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.broker.gateway import Record
from tidings.contract.frame import Ack
from tidings.contract.problem import ProblemError, refuse
from tidings.contract.step import MAX_SIGNAL_BYTES
from tidings.contract.token import Token, parse

from .answer import signal_text
from .auth.identity import Identity
from .caller import caller_of
from .gateway import Gateway
from .render import is_final, snapshot
from .reply import empty_response, json_response, problem_response
from .session import check_depth
from .submission import decode_submission, read_body, signal_head, wait_preference
from .waiting import Waiter, wait_for_end, wait_for_news

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
                waiter = Waiter(_NOBODY, only_final=True)
                ack = await self._gateway.submit(submission, identity, caller, waiter)
                try:
                    return await self._outcome(request, identity, ack, waiter, wait)
                except ProblemError as error:
                    if error.problem.code != "unauthenticated":
                        raise
                    # The credential ended while the job was waited for; the job is accepted, and its token is owed.
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
            if wait and seen is not None:
                record = await wait_for_news(self._gateway, token, identity, seen, wait, after)
            else:
                record = await self._gateway.read(token, identity, after)
        except ProblemError as error:
            return problem_response(error.problem)
        if seen is not None and int(record.seq) == seen:
            return empty_response(304, {"etag": _etag(record)})
        return self._snapshot(token, record, after)

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

    async def _outcome(self, request: Request, identity: Identity, ack: Ack, waiter: Waiter, wait: float) -> Response:
        if ack.duplicate:
            earlier = parse(ack.token)
            assert earlier is not None
            waiter = Waiter(earlier, only_final=True)
            record = await self._gateway.watch(waiter, identity, after=0)
            waiter.release(int(record.seq))
            if is_final(record):
                self._gateway.hub.leave(waiter)
                return self._snapshot(earlier, record)
        else:
            waiter.release(ack.seq)
        record = await wait_for_end(self._gateway, waiter, identity, wait)
        if is_final(record):
            return self._snapshot(waiter.token, record)
        return self._accepted(request, ack)

    def _accepted(self, request: Request, ack: Ack) -> Response:
        location = request.scope.get("root_path", "") + f"/v1/jobs/{ack.token}"
        return json_response(ack, 202, {"location": location, "retry-after": str(RETRY_AFTER_S)})

    def _snapshot(self, token: Token, record: Record, after: int = 0) -> Response:
        return json_response(snapshot(str(token), record, after), 200, {"etag": _etag(record)})


_NOBODY = Token("", "")
"""Stands for the token of a job that has none yet."""


def _etag(record: Record) -> str:
    return f'"{record.seq}"'


def _after(request: Request) -> int:
    text = request.query_params.get("after", "0")
    if not text.isdecimal() or len(text) > 16:
        raise refuse("invalid_frame", "`after` takes the number of an event", field="/after")
    return int(text)


def _etag_seq(header: str | None) -> int | None:
    """Return the number in an If-None-Match, None if there is no such header.

    Raises:
        ProblemError: it is not one of ours.

    """
    if header is None:
        return None
    value = header.strip().removeprefix("W/").strip('"')
    if not value.isdecimal() or len(value) > 16:
        raise refuse("invalid_frame", 'If-None-Match takes the ETag of an earlier answer, such as "7"')
    return int(value)
