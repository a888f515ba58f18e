"""The operation that reads one stream of a job, for the OpenAPI document."""

from typing import Any

from tidings.protocol.frames.stream_names import NAME_MEANING, NAME_PATTERN
from tidings_server.web.stream_query import STREAM_HEADERS

from .field_descriptions import pattern_of
from .parameters import header_parameter

STREAM_NAME: dict[str, Any] = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": f"The stream: {NAME_MEANING}; `main` is what a generator yields.",
    "schema": {"type": "string", "pattern": pattern_of(NAME_PATTERN)},
}

_MEANINGS = (
    "The state of the job; of one that has ended nothing more comes.",
    "The attempt that says the stream.",
    "The index of the first chunk here: a reader keeps as many of those that it has.",
    "The index after the last chunk here.",
    "The number of the job, for `after`.",
)


def stream_operation(number: dict[str, Any], events: dict[str, Any], refused: dict[str, Any]) -> dict[str, Any]:
    """Return the operation.

    Args:
        number: the schema of a number.
        events: the answer that is a stream of events.
        refused: the answers that are problems, by status.

    """
    headers = {
        name: {"description": meaning, "schema": {"type": "string"}}
        for name, meaning in zip(STREAM_HEADERS, _MEANINGS, strict=True)
    }
    lines = {"type": "string", "description": "A chunk in each line, as JSON."}
    text = {"type": "string", "description": "The chunks joined; only of a stream whose chunks are all text."}
    return {
        "summary": "Read one stream of a job.",
        "parameters": [
            {"name": "from", "in": "query", "description": "The index of the first chunk, from 0.", "schema": number},
            {
                "name": "after",
                "in": "query",
                "description": "In place of `from`: the last number that the client has seen of the job.",
                "schema": number,
            },
            header_parameter("Last-Event-ID"),
        ],
        "responses": {
            "200": {
                "description": "The chunks, as the request accepts them.",
                "headers": headers,
                "content": {
                    "application/x-ndjson": {"schema": lines},
                    "text/plain": {"schema": text},
                    **events["content"],
                },
            },
            "204": {"description": "Of events: the end was seen."},
            **refused,
        },
    }
