"""The documents of the contract: OpenAPI 3.1 for HTTP, AsyncAPI 3.1 for the socket.

Both are made from the types that the server itself reads and writes, so they cannot say anything else.

Sources: https://spec.openapis.org/oas/v3.1.0, https://www.asyncapi.com/docs/reference/specification/v3.1.0
"""

import inspect
from typing import Any, get_args

import msgspec

import tidings
from tidings.ai.chat_request import ChatRequest
from tidings.protocol.frames.listing_messages import JobList
from tidings.protocol.frames.messages import (
    SUBPROTOCOL,
    Ack,
    ClientFrame,
    Error,
    EventFrame,
    ServerFrame,
    Snapshot,
    Submission,
)
from tidings.protocol.grants import GrantSubject, IssuedGrant
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.problems import Problem
from tidings.protocol.steps import SIGNAL_PATTERN
from tidings.protocol.webhooks import DeliveryPage
from tidings_server.http.ticket_endpoint import Ticket
from tidings_server.web.deprecations import DEPRECATIONS, Deprecation

from .admin_paths import AFTER, LIMIT, TYPES, admin_paths
from .chat_operations import chat_paths
from .described_answers import FEED_ITEM, FOLLOWING, json_answer, schema_paths, stream_answer
from .field_descriptions import components, pattern_of
from .list_operation import FOLLOWED, FORGET, list_operation
from .mcp_operation import mcp_paths
from .operations import (
    ETAG,
    LOCATION,
    PREFERENCE_APPLIED,
    REFUSED,
    RETRY_AFTER,
    TAGS,
    complete,
    refusals,
    security_schemes,
)
from .parameters import header_parameter, repeated_parameter
from .stream_operation import STREAM_NAME, stream_operation

_REF = "#/components/schemas/{name}"

_MAKERS = {"contact": {"name": "The Tidings developers"}, "license": {"name": "MIT", "identifier": "MIT"}}

