"""The operations of chats, for the OpenAPI document."""

from typing import Any

from tidings.ai.chat_request import CHAT_MEANING, CHAT_PATTERN

from .field_descriptions import pattern_of
from .operations import LOCATION
from .parameters import header_parameter

Schema = dict[str, Any]

_KIND: Schema = {
    "name": "kind",
    "in": "path",
    "required": True,
    "description": "The kind of work that answers.",
    "schema": {"type": "string"},
}
_CHAT: Schema = {
    "name": "chat",
    "in": "path",
    "required": True,
    "description": f"The chat: {CHAT_MEANING}.",
    "schema": {"type": "string", "pattern": pattern_of(CHAT_PATTERN)},
}
_ENDED: Schema = {
    "name": "ended",
    "in": "query",
    "description": "Whether the newest message comes also where it has ended.",
    "schema": {"type": "boolean", "default": False},
}


def chat_paths(chat: Schema, refused: Schema) -> dict[str, Any]:
    """Return the paths of chats.

    Args:
        chat: the schema of what a page asks.
        refused: the answers that are problems.

    """
    parts = {
        "type": "string",
        "description": "Server-sent events: lines `data: `, each with a part of the UI message stream as JSON, and "
        "an empty line; the last is `data: [DONE]`.",
        "contentMediaType": "text/event-stream",
    }
    message = {
        "description": "The message.",
        "headers": {
            "Location": LOCATION,
            "x-vercel-ai-ui-message-stream": {
                "description": "The version of the UI message stream.",
                "required": True,
                "schema": {"const": "v1"},
            },
        },
        "content": {"text/event-stream": {"schema": parts}},
    }
    nothing = {"description": "Nothing is being written."}
    return {
        "/v1/chat/{kind}": {
            "parameters": [_KIND],
            "post": {
                "summary": "Ask in a chat, and get the answer as it is written.",
                "parameters": [
                    header_parameter("Idempotency-Key"),
                    header_parameter("traceparent"),
                    header_parameter("tracestate"),
                ],
                "requestBody": {"required": True, "content": {"application/json": {"schema": chat}}},
                "responses": {"200": message, **refused},
            },
        },
        "/v1/chat/{kind}/{chat}/stream": {
            "parameters": [_KIND, _CHAT],
            "get": {
                "summary": "Get the message that is being written in a chat, from its beginning.",
                "parameters": [_ENDED],
                "responses": {"200": message, "204": nothing, **refused},
            },
        },
        "/v1/chat/{kind}/{chat}/stop": {
            "parameters": [_KIND, _CHAT],
            "post": {
                "summary": "Stop what is being written in a chat.",
                "responses": {"202": {"description": "Asked to stop."}, "204": nothing, **refused},
            },
        },
    }
