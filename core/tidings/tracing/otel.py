"""Traces by OpenTelemetry's SDK. Loaded only where the operator has switched traces on.

`samples` answers by the known rule of a standard sampler, before a span is made: the sampler itself takes several
microseconds, which most jobs would pay for nothing. A new trace gets an id for which the sampler decides the same.
"""

import random
import re
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, cast

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from tidings import __version__
from tidings.protocol.trace_context import traceparent_parts

from .spans import AttributeValue, Span, SpanRole, Tracing

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

FLUSH_S = 3.0
"""How long a process that ends waits for what it has collected to be sent."""

_SAMPLED = 1
_LOW = 1 << 64
"""Samplers look at this much of a trace id."""

_KINDS = {"producer": SpanKind.PRODUCER, "consumer": SpanKind.CONSUMER, "internal": SpanKind.INTERNAL}

_DEFAULT_PARENTS = (
    "remoteParentSampled:AlwaysOnSampler,remoteParentNotSampled:AlwaysOffSampler,"
    "localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler"
)
_ROOT = r"AlwaysOnSampler|AlwaysOffSampler|TraceIdRatioBased\{([\d.e-]+)\}"
_DESCRIPTION = re.compile(rf"(?P<by>ParentBased\{{root:)?(?P<root>{_ROOT})(?(by),{_DEFAULT_PARENTS}\}}|)")


class SamplingRule(NamedTuple):
    """The decision of a standard sampler, as a rule."""

    bound: int
    """A trace is collected if the lower half of its id is below this."""
    by_parent: bool
    """Whether a span is collected just if its parent is."""

    def samples(self, traceparent: str) -> bool:
        """Return whether a span below this parent is collected."""
        if self.by_parent:
            return bool(int(traceparent[53:55], 16) & _SAMPLED)
        return int(traceparent[19:35], 16) < self.bound


def sampling_rule_of(description: str) -> SamplingRule | None:
    """Return the rule of a sampler by its description; None: it is not a standard sampler."""
    match = _DESCRIPTION.fullmatch(description)
    if match is None:
        return None
    ratio = float(match[3]) if match[3] else float(match["root"] == "AlwaysOnSampler")
    return SamplingRule(round(ratio * _LOW), bool(match["by"]))


class TraceIds(RandomIdGenerator):
    """Random ids; on demand one for a trace that is collected."""

    def __init__(self) -> None:
        self._next = threading.local()

    def collect_next(self, bound: int) -> None:
        """Have the next trace that this thread begins be one whose lower half is below `bound`."""
        self._next.id = random.getrandbits(64) << 64 | random.randrange(bound)  # noqa: S311 - as the SDK's own

    def generate_trace_id(self) -> int:
        """Return an id of 128 bits."""
        wanted: int = self._next.__dict__.pop("id", 0)
        return wanted or super().generate_trace_id()


class CollectedSpan:
    """A span of the SDK."""

    def __init__(self, span: trace.Span, tracestate: str) -> None:
        self.span = span
        self.tracestate = tracestate

    @property
    def traceparent(self) -> str:
        """W3C Trace Context, section 3.2."""
        context = self.span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def note(self, name: str, value: AttributeValue) -> None:
        """Add an attribute."""
        self.span.set_attribute(name, value)

    def fail(self, error: str) -> None:
        """Mark it as failed."""
        self.span.set_attribute("error.type", error)
        self.span.set_status(Status(StatusCode.ERROR, error))

    def end(self) -> None:
        """End it."""
        self.span.end()


class OpenTelemetryTracing(Tracing):
    """Begins spans with a provider of tracers."""

    def __init__(self, provider: trace.TracerProvider, ids: TraceIds | None = None) -> None:
        """Prepare.

        Args:
            provider: where the spans go.
            ids: those of the provider; None: the host application's provider, whose sampler is asked each time.

        """
        self._tracer = provider.get_tracer("tidings", __version__)
        self._provider = provider
        self._ids = ids
        sampler = provider.sampler if isinstance(provider, TracerProvider) and ids is not None else None
        self._rule = None if sampler is None else sampling_rule_of(sampler.get_description())
        self._root = 0.0 if self._rule is None else self._rule.bound / _LOW

    def samples(self, traceparent: str) -> bool:
        """Return whether a span is collected."""
        rule = self._rule
        if rule is None:
            return True
        return rule.samples(traceparent) if traceparent else random.random() < self._root  # noqa: S311

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
        """Begin a span."""
        context, links = Context(), []
        if traceparent:
            above = _context_of(traceparent, tracestate)
            context = trace.set_span_in_context(NonRecordingSpan(above), context)
            links = [Link(above)] if linked else []
        elif self._rule is not None and self._ids is not None:
            self._ids.collect_next(self._rule.bound)
        span = self._tracer.start_span(name, context, _KINDS[role], dict(attributes), links)
        return CollectedSpan(span, tracestate) if span.is_recording() else None

    def inside(self, name: str, role: SpanRole, attributes: Mapping[str, AttributeValue]) -> Span | None:
        """Begin a span below the present one."""
        above = trace.get_current_span()
        if not above.is_recording():
            return None
        state = above.get_span_context().trace_state.to_header()
        return CollectedSpan(self._tracer.start_span(name, None, _KINDS[role], dict(attributes)), state)

    def within(self, span: Span) -> AbstractContextManager[object]:
        """Run the body in a span."""
        collected = cast("CollectedSpan", span).span
        return trace.use_span(collected, record_exception=False, set_status_on_exception=False)

    def close(self) -> None:
        """Send the rest; spans that the collector does not take in time are lost."""
        if self._ids is None or not isinstance(self._provider, TracerProvider):
            return  # the host application closes its own provider
        # Its own time limit is half a minute, and its thread must keep no process from ending.
        sending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        sending.start()
        sending.join(FLUSH_S)
        if sending.is_alive():
            log.warning("traces_not_sent", seconds=FLUSH_S)


def otlp_tracing(service: str, instance: str) -> OpenTelemetryTracing:
    """Return tracing that sends spans by OTLP over HTTP, as the `OTEL_…` variables say."""
    ids = TraceIds()
    provider = TracerProvider(resource=_resource(service, instance), id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(provider)  # handlers' own spans go the same way
    return OpenTelemetryTracing(provider, ids)


def host_tracing() -> OpenTelemetryTracing:
    """Return tracing that gives spans to the provider that the host application has set up."""
    return OpenTelemetryTracing(trace.get_tracer_provider())


def _resource(service: str, instance: str) -> Resource:
    given = Resource.create({SERVICE_VERSION: __version__})
    ours = {} if SERVICE_INSTANCE_ID in given.attributes else {SERVICE_INSTANCE_ID: instance}
    if str(given.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        ours[SERVICE_NAME] = service
    return given.merge(Resource(ours))


def _context_of(traceparent: str, tracestate: str) -> SpanContext:
    trace_id, span_id, flags = traceparent_parts(traceparent)
    return SpanContext(
        trace_id,
        span_id,
        is_remote=True,
        trace_flags=TraceFlags(flags),
        trace_state=TraceState.from_header([tracestate]) if tracestate else None,
    )
