"""What handlers raise, as text and in types of our own: nothing that an error does may hurt the worker."""

import math
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tidings.breaker.error import CircuitOpenError
from tidings.breaker.guard import result_of
from tidings.breaker.policy import DAY_S, NAME, Breaker, WhenOpen
from tidings.codec import encode
from tidings.contract.problem import Problem, problem
from tidings.outcome import Reject, Retry
from tidings.policy import Policy
from tidings.seconds import YEAR_S

MAX_TEXT = 4_096
"""Characters kept of an error's text."""

MAX_TRACEBACK = 16_384
"""Characters kept of a traceback: the last ones."""


_OURS = str(Path(__file__).parent)
_THREADS = str(Path(threading.__file__).with_name("concurrent"))
"""Where the frames are between the worker's and those of a handler that runs in a thread."""

MAX_DATA_BYTES = 65_536
"""Size of the data of a rejection, as JSON."""


class AttemptTimeoutError(Exception):
    """An attempt took longer than its kind allows."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the attempt took longer than {seconds:g} s")


class FinalError(Exception):
    """The job fails for good, with a problem that is ours and not the handler's."""

    def __init__(self, refused: Problem) -> None:
        self.problem = refused
        super().__init__(refused.detail)


class CrossedError(Exception):
    """What a handler raised in another process, as far as that can be told here."""

    def __init__(self, name: str, text: str, *, may_be_retried: bool, counts: bool = True) -> None:
        """Tell.

        Args:
            name: the name of its class.
            text: what it said.
            may_be_retried: what the kind's policy says of it; its class is known only over there.
            counts: whether it counts for the kind's breaker.

        """
        self.name = name
        self.may_be_retried = may_be_retried
        self.counts = counts
        super().__init__(text)


class ProcessEndedError(Exception):
    """The process that ran a handler ended by itself; the text, which is ours, says how."""


def may_be_retried(policy: Policy, error: BaseException) -> bool:
    """Return whether an attempt that ended so is repeated, as far as the kind of error goes.

    What the handler has not raised itself (a time limit, the death of its process) no policy can name.
    """
    if isinstance(error, Retry | AttemptTimeoutError | ProcessEndedError):
        return True
    if isinstance(error, CrossedError):
        return error.may_be_retried
    return isinstance(error, policy.retry_on) and not isinstance(error, policy.no_retry_on)


def says_of(breaker: Breaker, error: BaseException) -> str:
    """Return what an attempt that raised says of the service behind its kind's breaker; see `guard.result_of`."""
    if isinstance(error, FinalError | ProcessEndedError):
        return "void"
    if isinstance(error, CrossedError):
        return "failures" if error.counts else "ok"
    return result_of(breaker, error)


def circuit_of(error: CircuitOpenError) -> CircuitOpenError:
    """Return a `CircuitOpenError` with values of their types, whatever the handler put there."""
    name, after = getattr(error, "breaker", ""), getattr(error, "retry_after", 0.0)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        name = "unknown"
    if not isinstance(after, int | float) or math.isnan(after):
        after = 0.0
    when_open: WhenOpen = "fail" if getattr(error, "when_open", "wait") == "fail" else "wait"
    return CircuitOpenError(name, min(max(float(after), 0.0), DAY_S), when_open)


def pause_of(error: BaseException) -> float | None:
    """Return the seconds until the next attempt that an error asks for, at most a year; None: it knows none."""
    after = getattr(error, "after", None) if isinstance(error, Retry) else None
    if not isinstance(after, int | float) or math.isnan(after):
        return None
    return min(max(float(after), 0.0), YEAR_S)


class Rejected(NamedTuple):
    """What a rejection says, whatever the handler put there."""

    message: str
    code: str
    data: bytes | None
    """JSON."""
    omitted: str = ""
    """Why its data were left out; empty: they were not."""


def rejection_of(error: Reject) -> Rejected:
    """Return what a rejection says.

    Data that JSON has no form for, or too large, are left out; a note on the error says so, and the problem does.
    """
    message = readable(getattr(error, "message", ""))
    code = readable(getattr(error, "code", "rejected"))
    data = getattr(error, "data", None)
    omitted = readable(getattr(error, OMITTED, ""))
    if data is None:
        return Rejected(message, code, None, omitted)
    try:
        encoded = encode(data)
    except BaseException as fault:  # noqa: BLE001 - encoding may run the user's code
        return Rejected(message, code, None, _omit(error, readable(fault)))
    if len(encoded) > MAX_DATA_BYTES:
        why = f"{len(encoded)} bytes as JSON; at most {MAX_DATA_BYTES} are kept"
        return Rejected(message, code, None, _omit(error, why))
    return Rejected(message, code, encoded)


OMITTED = "__tidings_omitted__"
"""The attribute of a rejection that came from another process in which is said why its data were left out."""


def _omit(error: Reject, why: str) -> str:
    error.add_note(f"Its data were left out: {why}")
    return why


def name_of(error: BaseException) -> str:
    """Return the name of an error's class, also of one that was raised in another process."""
    return error.name if isinstance(error, CrossedError) else type(error).__name__


def readable(value: object) -> str:
    """Return the text of an error, or of what one holds, as text that can be encoded and is not too long."""
    try:
        text = str(value)
    except BaseException:  # noqa: BLE001 - it is the handler's code that runs here
        return f"({type(value).__name__}: its text cannot be had)"
    return text[:MAX_TEXT].encode("utf-8", "backslashreplace").decode()


def trace_of(error: BaseException) -> str:
    """Return the traceback of an error: the frames of the handler and of what it calls, not those of its callers."""
    if isinstance(error, CrossedError):  # raised here by the worker: what the handler did is in the child's note
        return "\n".join(error.__notes__)[-MAX_TRACEBACK:]
    try:
        told = traceback.TracebackException.from_exception(error)
        for one in _chain(told):
            one.stack = traceback.StackSummary.from_list(_below_us(one.stack))
        text = "".join(told.format())
    except BaseException:  # noqa: BLE001
        return f"({name_of(error)}: its traceback cannot be had)"
    return text[-MAX_TRACEBACK:].encode("utf-8", "backslashreplace").decode()


def _chain(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """Yield it, and those that led to it; an exception group's own exceptions among them."""
    found, seen = [told], set()
    while found:
        one = found.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            found += [other for other in (one.__cause__, one.__context__, *(one.exceptions or ())) if other is not None]


def _below_us(stack: traceback.StackSummary) -> list[traceback.FrameSummary]:
    """Return what stands below the last frame of the worker's that leads to a handler; all, if nothing does."""
    ours = [number for number, frame in enumerate(stack) if frame.filename.startswith(_OURS)]
    below = stack[ours[-1] + 1 :] if ours else list(stack)
    while below and below[0].filename.startswith(_THREADS):
        below = below[1:]
    return below or list(stack)


def result_too_large(size: int, most: int) -> FinalError:
    """Return the error of a result that is not kept; sizes in bytes of JSON."""
    detail = f"the result is {size} bytes as JSON; at most {most} are kept"
    return FinalError(problem("result_too_large", detail, limit=most))
