"""Logging: an event's name and its fields, for people or as JSON; lines of all libraries have the same form.

Each line written during an attempt names the job, also one of a handler or a library: the attempt binds `LOG_SUBJECT`,
and its tasks and threads inherit it.
"""

import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from io import StringIO
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import ExcInfo, Processor

from tidings.protocol.trace_context import trace_id_of

from .printable import printable

LogSubject = tuple[str, str, int, str, str, str, tuple[str, ...]]
"""Token, kind, attempt, correlation id, traceparent or nothing, owner or nothing, tags. A plain
tuple: every attempt makes one."""

LOG_SUBJECT: ContextVar[LogSubject | None] = ContextVar("tidings_subject", default=None)
"""The attempt that runs in this context; None: none does."""


def add_subject(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the job of this context to a line; fields that the line has already stay."""
    subject = LOG_SUBJECT.get()
    if subject is not None:
        token, kind, attempt, correlation_id, traceparent, owner, tags = subject
        event.setdefault("token", token)
        event.setdefault("kind", kind)
        event.setdefault("attempt", attempt)
        event.setdefault("correlation_id", correlation_id)
        if traceparent:
            event.setdefault("trace_id", trace_id_of(traceparent))
        if owner:
            event.setdefault("owner", owner)
        if tags:
            event.setdefault("tags", " ".join(tags))
    return event


_SHARED: list[Processor] = [
    add_subject,
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


# Without the values of variables, which structlog would show: inputs and secrets are among them.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


def show_printable(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters in a line for people: its texts come from clients, workers and jobs.

    JSON lines are ASCII already.
    """
    return {printable(key): _shown(key, value) for key, value in event.items()}


_BLOCKS = frozenset({"exception", "stack"})
"""Fields that structlog prints below the line."""


def _shown(key: str, value: Any) -> Any:
    if value is None or isinstance(value, int | float) or key == "exc_info":
        return value
    if key in _BLOCKS:
        return _set_in(str(value))
    return printable(value if isinstance(value, str) else repr(value))


def _set_in(text: str) -> str:
    """Return a text with each line indented, so that none looks like a log line."""
    return "  " + printable(text, lines=True).replace("\n", "\n  ")


def _write_traceback(sio: TextIO, exc_info: ExcInfo) -> None:
    text = StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    sio.write("\n" + _set_in(text.getvalue().strip("\n")))


_root = logging.getLogger()


def debug_enabled() -> bool:
    """Return whether debug lines are written. Ask before a line that every job would have: making it costs time."""
    return _root.isEnabledFor(logging.DEBUG)


def configure_logging(form: Literal["console", "json"], level: str) -> None:
    """Send all log lines of this process to standard error in one form.

    Args:
        form: `console` for people, `json` for one object a line.
        level: the least that is logged: debug, info, warning or error.

    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        last += [_TRACEBACKS, structlog.processors.JSONRenderer()]
    else:
        last += [
            show_printable,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_write_traceback),
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=last))
    _root.handlers = [handler]
    _root.setLevel(level.upper())
    for noisy in ("uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, _root.level))
