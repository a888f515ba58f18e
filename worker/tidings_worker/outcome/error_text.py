"""The text of an error for problems and dead letters: its name, its text and its traceback, within bounds."""

import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tidings.errors import Reject
from tidings.schema.codec import encode

from .errors import TransportedError

MAX_TEXT = 4_096
"""Characters kept of an error's text."""

MAX_TRACEBACK = 16_384
"""Characters kept of a traceback: the last ones."""

_WORKER_FOLDER = str(Path(__file__).parents[1])

_EXECUTOR_FOLDER = str(Path(threading.__file__).with_name("concurrent"))
"""The folder of the frames between the worker's and those of a handler that runs in a thread."""

MAX_DATA_BYTES = 65_536
"""Size of the data of a rejection, as JSON."""

OMITTED = "__tidings_omitted__"
"""The attribute of a rejection from a child process that says why its data were left out."""


class RejectionFields(NamedTuple):
    """The fields of a rejection, with their types checked: a handler may have set any values."""

    message: str
    code: str
    data: bytes | None
    """JSON."""
    omitted: str = ""
    """Why its data were left out; empty: they were not."""


def rejection_fields(error: Reject) -> RejectionFields:
    """Return what a rejection says.

    Data that JSON has no form for, or too large, are left out; a note on the error says so, and the problem does.
    """
    message = safe_text(getattr(error, "message", ""))
    code = safe_text(getattr(error, "code", "rejected"))
    data = getattr(error, "data", None)
    omitted = safe_text(getattr(error, OMITTED, ""))
    if data is None:
        return RejectionFields(message, code, None, omitted)
    try:
        encoded = encode(data)
    except BaseException as fault:  # noqa: BLE001 - encoding may run the user's code
        return RejectionFields(message, code, None, _omit(error, safe_text(fault)))
    if len(encoded) > MAX_DATA_BYTES:
        why = f"{len(encoded)} bytes as JSON; at most {MAX_DATA_BYTES} are kept"
        return RejectionFields(message, code, None, _omit(error, why))
    return RejectionFields(message, code, encoded)


def _omit(error: Reject, why: str) -> str:
    error.add_note(f"Its data were left out: {why}")
    return why


def error_name(error: BaseException) -> str:
    """Return the name of an error's class, also of one that was raised in another process."""
    return error.name if isinstance(error, TransportedError) else type(error).__name__


def safe_text(value: object) -> str:
    """Return the text of an error, or of a value in one, as text that can be encoded and is not too long."""
    try:
        text = str(value)
    except BaseException:  # noqa: BLE001 - `__str__` is the handler's code, and may raise anything
        return f"({type(value).__name__}: its text cannot be had)"
    return text[:MAX_TEXT].encode("utf-8", "backslashreplace").decode()


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an error: the frames of the handler and of what it calls, not those of its callers."""
    if isinstance(error, TransportedError):  # its own traceback is the worker's; the note holds the child's
        return "\n".join(error.__notes__)[-MAX_TRACEBACK:]
    try:
        described = traceback.TracebackException.from_exception(error)
        for one in _chain(described):
            one.stack = traceback.StackSummary.from_list(_below_worker(one.stack))
        text = "".join(described.format())
    except BaseException:  # noqa: BLE001
        return f"({error_name(error)}: its traceback cannot be had)"
    return text[-MAX_TRACEBACK:].encode("utf-8", "backslashreplace").decode()


def _chain(described: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """Yield it and its causes and contexts, and the exceptions of exception groups among them."""
    found, seen = [described], set()
    while found:
        one = found.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            found += [other for other in (one.__cause__, one.__context__, *(one.exceptions or ())) if other is not None]


def _below_worker(stack: traceback.StackSummary) -> list[traceback.FrameSummary]:
    """Return the frames below the worker's last one, which called the handler; all frames, if none is the worker's."""
    ours = [number for number, frame in enumerate(stack) if frame.filename.startswith(_WORKER_FOLDER)]
    below = stack[ours[-1] + 1 :] if ours else list(stack)
    while below and below[0].filename.startswith(_EXECUTOR_FOLDER):
        below = below[1:]
    return below or list(stack)
