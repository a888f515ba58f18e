"""The name, the scope and the refusals of each operation of the HTTP interface, for the OpenAPI document.

The names are stable: generators name the functions of clients after them.

Sources: https://spec.openapis.org/oas/v3.1.0, RFC 9110 (headers), RFC 9457 (problems)
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from tidings.protocol.problems import CODES
from tidings_server.web.deprecations import Deprecation

from .operation_descriptions import DESCRIPTIONS
from .parameters import with_aliases

Schema = dict[str, Any]


class Operation(NamedTuple):
    """One operation."""

    name: str
    """Its `operationId`."""
    tag: str
    scope: str = ""
    """The scope that a credential needs; empty: any credential suffices."""
    refusals: tuple[int, ...] = ()
    """The HTTP statuses of its refusals, beside those of every operation."""
    tickets: bool = False
    """Whether the server accepts a ticket in the query in place of a credential."""
    public: bool = False
    """Whether it needs no credential."""
    grants: bool = False
    """Whether the server accepts a grant there."""


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("post", "/v1/jobs"): Operation("submitJob", "jobs", "submit", (404, 413, 422)),
    ("post", "/v1/jobs/batch"): Operation("submitJobs", "jobs", "submit", (413,)),
    ("get", "/v1/jobs"): Operation("listJobs", "jobs", "watch"),
    ("get", "/v1/jobs/{token}"): Operation("getJob", "jobs", "watch", (404,)),
    ("delete", "/v1/jobs/{token}"): Operation("cancelJob", "jobs", "cancel", (404, 409)),
    ("get", "/v1/jobs/{token}/deliveries"): Operation("listDeliveries", "jobs", "watch", (404,)),
    ("post", "/v1/jobs/{token}/signals/{name}"): Operation("signalJob", "jobs", "submit", (404, 409, 413)),
    ("get", "/v1/jobs/{token}/events"): Operation("streamJob", "events", "watch", (404,), tickets=True, grants=True),
    ("get", "/v1/jobs/{token}/streams/{name}"): Operation(
        "readStream", "events", "watch", (404,), tickets=True, grants=True
    ),
    ("get", "/v1/events"): Operation("streamJobs", "events", "watch", (404,), tickets=True, grants=True),
    ("get", "/v1/feed"): Operation("streamFeed", "events", "feed", tickets=True),
    ("post", "/v1/chat/{kind}"): Operation("ask", "chats", "submit", (404, 413, 422)),
    ("get", "/v1/chat/{kind}/{chat}/stream"): Operation("resumeChat", "chats", "watch"),
    ("post", "/v1/chat/{kind}/{chat}/stop"): Operation("stopChat", "chats", "cancel"),
    ("post", "/mcp"): Operation("callMcp", "tools", "", (404, 413)),
    ("get", "/v1/kinds"): Operation("listKinds", "kinds"),
    ("get", "/v1/schemas"): Operation("listSchemas", "schemas", public=True),
    ("get", "/v1/schemas/{name}"): Operation("getSchema", "schemas", "", (404,), public=True),
    ("post", "/v1/tickets"): Operation("createTicket", "tickets"),
    ("post", "/v1/grants"): Operation("createGrant", "grants", "", (404, 413)),
    ("get", "/v1/admin/overview"): Operation("getOverview", "operators", "admin"),
    ("get", "/v1/admin/connections"): Operation("listConnections", "operators", "admin"),
    ("get", "/v1/admin/series"): Operation("getSeries", "operators", "admin"),
    ("get", "/v1/admin/jobs"): Operation("searchJobs", "operators", "admin", (404,)),
    ("get", "/v1/admin/jobs/{token}"): Operation("inspectJob", "operators", "admin", (404,)),
    ("post", "/v1/admin/jobs/{token}/cancel"): Operation("cancelJobAsOperator", "operators", "admin", (404, 409)),
    ("post", "/v1/admin/breakers/{name}"): Operation("setBreaker", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/queues/{queue}/pause"): Operation("pauseQueue", "operators", "admin", (404,)),
    ("post", "/v1/admin/queues/{queue}/resume"): Operation("resumeQueue", "operators", "admin", (404,)),
    ("get", "/v1/admin/audit"): Operation("listAudit", "operators", "admin"),
    ("get", "/v1/admin/objectives"): Operation("getObjectives", "operators", "admin"),
    ("put", "/v1/admin/objectives"): Operation("setObjectives", "operators", "admin", (404, 413)),
    ("get", "/v1/admin/webhooks"): Operation("searchDeliveries", "operators", "admin", (404,)),
    ("get", "/v1/admin/webhooks/places"): Operation("listPlaces", "operators", "admin"),
    ("post", "/v1/admin/webhooks/replay"): Operation("replayDeliveries", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/webhooks/drop"): Operation("dropDeliveries", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/webhooks/pause"): Operation("pausePlace", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/webhooks/resume"): Operation("resumePlace", "operators", "admin", (404, 413)),
    ("get", "/v1/admin/groups"): Operation("listGroups", "operators", "admin"),
    ("get", "/v1/admin/groups/dead"): Operation("listDeadEvents", "operators", "admin", (404,)),
    ("post", "/v1/admin/groups/pause"): Operation("pauseGroup", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/groups/resume"): Operation("resumeGroup", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/groups/forget"): Operation("forgetGroup", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/groups/skip"): Operation("skipEvents", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/groups/replay"): Operation("replayEvents", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/groups/retry"): Operation("retryDeadEvents", "operators", "admin", (404, 413)),
    ("get", "/v1/admin/sagas"): Operation("listSagas", "operators", "admin"),
    ("get", "/v1/admin/kinds/changes"): Operation("listKindChanges", "operators", "admin"),
    ("get", "/v1/admin/dead"): Operation("listDeadLetters", "operators", "admin"),
    ("post", "/v1/admin/dead/replay"): Operation("replayDeadLetters", "operators", "admin", (404, 413)),
    ("post", "/v1/admin/dead/drop"): Operation("dropDeadLetters", "operators", "admin", (404, 413)),
}

TAGS = {
    "jobs": "Submit jobs, list and look at them, cancel and forget them, and give sagas signals.",
    "events": "Follow jobs by server-sent events.",
    "chats": "Answer pages that use `useChat` of the AI SDK.",
    "tools": "Offer kinds as tools to clients of the Model Context Protocol.",
    "kinds": "List the kinds of jobs that can be submitted.",
    "schemas": "Get the types of the contract, as JSON Schemas.",
    "tickets": "Get a ticket, which stands for a credential in a URL.",
    "grants": "Get a grant, whose bearer may follow a job.",
    "operators": "Observe and operate the system; needs the scope `admin`.",
}

_REFUSALS = {
    400: ("BadRequest", ("invalid_frame",)),
    401: ("Unauthorized", ("unauthenticated",)),
    403: ("Forbidden", ("forbidden",)),
    404: ("NotFound", ("unknown_kind", "unknown_token", "unknown_name")),
    409: ("Conflict", ("already_finished", "not_finished")),
    413: ("ContentTooLarge", ("too_large",)),
    422: ("UnprocessableContent", ("invalid_input", "key_reused")),
    429: ("TooManyRequests", ("rate_limited", "backlog_full")),
    500: ("InternalServerError", ("internal_error",)),
    503: ("ServiceUnavailable", ("store_unavailable", "unconfirmed", "circuit_open", "auth_unavailable", "draining")),
}
_ALL_HAVE = (400, 429, 500, 503)
_WITH_CREDENTIALS = (401, 403)

RETRY_AFTER: Schema = {
    "description": "Seconds after which another try makes sense (RFC 9110, section 10.2.3).",
    "schema": {"type": "integer", "minimum": 0},
}
WWW_AUTHENTICATE: Schema = {
    "description": "How the client authenticates (RFC 6750, section 3).",
    "schema": {"type": "string"},
}
LOCATION: Schema = {
    "description": "The address of the job.",
    "required": True,
    "schema": {"type": "string", "format": "uri-reference"},
}
ETAG: Schema = {
    "description": "The number of the job's newest event, in quotes; for `If-None-Match`.",
    "required": True,
    "schema": {"type": "string"},
}

PREFERENCE_APPLIED: Schema = {
    "description": "The preferences of the request that the answer follows (RFC 7240, section 3).",
    "schema": {"type": "string", "examples": ["respond-async, wait=10"]},
}

REFUSED: Schema = {"default": {"$ref": "#/components/responses/Problem"}}
"""The answer of refusals that the operation does not list."""


def refusals(problem: Schema, *, credentials: bool) -> dict[str, Schema]:
    """Return the answers that are problems, by name, for the components of the document.

    Args:
        problem: the schema of a problem.
        credentials: whether the server asks for credentials.

    """
    content = {"application/problem+json": {"schema": problem}}
    found: dict[str, Schema] = {"Problem": {"description": "A problem document (RFC 9457).", "content": content}}
    for status, (name, codes) in _REFUSALS.items():
        if status in _WITH_CREDENTIALS and not credentials:
            continue
        text = " ".join(f"`{code}`: {CODES[code].title}" for code in codes)
        found[name] = {"description": text, "content": content}
        if status in (429, 503):
            found[name]["headers"] = {"Retry-After": RETRY_AFTER}
        elif status == 401:
            found[name]["headers"] = {"WWW-Authenticate": WWW_AUTHENTICATE}
    return found


def complete(paths: dict[str, Any], deprecations: Iterable[Deprecation] = (), *, credentials: bool) -> dict[str, Any]:
    """Return the paths completed with the entries of `OPERATIONS`.

    Args:
        paths: with `REFUSED` among the answers of each operation.
        deprecations: what of them is deprecated.
        credentials: whether the server asks for credentials.

    """
    completed = {
        path: {
            method: item if method == "parameters" else _complete(item, OPERATIONS[method, path], credentials)
            for method, item in of.items()
        }
        for path, of in paths.items()
    }
    for one in deprecations:
        _deprecate(completed[one.path][one.method.lower()], one)
    return completed


def _deprecate(item: Schema, one: Deprecation) -> None:
    """Mark an operation, or a parameter of it."""
    if one.parameter:
        parameters = [{**found} for found in item["parameters"]]
        item["parameters"] = parameters
        (item,) = (found for found in parameters if (found["in"], found["name"]) == ("query", one.parameter))
    item["deprecated"] = True
    item["description"] = f"{item['description']} {one.sentence()}"


def _complete(item: Schema, operation: Operation, credentials: bool) -> Schema:
    credentials = credentials and not operation.public
    statuses = sorted({*_ALL_HAVE, *operation.refusals, *(_WITH_CREDENTIALS if credentials else ())})
    refused = {str(status): {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"} for status in statuses}
    description = DESCRIPTIONS[operation.name]
    found = {"operationId": operation.name, "tags": [operation.tag], "description": description, **item}
    if "parameters" in item:
        found["parameters"] = with_aliases(item["parameters"])
    answers = {status: answer for status, answer in item["responses"].items() if status not in REFUSED}
    found["responses"] = {**refused, **answers, **REFUSED}
    if credentials:
        if operation.scope:
            # Not in `security`: what OpenAPI 3.1 allows there beside OAuth, linters and generators refuse.
            found["description"] += f" Needs the scope `{operation.scope}`."
            found["x-scopes"] = [operation.scope]
        others = {"ticket": operation.tickets, "grant": operation.grants}
        found["security"] = [{"bearer": []}, *({name: []} for name, accepted in others.items() if accepted)]
    elif operation.public:
        found["security"] = []
    return found


_BEARERS = {"jwt": "a JSON Web Token", "api_key": "an API key"}


def security_schemes(ways: tuple[str, ...]) -> dict[str, Schema]:
    """Return how a client authenticates, by the ways that the server accepts; none: it asks for no credential."""
    if not ways:
        return {}
    words = " or ".join([*(_BEARERS[way] for way in ways if way in _BEARERS), "a grant for the job"])
    bearer = {"type": "http", "scheme": "bearer", "description": f"{words[0].upper()}{words[1:]}."}
    if "jwt" in ways:
        bearer |= {"bearerFormat": "JWT"}
    return {
        "grant": {
            "type": "apiKey",
            "in": "query",
            "name": "grant",
            "description": "A grant for the job, for streams of browsers; may be repeated.",
        },
        "bearer": bearer,
        "ticket": {
            "type": "apiKey",
            "in": "query",
            "name": "ticket",
            "description": "A ticket from `POST /v1/tickets`, valid once: for streams and sockets of browsers.",
        },
    }
