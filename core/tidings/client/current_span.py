"""The trace in which a program runs, for what it submits."""

import sys


def current_trace() -> dict[str, str]:
    """Return `traceparent` and `tracestate` of the present span of OpenTelemetry; empty: there is none.

    A program that has spans has loaded its API: nothing is imported for one that has not.
    """
    api = sys.modules.get("opentelemetry.trace")
    context = api.get_current_span().get_span_context() if api is not None else None
    if context is None or not context.is_valid:
        return {}
    state = context.trace_state.to_header()
    said = {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"}
    return said | {"tracestate": state} if state else said