TOKEN = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "The job's name for clients, from its ack.",
    "schema": {"type": "string"},
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=N`: hold the answer up to N seconds (RFC 7240, section 4.3). `respond-async`: answer 202 "
    "without the outcome, after `wait` where both are given (section 4.1).",
    "schema": {"type": "string", "examples": ["wait=10", "respond-async, wait=10"]},
}


class KindList(msgspec.Struct):
    """The answer of `GET /v1/kinds`."""

    kinds: list[KindRecord]
    """The kinds, by name, that the caller may submit."""


class SchemaList(msgspec.Struct):
    """The answer of `GET /v1/schemas`."""

    schemas: list[str]
    """The names of the types of the contract, in the order of the alphabet."""


def openapi(
    ways: tuple[str, ...] = (), root: str = "", deprecations: tuple[Deprecation, ...] = DEPRECATIONS
) -> dict[str, Any]:
    """Return the OpenAPI document.

    Args:
        ways: in which clients say who they are: `jwt`, `api_key`, `application` (a login around the server); none: the
            server asks for no credential.
        root: the path under which the server is mounted.
        deprecations: what of the interface is deprecated.

    """
    own = (Submission, Ack, Snapshot, Problem, KindList, EventFrame, Ticket, JobList, GrantSubject, IssuedGrant, Error)
    found, schemas = components((*own, ChatRequest, DeliveryPage, SchemaList, *TYPES), _REF)
    submission, ack, snapshot, problem, kinds, event, ticket, jobs, subject, grant, error, chat, page, names, *admin = (
        found
    )
    _tell_problems(schemas, problem)
    applied = {"Preference-Applied": PREFERENCE_APPLIED}
    job = json_answer("All that is known of the job.", snapshot) | {"headers": {"ETag": ETAG, **applied}}
    accepted = json_answer("Accepted, durably.", ack) | {
        "headers": {"Location": LOCATION, "Retry-After": {**RETRY_AFTER, "required": True}, **applied}
    }
    schemes = security_schemes(ways)
    stream = stream_answer(event, snapshot, error)
    streams = stream_answer(event, snapshot, error, FOLLOWING, names=("following",))
    refused = REFUSED
    answers = {"type": "array", "items": {"anyOf": [ack, problem]}}
    number = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
    after = {
        "name": "after",
        "in": "query",
        "description": "The last number that the client has seen.",
        "schema": number,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tidings", "version": tidings.__version__, "description": "Contract version 1.", **_MAKERS},
        "servers": [{"url": root or "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": complete(
            {
                "/v1/jobs": {
                    "get": list_operation(jobs, refused),
                    "post": {
                        "summary": "Submit a job.",
                        "parameters": [
                            header_parameter("Idempotency-Key"),
                            header_parameter("traceparent"),
                            header_parameter("tracestate"),
                            PREFER,
                        ],
                        "requestBody": {"required": True, "content": {"application/json": {"schema": submission}}},
                        "responses": {"200": job, "202": accepted, **refused},
                    },
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
                            "202": json_answer("One for each.", answers),
                            **refused,
                        },
                    }
                },
                "/v1/jobs/{token}": {
                    "parameters": [TOKEN],
                    "get": {
                        "summary": "Look at a job, or wait for news of it.",
                        "parameters": [PREFER, header_parameter("If-None-Match"), after],
                        "responses": {
                            "200": job,
                            "304": {"description": "Nothing new.", "headers": {"ETag": ETAG, **applied}},
                            **refused,
                        },
                    },
                    "delete": {
                        "summary": "Ask that a job stop, or have one forgotten that has ended.",
                        "parameters": [FORGET],
                        "responses": {
                            "202": {"description": "Asked to stop."},
                            "204": {"description": "Forgotten."},
                            **refused,
                        },
                    },
                },
                "/v1/jobs/{token}/events": {
                    "parameters": [TOKEN],
                    "get": {
                        "summary": "Stream a job's events.",
                        "parameters": [header_parameter("Last-Event-ID"), after],
                        "responses": {"200": stream, "204": {"description": "The end was seen."}, **refused},
                    },
                },
                "/v1/jobs/{token}/streams/{name}": {
                    "parameters": [TOKEN, STREAM_NAME],
                    "get": stream_operation(number, stream, refused),
                },
                "/v1/jobs/{token}/deliveries": {
                    "parameters": [TOKEN],
                    "get": {
                        "summary": "List the deliveries of a job to its webhooks.",
                        "parameters": [AFTER, LIMIT],
                        "responses": {
                            "200": json_answer("A page, in the order of the events.", page),
                            **refused,
                        },
                    },
                },
                "/v1/jobs/{token}/signals/{name}": {
                    "parameters": [
                        TOKEN,
                        {
                            "name": "name",
                            "in": "path",
                            "required": True,
                            "description": "The name of the signal, which the saga waits for.",
                            "schema": {"type": "string", "pattern": pattern_of(SIGNAL_PATTERN)},
                        },
                    ],
                    "post": {
                        "summary": "Give a signal to a saga.",
                        "parameters": [header_parameter("Idempotency-Key")],
                        "requestBody": {
                            "description": "What it says: any JSON, at most 64 KiB; none is null.",
                            "content": {"application/json": {"schema": {}}},
                        },
                        "responses": {"202": {"description": "The saga has it, durably."}, **refused},
                    },
                },
                "/v1/events": {
                    "get": {
                        "summary": "Stream the events of several jobs, or of all jobs with a tag.",
                        "parameters": [
                            {
                                "name": "token",
                                "in": "query",
                                "description": "The jobs, by the tokens of their acks; without them a `tag`.",
                                "schema": {
                                    "type": "array",
                                    "items": {"type": "string"},
                                    "minItems": 1,
                                    "maxItems": 100,
                                },
                            },
                            {
                                "name": "after",
                                "in": "query",
                                "description": "None, or one for each token, in order: the last number seen of it.",
                                "schema": {"type": "array", "items": number, "maxItems": 100},
                            },
                            *FOLLOWED,
                            header_parameter("Last-Event-ID"),
                        ],
                        "responses": {"200": streams, "204": {"description": "Every end was seen."}, **refused},
                    }
                },
                "/v1/feed": {
                    "get": {
                        "summary": "Stream what happens to the jobs of some kinds.",
                        "parameters": [
                            repeated_parameter("kind", "Kinds, or patterns such as `order.*`; none: all."),
                            repeated_parameter("event", "Names of events; none: those that end a job."),
                            {
                                "name": "after",
                                "in": "query",
                                "description": "The last `id` of an earlier feed, or `start`: all that the store has. "
                                "None: what comes.",
                                "schema": {"type": "string"},
                            },
                            {
                                "name": "format",
                                "in": "query",
                                "description": "`cloudevents`: the `data` of each event is a CloudEvent 1.0.",
                                "schema": {"enum": ["cloudevents"]},
                            },
                            header_parameter("Last-Event-ID"),
                        ],
                        "responses": {
                            "200": {
                                "description": "Server-sent events. The first, `open`, has the `id` from which the "
                                "feed goes on; `missed` says how many events the store had trimmed.",
                                "content": {
                                    "text/event-stream": {"schema": {"type": "string"}, "x-itemSchema": FEED_ITEM}
                                },
                            },
                            **refused,
                        },
                    }
                },
                "/v1/kinds": {
                    "get": {
                        "summary": "List the kinds that workers have registered.",
                        "responses": {"200": json_answer("The kinds.", kinds), **refused},
                    }
                },
                "/v1/tickets": {
                    "post": {
                        "summary": "Exchange a credential for a ticket.",
                        "responses": {
                            "201": json_answer("A ticket, to be used once.", ticket),
                            **refused,
                        },
                    }
                },
                "/v1/grants": {
                    "post": {
                        "summary": "Get a grant for jobs of one's own.",
                        "requestBody": {"required": True, "content": {"application/json": {"schema": subject}}},
                        "responses": {
                            "201": json_answer("A grant: who bears it may do what it says.", grant),
                            **refused,
                        },
                    }
                },
                **chat_paths(chat, refused),
                **mcp_paths(problem, refused),
                **schema_paths(names, refused),
                **admin_paths(dict(zip(TYPES, admin, strict=True)), refused, after),
            },
            deprecations,
            credentials=bool(schemes),
        ),
        "security": [{"bearer": []}] if schemes else [],
        "components": {
            "schemas": schemas,
            "responses": refusals(problem, credentials=bool(schemes)),
            **({"securitySchemes": schemes} if schemes else {}),
        },
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    inward, outward = get_args(ClientFrame), get_args(ServerFrame)
    frames = (*inward, *outward)
    refs, schemas = components(frames, _REF)
    _tell_problems(schemas, {"$ref": _REF.format(name="Problem")})
    channel = {"$ref": "#/channels/socket"}

    def messages(frames: tuple[type, ...]) -> list[dict[str, str]]:
        return [{"$ref": f"#/channels/socket/messages/{frame.__name__}"} for frame in frames]

    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Tidings",
            "version": tidings.__version__,
            "description": f"Subprotocol `{SUBPROTOCOL}`.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/v1/socket",
                "title": "The socket",
                "description": "A WebSocket with the subprotocol; each message is one JSON object with a `type`.",
                "messages": {
                    frame.__name__: {
                        "name": frame.__name__,
                        "title": str(frame.__struct_config__.tag),
                        "summary": inspect.cleandoc(frame.__doc__ or "").partition("\n")[0],
                        "contentType": "application/json",
                        "payload": payload,
                    }
                    for frame, payload in zip(frames, refs, strict=True)
                },
            }
        },
        "operations": {
            "fromClient": {
                "action": "receive",
                "summary": "What a client sends.",
                "channel": channel,
                "messages": messages(inward),
            },
            "toClient": {
                "action": "send",
                "summary": "What the server sends.",
                "channel": channel,
                "messages": messages(outward),
            },
        },
        "components": {"schemas": schemas},
    }


def _tell_problems(schemas: dict[str, Any], problem: dict[str, Any]) -> None:
    """Add the schema of a problem to the fields that hold one: their types keep the problem as raw JSON."""
    for name in ("Snapshot", "SnapshotFrame", "JobDetail", "Step"):
        if name in schemas:
            schemas[name]["properties"]["problem"] |= problem
