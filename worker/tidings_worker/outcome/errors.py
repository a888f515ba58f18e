"""The errors that end an attempt, and what handlers raise in types of our own.

A handler may raise anything. So no value of an error is used before its type has been checked.
"""

import math

from tidings.circuit.breaker import BREAKER_NAME, MAX_DURATION_S, Breaker, WhenOpen
from tidings.circuit.call_guard import CallResult, call_result
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.declare.policy import Policy
from tidings.errors import Retry
from tidings.protocol.problems import Problem, problem
from tidings.seconds import YEAR_S


class AttemptTimeoutError(Exception):
    """An attempt took longer than its kind allows."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the attempt took longer than {seconds:g} s")


class FinalError(Exception):
    """The job fails for good, with a problem that the worker found and not the handler."""

    def __init__(self, refused: Problem) -> None:
        self.problem = refused
        super().__init__(refused.detail)


class TransportedError(Exception):
    """What a handler raised in a child process, as far as the child could describe it."""

    def __init__(self, name: str, text: str, *, may_be_retried: bool, counts: bool = True) -> None:
        """Describe.

        Args:
            name: the name of its class.
            text: its text.
            may_be_retried: whether the kind's policy repeats it; only the child knows its class.
            counts: whether it counts for the kind's breaker.

        """
        self.name = name
        self.may_be_retried = may_be_retried
        self.counts = counts
        super().__init__(text)


class ProcessEndedError(Exception):
    """The process that ran a handler ended by itself; the text, which the worker made, says how."""


def may_be_retried(policy: Policy, error: BaseException) -> bool:
    """Return whether an attempt that ended so is repeated, as far as the kind of error goes.

    A policy names what a handler raises. A time limit and the death of its process are not among that: both are
    repeated.
    """
    if isinstance(error, Retry | AttemptTimeoutError | ProcessEndedError):
        return True
    if isinstance(error, TransportedError):
        return error.may_be_retried
    return isinstance(error, policy.retry_on) and not isinstance(error, policy.no_retry_on)


def breaker_result_of(breaker: Breaker, error: BaseException) -> CallResult:
    """Return what an attempt that raised means for its kind's breaker; see `call_guard.call_result`."""
    if isinstance(error, FinalError | ProcessEndedError):
        return CallResult.VOID
    if isinstance(error, TransportedError):
        return CallResult.FAILURES if error.counts else CallResult.OK
    return call_result(breaker, error)


def checked_circuit_error(error: CircuitOpenError) -> CircuitOpenError:
    """Return a `CircuitOpenError` whose values have their types; a handler may raise one with any values."""
    name, after = getattr(error, "breaker", ""), getattr(error, "retry_after", 0.0)
    if not isinstance(name, str) or not BREAKER_NAME.fullmatch(name):
        name = "unknown"
    if not isinstance(after, int | float) or math.isnan(after):
        after = 0.0
    when_open: WhenOpen = "fail" if getattr(error, "when_open", "wait") == "fail" else "wait"
    return CircuitOpenError(name, min(max(float(after), 0.0), MAX_DURATION_S), when_open)


def requested_delay_s(error: BaseException) -> float | None:
    """Return the seconds until the next attempt that an error asks for, at most a year; None: it asks for none."""
    after = getattr(error, "after", None) if isinstance(error, Retry) else None
    if not isinstance(after, int | float) or math.isnan(after):
        return None
    return min(max(float(after), 0.0), YEAR_S)


def result_too_large(size: int, most: int) -> FinalError:
    """Return the error of a result that is too large to be kept; sizes in bytes of JSON."""
    detail = f"the result is {size} bytes as JSON; at most {most} are kept"
    return FinalError(problem("result_too_large", detail, limit=most))
