"""The boundary at which an unexpected exception ends one request, and nothing else.

A request of one client must not stop the process that serves the others. So every entry of a request (a frame, a
credential, an answer of the store, an HTTP request) catches what is left: the client gets `internal_error`, the
operator a log line with the traceback, and the process goes on.
"""

import structlog

from tidings.logging.log_limit import LogLimiter
from tidings.protocol.problems import Problem, problem

log = structlog.get_logger()

_limited = LogLimiter(log)

RETRY_S = 1.0


def unexpected_problem(request: str, error: BaseException, **about: str) -> Problem:
    """Log an exception that a request raised, and return the problem for its client.

    The log limits the lines of one cause: the same kind of request, exception and place in the code.

    Args:
        request: the kind of request, such as `submit` or `GET /v1/jobs/{token}`.
        error: the exception.
        about: further fields of the line, such as the connection.

    """
    _limited.error("unexpected", cause=f"{request} {_place(error)}", request=request, exc_info=error, **about)
    return problem("internal_error", "something broke on our side; it has been logged", retry_after=RETRY_S)


def _place(error: BaseException) -> str:
    """Return the class of an exception, and the line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__name__} {where}"
