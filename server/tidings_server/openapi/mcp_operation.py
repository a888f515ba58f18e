"""The operation of the Model Context Protocol, for the OpenAPI document. The protocol itself is described elsewhere."""

from typing import Any

from .operations import RETRY_AFTER

Schema = dict[str, Any]

_SOURCE = "https://modelcontextprotocol.io/specification/2026-07-28"

_ID: Schema = {"type": ["string", "integer", "null"]}

_MESSAGE: Schema = {
    "description": "A request, or without `id` a notification, of JSON-RPC 2.0.",
    "type": "object",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "integer"]},
        "method": {"type": "string", "examples": ["tools/list", "tools/call", "tasks/get"]},
        "params": {"type": "object"},
    },
    "required": ["jsonrpc", "method"],
}
_RESULT: Schema = {
    "type": "object",
    "properties": {"jsonrpc": {"const": "2.0"}, "id": _ID, "result": {"type": "object"}, "error": {"type": "object"}},
    "required": ["jsonrpc"],
}
_ERROR: Schema = {
    "type": "object",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": _ID,
        "error": {
            "type": "object",
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        },
    },
    "required": ["jsonrpc", "error"],
}


def mcp_paths(problem: Schema, refused: Schema) -> dict[str, Any]:
    """Return the path of the protocol.

    Args:
        problem: the schema of a problem.
        refused: the answers that are problems.

    """
    messages = {
        "type": "string",
        "description": "Server-sent events, each with a message of JSON-RPC; the last is the answer.",
        "contentMediaType": "text/event-stream",
    }
    answer = {
        "description": "The answer, which may be an error of JSON-RPC.",
        "content": {"application/json": {"schema": _RESULT}, "text/event-stream": {"schema": messages}},
    }
    both = {"application/json": {"schema": _ERROR}, "application/problem+json": {"schema": problem}}
    errors: dict[str, Schema] = {
        str(status): {"description": f"{text}: an error of JSON-RPC, or a problem document.", "content": both}
        for status, text in _ERRORS.items()
    }
    errors["429"] |= {"headers": {"Retry-After": RETRY_AFTER}}
    return {
        "/mcp": {
            "post": {
                "summary": "Call a tool, or read, answer and cancel a task, by the Model Context Protocol.",
                "externalDocs": {"url": _SOURCE},
                "parameters": [
                    _header("MCP-Protocol-Version", "The version of the protocol; none: an earlier one's handshake."),
                    _header("Mcp-Method", "The method of the request, from version 2026-07-28 on."),
                    _header("Mcp-Name", "The tool, or the task, that the request names, from version 2026-07-28 on."),
                ],
                "requestBody": {"required": True, "content": {"application/json": {"schema": _MESSAGE}}},
                "responses": {
                    "200": answer,
                    "202": {"description": "The notification was read."},
                    "406": {"description": "The client does not accept both JSON and server-sent events."},
                    "415": {"description": "The body is not said to be JSON."},
                    **errors,
                    **refused,
                },
            },
        },
    }


_ERRORS = {
    400: "The request is malformed, or of a version that is not spoken here",
    404: "There is no such method; or the server lacks the extra `mcp`",
    413: "The request is too large",
    429: "The client has too many requests under way",
}


def _header(name: str, description: str) -> Schema:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
