"""Many jobs in one request: `POST /v1/jobs/batch`."""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.messages import Ack
from tidings.protocol.problems import Problem, ProblemError
from tidings_server.auth.identity import Identity
from tidings_server.http.request_submission import submit_request
from tidings_server.http.requests import decode_submission
from tidings_server.runtime import ServerRuntime
from tidings_server.web.request.client_address import caller_of
from tidings_server.web.request.json_limits import too_large
from tidings_server.web.request.request_body import read_body
from tidings_server.web.responses import json_response, problem_response

from .batch_splitter import BatchSplitter


class BatchEndpoint:
    """The endpoint. Each job of a batch is accepted or refused by itself; nothing is undone."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._splitter = BatchSplitter(runtime.settings.max_batch)

    async def submit(self, request: Request, identity: Identity) -> Response:
        """Answer 202 with one ack or problem for each job, in their order."""
        settings = self._runtime.settings
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
        most = self._runtime.settings.max_frame_bytes
        try:
            if len(text) > most:
                raise too_large(len(text), most)
            submission = decode_submission(text, {}, self._runtime.settings.max_depth)
            if trace and submission.traceparent is None:
                submission = msgspec.structs.replace(submission, **trace)
            ack, _ = await submit_request(self._runtime, submission, identity, caller)
        except ProblemError as error:
            return error.problem
        return ack
