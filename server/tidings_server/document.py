"""The contract as documents for programs: OpenAPI 3.1 for HTTP, AsyncAPI 3 for the socket.

Both are made from the types that the server itself reads and writes, so they cannot say anything else.

Sources: https://spec.openapis.org/oas/v3.1.0, https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from typing import Any, get_args

import msgspec

import tidings
from tidings.contract.frame import (
    SUBPROTOCOL,
    Ack,
    ClientFrame,
    EventFrame,
    ServerFrame,
    Snapshot,
    Submission,
)
from tidings.contract.kind import KindRecord
from tidings.contract.problem import Problem
from tidings.contract.step import SIGNAL_PATTERN

from .admin.document import TYPES, admin_paths
from .tickets import Ticket

_REF = "#/components/schemas/{name}"

TOKEN = {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=N`: hold the answer up to N seconds (RFC 7240, section 4.3).",
    "schema": {"type": "string", "examples": ["wait=10"]},
}


SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A JSON Web Token or an API key; not wanted where `auth` is none.",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "From `POST /v1/tickets`, once, where a browser can set no header: streams and the socket.",
    },
}
STREAM_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"ticket": []}, {}]


class KindList(msgspec.Struct):
    """The answer of `GET /v1/kinds`."""

    kinds: list[KindRecord]


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document."""
    (submission, ack, snapshot, problem, kinds, event, ticket, *admin), schemas = msgspec.json.schema_components(
        (Submission, Ack, Snapshot, Problem, KindList, EventFrame, Ticket, *TYPES), ref_template=_REF
    )
    job = _answer("All that is known of the job.", "application/json", snapshot)
    accepted = _answer("Accepted, durably.", "application/json", ack)
    stream = _answer("Its events.", "text/event-stream", _sse(event, snapshot))
    refused = {"default": _answer("A problem document (RFC 9457).", "application/problem+json", problem)}
    answers = {"type": "array", "items": {"anyOf": [ack, problem]}}
    number = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
    after = {"name": "after", "in": "query", "schema": number}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tidings", "version": tidings.__version__, "description": "Contract version 1."},
        "paths": {
            "/v1/jobs": {
                "post": {
                    "summary": "Submit a job.",
                    "parameters": [_header("Idempotency-Key"), _header("traceparent"), PREFER],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": submission}}},
                    "responses": {"200": job, "202": accepted, **refused},
                }
            },
            "/v1/jobs/batch": {
                "post": {
                    "summary": "Submit many jobs; each is accepted or refused by itself.",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {"schema": {"type": "array", "items": submission, "minItems": 1}},
                            "application/x-ndjson": {"schema": {"type": "string"}},
                        },
                    },
                    "responses": {
                        "202": _answer("One for each.", "application/json", answers),
                        **refused,
                    },
                }
            },
            "/v1/jobs/{token}": {
                "parameters": [TOKEN],
                "get": {
                    "summary": "Look at a job, or wait for news of it.",
                    "parameters": [PREFER, _header("If-None-Match"), after],
                    "responses": {"200": job, "304": {"description": "Nothing new."}, **refused},
                },
                "delete": {
                    "summary": "Ask that a job stop.",
                    "responses": {"202": {"description": "Asked."}, **refused},
                },
            },
            "/v1/jobs/{token}/events": {
                "parameters": [TOKEN],
                "get": {
                    "summary": "Stream a job's events.",
                    "security": STREAM_SECURITY,
                    "parameters": [_header("Last-Event-ID"), after],
                    "responses": {"200": stream, "204": {"description": "The end was seen."}, **refused},
                },
            },
            "/v1/jobs/{token}/signals/{name}": {
                "parameters": [
                    TOKEN,
                    {
                        "name": "name",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "pattern": SIGNAL_PATTERN},
                    },
                ],
                "post": {
                    "summary": "Give a signal to a saga.",
                    "parameters": [_header("Idempotency-Key")],
                    "requestBody": {
                        "description": "What it says: any JSON, at most 64 KiB; none is null.",
                        "content": {"application/json": {"schema": {}}},
                    },
                    "responses": {"202": {"description": "The saga has it, durably."}, **refused},
                },
            },
            "/v1/events": {
                "get": {
                    "summary": "Stream the events of several jobs.",
                    "security": STREAM_SECURITY,
                    "parameters": [
                        {
                            "name": "token",
                            "in": "query",
                            "required": True,
                            "schema": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 100},
                        },
                        {
                            "name": "after",
                            "in": "query",
                            "description": "None, or one for each token, in order: the last number seen of it.",
                            "schema": {"type": "array", "items": number, "maxItems": 100},
                        },
                        _header("Last-Event-ID"),
                    ],
                    "responses": {"200": stream, "204": {"description": "Every end was seen."}, **refused},
                }
            },
            "/v1/kinds": {
                "get": {
                    "summary": "List the kinds that workers have registered.",
                    "responses": {"200": _answer("The kinds.", "application/json", kinds), **refused},
                }
            },
            "/v1/tickets": {
                "post": {
                    "summary": "Exchange a credential for a ticket.",
                    "responses": {"201": _answer("A ticket, to be used once.", "application/json", ticket), **refused},
                }
            },
            **admin_paths(dict(zip(TYPES, admin, strict=True)), refused),
        },
        "security": [{"bearer": []}, {}],
        "components": {"schemas": schemas, "securitySchemes": SECURITY_SCHEMES},
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    inward, outward = get_args(ClientFrame), get_args(ServerFrame)
    refs, schemas = msgspec.json.schema_components((*inward, *outward), ref_template=_REF)
    payloads = dict(zip((frame.__name__ for frame in (*inward, *outward)), refs, strict=True))
    channel = {"$ref": "#/channels/socket"}

    def messages(frames: tuple[type, ...]) -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/socket/messages/{frame.__name__}"} for frame in frames]

    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Tidings", "version": tidings.__version__, "description": f"Subprotocol `{SUBPROTOCOL}`."},
        "channels": {
            "socket": {
                "address": "/v1/socket",
                "messages": {
                    name: {"name": name, "contentType": "application/json", "payload": payload}
                    for name, payload in payloads.items()
                },
            }
        },
        "operations": {
            "fromClient": {"action": "receive", "channel": channel, "messages": messages(inward)},
            "toClient": {"action": "send", "channel": channel, "messages": messages(outward)},
        },
        "components": {"schemas": schemas},
    }


def _answer(description: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _sse(*data: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one event of a stream, by its lines; OpenAPI 3.1 has no form for a stream of them."""
    return {
        "description": "Each event of the stream. `id` tells what was seen: the number of the job's event, or of each "
        "job's, separated by commas. A `snapshot` has none.",
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "id": {"type": "string"},
            "event": {"type": "string"},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": {"anyOf": [*data]}},
        },
    }


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": {"type": "string"}}
