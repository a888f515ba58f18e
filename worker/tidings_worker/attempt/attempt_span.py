"""The span of an attempt: when there is one, and what stands in it."""

from typing import Any

import msgspec

from tidings.context import Sink
from tidings.job import Job
from tidings.protocol.envelope import Envelope
from tidings.protocol.states import State
from tidings.store.attempt_store import AttemptOutcome
from tidings.tracing.spans import Span, Tracing, job_attributes


class _Code(msgspec.Struct):
    code: str


def has_span(tracing: Tracing, job: Job[Any, Any], traceparent: str) -> bool:
    """Return whether an attempt has a span.

    A trace begins where the work comes from: at the client, at the server, or with the tick of a recurring job. So a
    job of which a server has decided that it is not traced carries nothing that says so.
    """
    return (bool(traceparent) or job.schedule is not None) and tracing.samples(traceparent)


def begin_attempt_span(tracing: Tracing, sink: Sink, queue: str, envelope: Envelope, *, unwinding: bool) -> Span | None:
    """Begin the span of an attempt, below that of the submission and linked to it."""
    attributes = job_attributes("process", "process", queue, sink.kind, sink.token, sink.correlation_id)
    attributes["tidings.attempt"] = sink.attempt
    if unwinding:
        attributes["tidings.unwinding"] = True
    name, traceparent = f"process {sink.kind}", envelope.traceparent
    return tracing.begin(name, "consumer", attributes, traceparent, envelope.tracestate, linked=bool(traceparent))


def end_attempt_span(span: Span, outcome: AttemptOutcome | None, error: BaseException | None) -> None:
    """Say how the attempt ended; None: it was another worker's by then."""
    span.note("tidings.errors", "lost" if outcome is None else str(outcome.state))
    if outcome is None or outcome.state is State.EXPIRED:
        span.fail("lost" if outcome is None else "expired")
    elif outcome.field == "problem":
        code = msgspec.json.decode(outcome.value, type=_Code).code
        span.fail(code if error is None else type(error).__name__)
