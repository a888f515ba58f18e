"""Jobs of a program that has set up OpenTelemetry itself."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tidings import job

_provider = TracerProvider(resource=Resource.create({"service.name": "host"}))
_provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(_provider)


@job(queue="hosted")
async def hosted() -> None:
    """Does nothing."""
