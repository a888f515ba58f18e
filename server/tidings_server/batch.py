"""Many jobs in one request: `POST /v1/jobs/batch` (CONTRACT section 3)."""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.contract.frame import Ack
from tidings.contract.problem import Problem, ProblemError

from .auth.identity import Identity
from .caller import caller_of
from .gateway import Gateway
from .reply import json_response, problem_response
from .session import too_large
from .splitter import Splitter
from .submission import decode_submission, read_body


class Batch:
    """The endpoint. Each job of a batch is accepted or refused by itself; nothing is undone."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._splitter = Splitter(gateway.settings.max_batch)

    async def submit(self, request: Request, identity: Identity) -> Response:
        """Answer 202 with one ack or problem for each job, in their order."""
        settings = self._gateway.settings
        try:
            body = await read_body(request, settings.max_batch_bytes, settings.request_within_s)
            texts = self._splitter.split(body)
        except ProblemError as error:
            return problem_response(error.problem)
        caller = caller_of(request.scope, identity)
        trace = {name: request.headers[name] for name in ("traceparent", "tracestate") if name in request.headers}
        # One after the other without a pause, so that they reach the store in order, and in few calls.
        return json_response(await asyncio.gather(*(self._one(text, trace, identity, caller) for text in texts)), 202)

    async def _one(self, text: bytes, trace: dict[str, str], identity: Identity, caller: str) -> Ack | Problem:
        most = self._gateway.settings.max_frame_bytes
        try:
            if len(text) > most:
                raise too_large(len(text), most)
            submission = decode_submission(text, {}, self._gateway.settings.max_depth)
            if trace and submission.traceparent is None:
                submission = msgspec.structs.replace(submission, **trace)
            return await self._gateway.submit(submission, identity, caller)
        except ProblemError as error:
            return error.problem
