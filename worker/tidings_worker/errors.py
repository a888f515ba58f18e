"""What handlers raise, as text and in types of our own: nothing that an error does may hurt the worker."""

import math

from tidings.circuit.breaker import BREAKER_NAME, MAX_DURATION_S, Breaker, WhenOpen
from tidings.circuit.call_guard import CallResult, call_result
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.errors import Retry
from tidings.policy import Policy
from tidings.protocol.problems import Problem, problem
from tidings.seconds import YEAR_S


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


class TransportedError(Exception):
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
    if isinstance(error, TransportedError):
        return error.may_be_retried
    return isinstance(error, policy.retry_on) and not isinstance(error, policy.no_retry_on)


def breaker_result_of(breaker: Breaker, error: BaseException) -> CallResult:
    """Return what an attempt that raised says of the service behind its kind's breaker; see `call_result`."""
    if isinstance(error, FinalError | ProcessEndedError):
        return CallResult.VOID
    if isinstance(error, TransportedError):
        return CallResult.FAILURES if error.counts else CallResult.OK
    return call_result(breaker, error)


def checked_circuit_error(error: CircuitOpenError) -> CircuitOpenError:
    """Return a `CircuitOpenError` with values of their types, whatever the handler put there."""
    name, after = getattr(error, "breaker", ""), getattr(error, "retry_after", 0.0)
    if not isinstance(name, str) or not BREAKER_NAME.fullmatch(name):
        name = "unknown"
    if not isinstance(after, int | float) or math.isnan(after):
        after = 0.0
    when_open: WhenOpen = "fail" if getattr(error, "when_open", "wait") == "fail" else "wait"
    return CircuitOpenError(name, min(max(float(after), 0.0), MAX_DURATION_S), when_open)


def requested_delay_s(error: BaseException) -> float | None:
    """Return the seconds until the next attempt that an error asks for, at most a year; None: it knows none."""
    after = getattr(error, "after", None) if isinstance(error, Retry) else None
    if not isinstance(after, int | float) or math.isnan(after):
        return None
    return min(max(float(after), 0.0), YEAR_S)


def result_too_large(size: int, most: int) -> FinalError:
    """Return the error of a result that is not kept; sizes in bytes of JSON."""
    detail = f"the result is {size} bytes as JSON; at most {most} are kept"
    return FinalError(problem("result_too_large", detail, limit=most))
