"""Problems as the answers of a project's views (RFC 9457)."""

import math
from collections.abc import Callable

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from tidings.client.client_errors import ConnectionFailed, ConnectionLost
from tidings.protocol.problems import Problem, ProblemError, problem

RETRY_AFTER_S = 1.0
"""How long a page is asked to wait when the server cannot be reached."""


class ProblemMiddleware:
    """Answers a `ProblemError` of a view, or of what it submits on commit, with its status and `Retry-After`.

    A server of jobs that cannot be reached is answered by 503. Name it in `MIDDLEWARE`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let the request through."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer for an exception of a view; None: it is none of ours."""
        if isinstance(exception, ProblemError):
            return _answer(exception.problem)
        if isinstance(exception, ConnectionFailed | ConnectionLost):
            # The error's own text is the operator's, and stays here.
            detail = "the server of the jobs cannot be reached at the moment"
            return _answer(problem("store_unavailable", detail, retry_after=RETRY_AFTER_S))
        return None


def _answer(found: Problem) -> HttpResponse:
    headers = {} if found.retry_after is None else {"retry-after": str(math.ceil(found.retry_after))}
    return HttpResponse(
        msgspec.json.encode(found), status=found.status, headers=headers, content_type="application/problem+json"
    )
