"""Whether a trace is collected: our own answer is the sampler's."""

import random

import pytest
from opentelemetry.sdk.trace import TracerProvider, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tidings.tracing.otel import OpenTelemetryTracing, TraceIds, sampling_rule_of

SAMPLERS = [
    sampling.ALWAYS_ON,
    sampling.ALWAYS_OFF,
    sampling.TraceIdRatioBased(0.3),
    sampling.TraceIdRatioBased(1e-05),
    sampling.DEFAULT_ON,
    sampling.DEFAULT_OFF,
    sampling.ParentBasedTraceIdRatio(0.3),
]


def tracing_with(sampler: sampling.Sampler) -> tuple[OpenTelemetryTracing, InMemorySpanExporter]:
    ids, exporter = TraceIds(), InMemorySpanExporter()
    provider = TracerProvider(sampler, id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return OpenTelemetryTracing(provider, ids), exporter


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.get_description()[:40])
def test_what_stands_below_a_span_is_collected_just_if_the_sampler_says_so(sampler: sampling.Sampler) -> None:
    tracing, _ = tracing_with(sampler)
    for number in range(200):
        traceparent = f"00-{random.getrandbits(128) | 1:032x}-{random.getrandbits(64) | 1:016x}-{number % 4:02x}"
        sampled = tracing.samples(traceparent)
        assert (tracing.begin("x", "internal", {}, traceparent) is not None) == sampled


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.get_description()[:40])
def test_a_trace_that_is_begun_is_collected(sampler: sampling.Sampler) -> None:
    assert sampling_rule_of(sampler.get_description()) is not None
    tracing, exporter = tracing_with(sampler)
    begun = 0
    for _ in range(2_000):
        if tracing.samples(""):
            span = tracing.begin("x", "internal", {})
            assert span is not None
            span.end()
            begun += 1
    rule = sampling_rule_of(sampler.get_description())
    assert rule is not None
    assert len(exporter.get_finished_spans()) == begun
    assert abs(begun / 2_000 - rule.bound / 2**64) < 0.06
    assert len({span.context.trace_id for span in exporter.get_finished_spans()}) == begun


def test_a_sampler_of_another_package_is_asked_itself() -> None:
    class Odd(sampling.StaticSampler):
        def get_description(self) -> str:
            return "Odd"

    assert sampling_rule_of("Odd") is None
    tracing, _ = tracing_with(Odd(sampling.Decision.DROP))
    assert tracing.samples("")
    assert tracing.begin("x", "internal", {}) is None
    assert sampling_rule_of("ParentBased{root:AlwaysOnSampler,remoteParentSampled:AlwaysOffSampler}") is None


def test_a_provider_of_another_package_is_asked_and_left_open() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampling.ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = OpenTelemetryTracing(provider)
    assert tracing.samples("")
    tracing.close()
    span = tracing.begin("x", "internal", {})
    assert span is not None
    span.end()
    assert len(exporter.get_finished_spans()) == 1


def test_outside_of_a_span_there_is_none_inside() -> None:
    tracing, exporter = tracing_with(sampling.ALWAYS_ON)
    assert tracing.inside("x", "internal", {}) is None
    above = tracing.begin("above", "consumer", {})
    assert above is not None
    with tracing.within(above):
        below = tracing.inside("below", "internal", {"a": 1})
        assert below is not None
        below.end()
    above.end()
    first, second = exporter.get_finished_spans()
    assert (first.name, first.parent) == ("below", second.context)
