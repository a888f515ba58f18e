"""Answers with a body, and streams, as OpenAPI describes them."""

from typing import Any

from tidings.protocol.events import EventName, StreamEvent
from tidings.protocol.problems import CODES

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

FOLLOWING = {
    "type": "object",
    "description": "The first event of the stream of a tag; the snapshots of the jobs come next.",
    "required": ["type", "tag", "jobs", "at"],
    "properties": {
        "type": {"const": "following"},
        "tag": {"type": "string"},
        "jobs": {"description": "How many jobs there are by now.", "type": "integer", "minimum": 0},
        "at": {"description": "The time, by the store's clock.", "type": "string", "format": "date-time"},
    },
}
"""What the event `following` says in `GET /v1/events?tag=…`."""


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


def stream_answer(*data: dict[str, Any], names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the answer that is a stream of events; OpenAPI 3.1 knows it as a text, 3.2 has `itemSchema`.

    Args:
        data: the schemas of what the events say.
        names: of events, beside those of jobs, `snapshot` and the codes of problems.

    """
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
                "description": "The name of the event, `snapshot`, or the code of the problem for which no more is "
                "sent of a job.",
                "type": "string",
                # A dictionary: some codes of problems are names of events too.
                "enum": [*dict.fromkeys([*map(str, EventName), *map(str, StreamEvent), "snapshot", *names, *CODES])],
            },
            "data": {
                "description": "The event, the snapshot, or the problem.",
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"anyOf": [*data]},
            },
        },
    }
    schema = {
        "type": "string",
        "description": "Server-sent events: blocks of lines `id`, `event` and `data` with an empty line after each. "
        "`data` is the JSON of an EventFrame, where `event` is `snapshot`, of a Snapshot, which has no `id`, and where "
        "it is the code of a problem, of an Error. The stream ends after the terminal event.",
        "contentMediaType": "text/event-stream",
        "contentSchema": {"type": "array", "items": item},
    }
    return {
        "description": "The events.",
        "content": {"text/event-stream": {"schema": schema, "x-itemSchema": item}},
    }
