"""How a handler's errors cross from a child process to the worker.

As data, not as pickles: an exception that cannot be made anew from its arguments is common, and making one
anew runs the user's code in the worker. What the worker needs of it besides text is whether the attempt may be
repeated, and that is asked in the child, where the class is known.
"""

import msgspec

from tidings.breaker.error import CircuitOpenError
from tidings.outcome import Reject, Retry
from tidings.policy import Policy

from .failure import (
    OMITTED,
    CrossedError,
    FinalError,
    circuit_of,
    may_be_retried,
    name_of,
    pause_of,
    readable,
    rejection_of,
    trace_of,
)
from .message import Error, Open, Postponement, Refusal, Rejection, Verdict


def message_of(error: BaseException, policy: Policy) -> Verdict:
    """Return what a handler raised as a message."""
    if isinstance(error, FinalError):
        return Refusal(error.problem, trace_of(error))
    if isinstance(error, Reject):
        message, code, data, omitted = rejection_of(error)  # may add a note, which is part of the trace
        return Rejection(message, code, data, trace_of(error), omitted)
    if isinstance(error, Retry):
        return Postponement(readable(getattr(error, "message", "")), pause_of(error), trace_of(error))
    if isinstance(error, CircuitOpenError):
        circuit = circuit_of(error)
        return Open(circuit.breaker, circuit.retry_after, circuit.when_open, trace_of(error))
    counts = policy.breaker is None or policy.breaker.counts(type(error))
    return Error(name_of(error), readable(error), trace_of(error), may_be_retried(policy, error), counts)


def error_of(message: Verdict) -> BaseException:
    """Return an error that ends an attempt as the one in the child would have."""
    error: BaseException
    match message:
        case Refusal(refused):
            error = FinalError(refused)
        case Rejection(text, code, data, omitted=omitted):
            error = Reject(text, code=code, data=None if data is None else msgspec.Raw(data))
            setattr(error, OMITTED, omitted)
        case Postponement(text, after):
            error = Retry(text, after=after)
        case Error(name, text, _, repeat, counts):
            error = CrossedError(name, text, may_be_retried=repeat, counts=counts)
        case Open(name, retry_after, when_open):
            error = CircuitOpenError(name, retry_after, when_open)
        case _:
            raise AssertionError(message)
    error.add_note("In the child process:\n" + message.trace)
    return error
