"""Many jobs in one request: `POST /v1/jobs/batch` (CONTRACT section 3)."""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.contract.frame import Ack
from tidings.contract.problem import Problem, ProblemError, refuse

from .auth.identity import Identity
from .caller import caller_of
from .gateway import Gateway
from .reply import json_response, problem_response
from .submission import decode_submission, read_body

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Batch:
    """The endpoint. Each job of a batch is accepted or refused by itself; nothing is undone."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def submit(self, request: Request, identity: Identity) -> Response:
        """Answer 202 with one ack or problem for each job, in their order."""
        settings = self._gateway.settings
        try:
            body = await read_body(request, settings.max_batch_bytes, settings.request_within_s)
            texts = split(body, settings.max_batch)
        except ProblemError as error:
            return problem_response(error.problem)
        caller = caller_of(request.scope, identity)
        trace = {name: request.headers[name] for name in ("traceparent", "tracestate") if name in request.headers}
        # One after the other without a pause, so that they reach the store in order, and in few calls.
        return json_response(await asyncio.gather(*(self._one(text, trace, identity, caller) for text in texts)), 202)

    async def _one(self, text: bytes, trace: dict[str, str], identity: Identity, caller: str) -> Ack | Problem:
        try:
            submission = decode_submission(text, {}, self._gateway.settings.max_depth)
            if trace and submission.traceparent is None:
                submission = msgspec.structs.replace(submission, **trace)
            return await self._gateway.submit(submission, identity, caller)
        except ProblemError as error:
            return error.problem


def split(body: bytes, most: int) -> list[bytes]:
    """Return the texts of a batch: of a JSON array, or of lines with a JSON object each (NDJSON).

    Raises:
        ProblemError: it is neither, or holds none, or more than `most`.

    """
    stripped = body.strip()
    if stripped.startswith(b"["):
        try:
            texts = [bytes(raw) for raw in _split(stripped)]
        except (msgspec.DecodeError, RecursionError) as error:
            raise refuse("invalid_frame", f"the body is not a JSON array: {error}") from error
    else:
        texts = [line for line in stripped.splitlines() if line.strip()]
    if not 1 <= len(texts) <= most:
        detail = f"{len(texts)} jobs; a batch holds 1 to {most}: an array, or an object a line"
        raise refuse("invalid_frame", detail, limit=most)
    return texts
