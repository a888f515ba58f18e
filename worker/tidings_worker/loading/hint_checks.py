"""Parameters of handlers without a type hint: allowed, and most often forgotten."""

import inspect
from collections.abc import Iterable
from typing import Any

import structlog

from tidings.declare.job import Job

log = structlog.get_logger()


def warn_of_missing_hints(jobs: Iterable[Job[Any, Any]]) -> None:
    """Log each parameter that takes any JSON value because it has no hint."""
    for job in jobs:
        for name, parameter in inspect.signature(job.function).parameters.items():
            if name in job.input.names and parameter.annotation is parameter.empty:
                log.warning("hint_missing", kind=job.kind, parameter=name, place=job.place, help=_help(name))


def _help(name: str) -> str:
    if name in ("ctx", "context"):
        return f"servers take it for a field of the input; write {name}: Context (SyncContext in a plain function)"
    return f"servers accept any JSON value for it; write its type, such as {name}: str"
