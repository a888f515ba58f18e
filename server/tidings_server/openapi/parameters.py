"""Parameters of requests, as OpenAPI describes them."""

from typing import Any

_HEADERS = {
    "Idempotency-Key": "1 to 255 visible ASCII characters: the same request with the same key counts once.",
    "traceparent": "The trace that the job belongs to (W3C Trace Context).",
    "tracestate": "What vendors add to the trace (W3C Trace Context).",
    "If-None-Match": "The `ETag` of an earlier answer: 304 where nothing is new.",
    "Last-Event-ID": "The last `id` of an earlier stream: the events after it follow.",
}


def repeated_parameter(name: str, meaning: str) -> dict[str, Any]:
    """Return a parameter of the query that may come several times."""
    schema = {"type": "array", "items": {"type": "string"}, "maxItems": 100}
    return {"name": name, "in": "query", "description": meaning, "schema": schema}


def header_parameter(name: str) -> dict[str, Any]:
    """Return a header."""
    return {"name": name, "in": "header", "description": _HEADERS[name], "schema": {"type": "string"}}
