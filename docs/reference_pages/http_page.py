"""The page of the routes over HTTP, from the OpenAPI document that a server serves."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tidings_server.openapi.specification import openapi

from .markdown import HEAD, code, table
from .schema_text import type_text

OF_EVERY_ROUTE = ("401", "403", "429", "500", "503", "default")
"""The statuses of refusals that the page names once."""

_CODE = re.compile(r"`(\w+)`:")

METHODS = ("get", "post", "put", "delete", "patch")

OTHERS = (
    ("GET /healthz", "200 as long as the process answers at all."),
    ("GET /readyz", "200 if clients should come here, else 503; the body says why."),
    ("GET /metrics", "The page for Prometheus, in its text form or as OpenMetrics: [metrics](../how-to/metrics.md)."),
    ("GET /openapi.json", "This page for programs, OpenAPI 3.1."),
    ("GET /asyncapi.json", "[The socket](frames.md) for programs, AsyncAPI 3.1."),
    ("GET /v1/socket", "The WebSocket: [frame by frame](frames.md)."),
    ("GET /console", "[The console](../how-to/console.md)."),
    ("GET /console/", "308 to `/console`."),
    ("GET /", "A page with a form for each kind, or the demo, or nothing: the setting `TIDINGS_PAGE`."),
    ("GET /static", "The JavaScript client, and what the pages are made of."),
)
"""What a server answers beside the contract."""


def http() -> str:
    """Return the page."""
    document = openapi(("jwt", "api_key"))
    parts = [HEAD, _lead()]
    for tag in document["tags"]:
        parts.append(f"## {str(tag['name']).capitalize()}\n\n{tag['description']}\n\n")
        for method, path, shared, operation in _operations(document):
            if operation["tags"] == [tag["name"]]:
                parts.append(_operation(f"{method} {path}", shared, operation, document))
    parts.append(
        "## Beside the contract\n\n" + table(("request", "answer"), ((code(name), what) for name, what in OTHERS))
    )
    parts.append("## Bodies\n\n")
    parts += [_body(name, schema) for name, schema in document["components"]["schemas"].items()]
    return "".join(parts).rstrip("\n") + "\n"


def _lead() -> str:
    return (
        "# HTTP, route by route\n\n"
        "What `/openapi.json` of a server says, as a page; generators of clients read that. Bodies are JSON, refusals "
        "problem documents (RFC 9457): [the codes](protocol.md#problems). [How to use it without the library]"
        "(../how-to/http.md), [how to authenticate](../how-to/authenticate.md), [the operators' part](admin.md).\n\n"
        "Every route may also answer 429 (`rate_limited`), 500 (`internal_error`) and 503 (`store_unavailable`, for "
        "example), with `Retry-After` where another try makes sense; and 401 or 403 where the server asks for a "
        "credential.\n\n"
    )


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Any], Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item.get("parameters", []), item[method]


def _operation(name: str, shared: list[Any], operation: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    parts = [f"### `{name}`\n\n{operation['summary']} {operation.get('description', '')}\n\n"]
    ways = [way for one in operation.get("security", []) for way in one]
    if ways and ways != ["bearer"]:
        parts.append(f"Takes a credential as {', '.join(f'`{way}`' for way in ways)}.\n\n")
    rows = [
        (code(one["name"]), one["in"], type_text(one["schema"]), "yes" if one.get("required") else "",
         one.get("description", ""))
        for one in (*shared, *operation.get("parameters", ()))
    ]  # fmt: skip
    parts.append(table(("parameter", "in", "type", "required", "meaning"), rows))
    body = operation.get("requestBody")
    if body is not None:
        types = (f"{type_text(one['schema'])} (`{media}`)" for media, one in body["content"].items())
        said = f" {body['description']}" if "description" in body else ""
        parts.append(f"Body: {' or '.join(types)}.{said}\n\n")
    parts.append(table(("status", "body", "headers", "meaning"), _answers(operation)))
    refusals = [f"{status} {', '.join(map(code, codes))}" for status, codes in _refusals(operation, document)]
    parts.append(f"Refusals: {'; '.join(refusals)}.\n\n" if refusals else "")
    return "".join(parts)


def _answers(operation: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for status, answer in operation["responses"].items():
        if "$ref" in answer:
            continue  # a refusal
        bodies = (f"{type_text(one['schema'])} (`{media}`)" for media, one in answer.get("content", {}).items())
        headers = ", ".join(map(code, answer.get("headers", ())))
        yield code(status), " or ".join(bodies), headers, answer["description"]


def _refusals(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for status, answer in operation["responses"].items():
        if "$ref" in answer and status not in OF_EVERY_ROUTE:
            described = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]["description"]
            yield status, _CODE.findall(described)


def _body(name: str, schema: Mapping[str, Any]) -> str:
    said = f"### `{name}`\n\n"
    if "description" in schema:
        said += f"{schema['description']}\n\n"
    if "properties" not in schema:
        return said + f"It is {type_text({key: one for key, one in schema.items() if key != 'description'})}.\n\n"
    rows = []
    for field, one in schema["properties"].items():
        described = dict(one)
        meaning = described.pop("description", "")
        rows.append((code(field), type_text(described), "yes" if field in schema.get("required", ()) else "", meaning))
    return said + table(("field", "type", "always", "meaning"), rows)
