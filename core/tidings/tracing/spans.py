"""Spans as server and worker use them; `otel` implements them, and `tracing_setup` loads it where it is wanted.

Nothing of OpenTelemetry is imported here: a process whose operator has not switched traces on loads no part of it, and
asks one question a job.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

from tidings.protocol.trace_context import traceparent_parts

AttributeValue = str | int | bool
SpanRole = Literal["producer", "consumer", "internal"]
"""What a span does with a message, as OpenTelemetry's span kinds have it."""


class Span(Protocol):
    """A span that runs and is collected."""

    @property
    def traceparent(self) -> str:
        """The W3C trace context that a child span continues."""

    @property
    def tracestate(self) -> str:
        """The W3C trace state of other vendors."""

    def note(self, name: str, value: AttributeValue) -> None:
        """Add an attribute."""

    def fail(self, error: str) -> None:
        """Mark it as failed, by a problem's code or the name of an error."""

    def end(self) -> None:
        """End it; the span takes nothing after that."""


class Tracing(Protocol):
    """Begins spans."""

    def samples(self, traceparent: str) -> bool:
        """Return whether a span below `traceparent` is collected, or (empty) one that begins a trace.

        Cheap: ask it before you put attributes together. `begin` decides.
        """

    def begin(
        self,
        name: str,
        role: SpanRole,
        attributes: Mapping[str, AttributeValue],
        traceparent: str = "",
        tracestate: str = "",
        *,
        linked: bool = False,
    ) -> Span | None:
        """Begin a span for which `samples` was true; None: it is not collected after all.

        Args:
            name: what is done, with what; few of them, as they are searched by.
            role: what it does with a message.
            attributes: more about it.
            traceparent: what it stands below, accepted; empty: it begins a trace.
            tracestate: what came with that.
            linked: whether it also links to it, as one does that takes a message out of a queue.

        """

    def inside(self, name: str, role: SpanRole, attributes: Mapping[str, AttributeValue]) -> Span | None:
        """Begin a span below the current one; None: there is none, or it is not collected."""

    def within(self, span: Span) -> AbstractContextManager[object]:
        """Run the body, and the tasks and threads that it starts, in a span."""

    def close(self) -> None:
        """Send the remaining spans, for a few seconds at most."""


@contextmanager
def under_remote_span(traceparent: str) -> Iterator[None]:
    """Run the body below a span of another process, if this one has loaded OpenTelemetry's API."""
    api = sys.modules.get("opentelemetry.trace")
    if not traceparent or api is None:
        yield
        return
    trace_id, span_id, flags = traceparent_parts(traceparent)
    above = api.SpanContext(trace_id, span_id, is_remote=True, trace_flags=api.TraceFlags(flags))
    with api.use_span(api.NonRecordingSpan(above), record_exception=False, set_status_on_exception=False):
        yield


def job_attributes(
    operation: str, type_: Literal["send", "process"], queue: str, kind: str, token: str, correlation_id: str
) -> dict[str, AttributeValue]:
    """Return the attributes that every span of a job has.

    Source: OpenTelemetry's semantic conventions for messaging spans.
    """
    return {
        "messaging.system": "tidings",
        "messaging.operation.name": operation,
        "messaging.operation.type": type_,
        "messaging.destination.name": queue,
        "messaging.message.id": token,
        "messaging.message.conversation_id": correlation_id,
        "tidings.kind": kind,
    }


def owner_attributes(owner: str, tags: str) -> dict[str, AttributeValue]:
    """Return the attributes of a job's owner and tags, as far as it has them.

    Source: OpenTelemetry's semantic conventions for end users.
    """
    given: dict[str, AttributeValue] = {"enduser.id": owner, "tidings.tags": tags}
    return {name: text for name, text in given.items() if text}
