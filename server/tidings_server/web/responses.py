"""Answers over HTTP: JSON, and problems as RFC 9457 has them."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.protocol.problems import Problem

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""What a job says is never cached, and nothing we say is taken for another type than it has."""

_LINES = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items()).encode()

_encode = msgspec.json.Encoder().encode


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as JSON."""
    return Response(_encode(value), status, {**HEADERS, **(headers or {})}, media_type="application/json")


def json_lines(size: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the lines of the head of `json_response`, for a body of `size` bytes."""
    more = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]) if headers else ""
    return b"%b%bcontent-length: %d\r\ncontent-type: application/json\r\n" % (_LINES, more.encode("latin-1"), size)


def empty_response(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer whose status says all."""
    return Response(None, status, {**HEADERS, **(headers or {})})


def problem_response(problem: Problem) -> Response:
    """Return a problem document (RFC 9457); Retry-After as RFC 9110, section 10.2.3, in whole seconds.

    Rounded up: a client that came back before `retry_after` would be refused once more.
    """
    headers = dict(HEADERS)
    if problem.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(problem.retry_after)))
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"  # RFC 9110, section 15.5.2
    return Response(_encode(problem), problem.status, headers, media_type="application/problem+json")
