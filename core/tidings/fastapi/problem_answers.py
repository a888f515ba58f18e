"""Problems as the answers of an application's routes (RFC 9457), and in its OpenAPI."""

import math
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response

from tidings.client.client_errors import ConnectionLost
from tidings.protocol.problems import CODES, Problem, ProblemError, problem

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_S = 1.0
"""How long a caller is asked to wait when the server cannot be reached."""

SUBMIT_CODES = (
    "invalid_frame",
    "unauthenticated",
    "forbidden",
    "unknown_kind",
    "too_large",
    "invalid_input",
    "key_reused",
    "rate_limited",
    "backlog_full",
    "circuit_open",
    "store_unavailable",
    "unconfirmed",
    "draining",
)
"""Why a submission may be refused."""


def _responses() -> dict[int | str, dict[str, Any]]:
    schema = msgspec.json.schema_components([Problem], ref_template="#/{name}")[1]["Problem"]
    found: dict[int | str, dict[str, Any]] = {}
    for code in SUBMIT_CODES:
        fixed = CODES[code]
        said = f"`{code}`: {fixed.title}"
        if fixed.status in found:
            found[fixed.status]["description"] += f" {said}"
        else:
            found[fixed.status] = {"description": said, "content": {MEDIA_TYPE: {"schema": schema}}}
    # FastAPI describes its own refusals where a route describes none of this status.
    found[422]["content"]["application/json"] = {"schema": _VALIDATION_ERROR}
    return found


_VALIDATION_ERROR = {
    "title": "HTTPValidationError",
    "type": "object",
    "properties": {"detail": {"type": "array", "items": {"type": "object"}}},
}

PROBLEM_RESPONSES = _responses()
"""For the parameter `responses` of a route that submits: how it answers a refusal."""


def answer_problems(app: FastAPI) -> None:
    """Have an application answer a `ProblemError` of its routes by the problem, with its status and `Retry-After`.

    A connection that is closed for good is answered by 503.
    """
    app.add_exception_handler(ProblemError, _refused)
    app.add_exception_handler(ConnectionLost, _lost)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_answer(error.problem)


async def _lost(_: Request, __: Exception) -> Response:
    # The error's own text is the operator's, and stays here.
    detail = "the server of the jobs cannot be reached at the moment"
    return problem_answer(problem("store_unavailable", detail, retry_after=RETRY_AFTER_S))


def problem_answer(found: Problem) -> Response:
    """Return the response for a problem."""
    headers = {} if found.retry_after is None else {"retry-after": str(math.ceil(found.retry_after))}
    return Response(msgspec.json.encode(found), found.status, headers, MEDIA_TYPE)
