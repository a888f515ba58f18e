"""The border at which an exception that nothing foresaw ends one request, and nothing else.

What one client sends must not end what serves the others. So every entry by which a request comes in (a frame, a
credential, an answer of the store, an HTTP request) ends here in the worst case: the client gets `internal_error`, the
operator a line with the traceback, and the process goes on.
"""

import structlog

from tidings.logging.log_limit import LogLimiter
from tidings.protocol.problems import Problem, problem

log = structlog.get_logger()

_limited = LogLimiter(log)

RETRY_S = 1.0


def unexpected_problem(request: str, error: BaseException, **about: str) -> Problem:
    """Log an exception that a request met, and return what its client is told of it.

    Lines of one cause are limited: the same kind of request, exception and place in the code.

    Args:
        request: the kind of request, such as `submit` or `GET /v1/jobs/{token}`.
        error: the exception.
        about: further fields of the line, such as the connection.

    """
    _limited.error("unexpected", cause=f"{request} {_place(error)}", request=request, exc_info=error, **about)
    return problem("internal_error", "something broke on our side; it has been logged", retry_after=RETRY_S)


def _place(error: BaseException) -> str:
    """Return the class of an exception, and where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__name__} {where}"
