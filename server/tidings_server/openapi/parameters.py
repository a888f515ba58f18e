"""Parameters of requests, as OpenAPI describes them."""

from collections.abc import Iterable
from typing import Any

from tidings_server.web.query_parameters import ALIASES

_HEADERS = {
    "Idempotency-Key": "1 to 255 visible ASCII characters, in quotes (RFC 9651) or not: the same request with the same "
    "key counts once.",
    "traceparent": "The trace that the job belongs to (W3C Trace Context).",
    "tracestate": "What vendors add to the trace (W3C Trace Context).",
    "If-None-Match": "The `ETag` of an earlier answer: 304 where nothing is new.",
    "Last-Event-ID": "The last `id` of an earlier stream: the events after it follow.",
}


def with_aliases(parameters: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return parameters, each in a query followed by those that are other names of it."""
    found: list[dict[str, Any]] = []
    for parameter in parameters:
        found.append(parameter)
        if parameter["in"] == "query":
            described = {"description": f"Another name of `{parameter['name']}`: give one of them."}
            schema = {name: value for name, value in parameter["schema"].items() if name != "default"}
            found += [
                {**parameter, "name": alias, **described, "schema": schema}
                for alias, meant in ALIASES.items()
                if meant == parameter["name"]
            ]
    return found


def repeated_parameter(name: str, meaning: str) -> dict[str, Any]:
    """Return a parameter of the query that may come several times."""
    schema = {"type": "array", "items": {"type": "string"}, "maxItems": 100}
    return {"name": name, "in": "query", "description": meaning, "schema": schema}


def header_parameter(name: str) -> dict[str, Any]:
    """Return a header."""
    return {"name": name, "in": "header", "description": _HEADERS[name], "schema": {"type": "string"}}
