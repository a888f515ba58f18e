"""The transport of a handler's errors from a child process to the worker.

Errors travel as data, not as pickles: many exceptions cannot be built again from their arguments, and building one runs
the user's code in the worker. Besides the text the worker needs to know whether the attempt may be repeated; the child
answers that, because it knows the class.
"""

import msgspec

from tidings.circuit.circuit_open import CircuitOpenError
from tidings.declare.policy import Policy
from tidings.errors import Reject, Retry
from tidings_worker.outcome.error_text import OMITTED, error_name, rejection_fields, safe_text, traceback_of
from tidings_worker.outcome.errors import (
    FinalError,
    TransportedError,
    checked_circuit_error,
    may_be_retried,
    requested_delay_s,
)

from .ipc_messages import CircuitOpenRaised, ErrorRaised, FinalFailure, OutcomeMessage, RejectRaised, RetryRaised


def message_of(error: BaseException, policy: Policy) -> OutcomeMessage:
    """Return what a handler raised as a message."""
    if isinstance(error, FinalError):
        return FinalFailure(error.problem, traceback_of(error))
    if isinstance(error, Reject):
        message, code, data, omitted = rejection_fields(error)  # may add a note, which is part of the trace
        return RejectRaised(message, code, data, traceback_of(error), omitted)
    if isinstance(error, Retry):
        return RetryRaised(safe_text(getattr(error, "message", "")), requested_delay_s(error), traceback_of(error))
    if isinstance(error, CircuitOpenError):
        circuit = checked_circuit_error(error)
        return CircuitOpenRaised(circuit.breaker, circuit.retry_after, circuit.when_open, traceback_of(error))
    counts = policy.breaker is None or policy.breaker.counts(type(error))
    return ErrorRaised(error_name(error), safe_text(error), traceback_of(error), may_be_retried(policy, error), counts)


def error_of(message: OutcomeMessage) -> BaseException:
    """Return an error that ends an attempt as the one in the child would have."""
    error: BaseException
    match message:
        case FinalFailure(refused):
            error = FinalError(refused)
        case RejectRaised(text, code, data, omitted=omitted):
            error = Reject(text, code=code, data=None if data is None else msgspec.Raw(data))
            setattr(error, OMITTED, omitted)
        case RetryRaised(text, after):
            error = Retry(text, after=after)
        case ErrorRaised(name, text, _, repeat, counts):
            error = TransportedError(name, text, may_be_retried=repeat, counts=counts)
        case CircuitOpenRaised(name, retry_after, when_open):
            error = CircuitOpenError(name, retry_after, when_open)
        case _:
            raise AssertionError(message)
    error.add_note("In the child process:\n" + message.trace)
    return error
