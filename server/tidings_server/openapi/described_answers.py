"""Answers with a body, and streams, as OpenAPI describes them."""

from typing import Any

from tidings.protocol.events import EventName

FEED_ITEM = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "id": {"description": "From where a later feed goes on.", "type": "string"},
        "event": {"description": "The name of the event, `open` or `missed`.", "type": "string"},
        "data": {
            "description": "The event as watchers get it, with `id`, `kind`, `owner`, `correlation_id`; or CloudEvent.",
            "type": "string",
            "contentMediaType": "application/json",
        },
    },
}
"""One event of `GET /v1/feed`."""


def json_answer(description: str, schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    """Return an answer with a body."""
    return {"description": description, "content": {media_type: {"schema": schema}}}


def schema_paths(names: dict[str, Any], refused: dict[str, Any]) -> dict[str, Any]:
    """Return the paths of the types of the contract.

    Args:
        names: the schema of their list.
        refused: the answers that are problems.

    """
    name = {"name": "name", "in": "path", "required": True, "description": "The type's name, as in the documents."}
    schema = json_answer("The schema.", {"type": "object", "additionalProperties": True}, "application/schema+json")
    return {
        "/v1/schemas": {
            "get": {
                "summary": "List the types of the contract.",
                "responses": {"200": json_answer("Their names.", names), **refused},
            }
        },
        "/v1/schemas/{name}": {
            "parameters": [{**name, "schema": {"type": "string"}}],
            "get": {"summary": "Get the JSON Schema of a type.", "responses": {"200": schema, **refused}},
        },
    }


def stream_answer(*data: dict[str, Any]) -> dict[str, Any]:
    """Return the answer that is a stream of events; OpenAPI 3.1 knows it as a text, 3.2 has `itemSchema`."""
    item = {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "id": {
                "description": "What was seen: the number of the job's event, or of each job's, separated by commas. A "
                "`snapshot` has none.",
                "type": "string",
            },
            "event": {
                "description": "The name of the event, or `snapshot`.",
                "type": "string",
                "enum": [*map(str, EventName), "snapshot"],
            },
            "data": {
                "description": "The event, or the snapshot.",
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"anyOf": [*data]},
            },
        },
    }
    schema = {
        "type": "string",
        "description": "Server-sent events: blocks of lines `id`, `event` and `data` with an empty line after each. "
        "`data` is the JSON of an EventFrame, or, where `event` is `snapshot`, of a Snapshot, which has no `id`. The "
        "stream ends after the terminal event.",
        "contentMediaType": "text/event-stream",
        "contentSchema": {"type": "array", "items": item},
    }
    return {
        "description": "The events.",
        "content": {"text/event-stream": {"schema": schema, "x-itemSchema": item}},
    }
