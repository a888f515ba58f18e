"""The span of an attempt: when an attempt has one, and its attributes."""

from typing import Any

import msgspec

from tidings.context.context import Sink
from tidings.declare.job import Job
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.states import State
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings.tracing.spans import Span, Tracing, job_attributes, owner_attributes


class _Code(msgspec.Struct):
    code: str


def has_span(tracing: Tracing, job: Job[Any, Any], traceparent: str) -> bool:
    """Return whether an attempt has a span.

    A trace begins where the work comes from: at the client, at the server, or with the tick of a recurring job. A job
    that the server has decided not to trace carries no trace context, and so has no span here either.
    """
    return (bool(traceparent) or job.schedule is not None) and tracing.samples(traceparent)


def begin_attempt_span(tracing: Tracing, sink: Sink, queue: str, envelope: Envelope, *, unwinding: bool) -> Span | None:
    """Begin the span of an attempt, below that of the submission and linked to it."""
    attributes = job_attributes("process", "process", queue, sink.kind, sink.token, sink.correlation_id)
    attributes |= owner_attributes(envelope.owner, envelope.tags)
    attributes["tidings.attempt"] = sink.attempt
    if unwinding:
        attributes["tidings.unwinding"] = True
    name, traceparent = f"process {sink.kind}", envelope.traceparent
    return tracing.begin(name, "consumer", attributes, traceparent, envelope.tracestate, linked=bool(traceparent))


def end_attempt_span(span: Span, outcome: AttemptOutcome | None, error: BaseException | None) -> None:
    """Set how the attempt ended.

    Args:
        span: the attempt's.
        outcome: what was reported; None: another attempt had the job by then.
        error: what the handler raised.

    """
    span.note("tidings.outcome", "lost" if outcome is None else str(outcome.state))
    if outcome is None or outcome.state is State.EXPIRED:
        span.fail("lost" if outcome is None else "expired")
    elif outcome.field == "problem":
        code = msgspec.json.decode(outcome.value, type=_Code).code
        span.fail(code if error is None else type(error).__name__)
