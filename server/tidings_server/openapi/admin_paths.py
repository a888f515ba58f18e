"""The part of the OpenAPI document that describes `/v1/admin`."""

from collections.abc import Mapping
from typing import Any

from tidings.protocol.frames.admin_messages import (
    AuditPage,
    BreakerOrder,
    ConnectionList,
    JobDetail,
    JobPage,
    LetterChoice,
    LetterPage,
    LettersActed,
    ObjectiveList,
    ObjectiveRule,
    QueueState,
    Series,
)
from tidings.protocol.frames.group_messages import (
    GroupChoice,
    GroupLetters,
    GroupList,
    GroupReplay,
    GroupRetry,
    GroupsActed,
)
from tidings.protocol.frames.kind_messages import KindChangeList
from tidings.protocol.frames.overview import BreakerLine, OverviewBody
from tidings.protocol.frames.saga_messages import SagaList
from tidings.protocol.states import State
from tidings.protocol.webhooks import DeliveriesActed, DeliveryChoice, DeliveryPage, PlaceChoice, PlaceList
from tidings_server.admin.admin_requests import MAX_LIMIT, MAX_TEXT

TYPES: tuple[type, ...] = (
    OverviewBody,
    ConnectionList,
    JobDetail,
    JobPage,
    Series,
    LetterPage,
    SagaList,
    KindChangeList,
    LetterChoice,
    LettersActed,
    BreakerOrder,
    BreakerLine,
    QueueState,
    AuditPage,
    ObjectiveList,
    ObjectiveRule,
    DeliveryPage,
    DeliveryChoice,
    DeliveriesActed,
    GroupList,
    GroupLetters,
    GroupsActed,
    GroupChoice,
    GroupReplay,
    GroupRetry,
    PlaceChoice,
    PlaceList,
)
"""The types of its requests and answers."""

Schema = dict[str, Any]


def admin_paths(schemas: Mapping[type, Schema], refused: Schema, after: Schema) -> dict[str, Any]:
    """Return the paths.

    Args:
        schemas: of `TYPES`.
        refused: the answers that are problems.
        after: the parameter that says which events of a job the client has seen.

    """

    def answer(description: str, type_: type) -> Schema:
        content = {"application/json": {"schema": schemas[type_]}}
        return {"responses": {"200": {"description": description, "content": content}, **refused}}

    def body(type_: type) -> Schema:
        return {"requestBody": {"required": True, "content": {"application/json": {"schema": schemas[type_]}}}}

    token, name = _in_path("token"), _in_path("name")
    acted = {**body(LetterChoice), **answer("How many letters were changed.", LettersActed)}
    return {
        "/v1/admin/overview": {
            "get": {"summary": "Get the state of the whole system.", **answer("The overview.", OverviewBody)}
        },
        "/v1/admin/connections": {
            "get": {
                "summary": "List the connections of the process that answers.",
                **answer("The connections, slow ones first.", ConnectionList),
            }
        },
        "/v1/admin/series": {
            "get": {
                "summary": "Get the times of the jobs that ended lately, interval by interval.",
                "parameters": [
                    {
                        "name": "minutes",
                        "in": "query",
                        "description": "How many minutes back the series begins.",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 1440, "default": 60},
                    },
                    _text("kind"),
                ],
                **answer("Counts, percentiles, and the cells of a heat map.", Series),
            }
        },
        "/v1/admin/jobs": {
            "get": {
                "summary": "Search jobs.",
                "parameters": [
                    *map(_text, ("state", "kind", "queue", "correlation_id", "owner", "tag")),
                    *map(_text, ("token", "since", "until", "cursor")),
                    LIMIT,
                ],
                **answer("A page; one that is short before the last has `incomplete` set.", JobPage),
            }
        },
        "/v1/admin/jobs/{token}": {
            "parameters": [token],
            "get": {
                "summary": "Get a job as operators see it.",
                "parameters": [after],
                **answer("All that the store holds of the job.", JobDetail),
            },
        },
        "/v1/admin/jobs/{token}/cancel": {
            "parameters": [token],
            "post": {
                "summary": "Ask that a job stop.",
                "responses": {"202": {"description": "The store has recorded that the job is to stop."}, **refused},
            },
        },
        "/v1/admin/breakers/{name}": {
            "parameters": [name],
            "post": {
                "summary": "Hold a breaker open or closed, or let its calls decide again.",
                **body(BreakerOrder),
                **answer("The breaker.", BreakerLine),
            },
        },
        "/v1/admin/queues/{queue}/pause": {
            "parameters": [_in_path("queue")],
            "post": {
                "summary": "Pause a queue: its workers take no jobs.",
                **answer("The queue is paused.", QueueState),
            },
        },
        "/v1/admin/queues/{queue}/resume": {
            "parameters": [_in_path("queue")],
            "post": {
                "summary": "Resume a queue: its workers take jobs again.",
                **answer("The queue is not paused.", QueueState),
            },
        },
        "/v1/admin/audit": {
            "get": {
                "summary": "List the acts of operators, and refusals.",
                "parameters": [_text("cursor"), LIMIT],
                **answer("A page of the audit log, newest first.", AuditPage),
            }
        },
        "/v1/admin/objectives": {
            "get": {
                "summary": "Get the objectives, and how jobs met them.",
                **answer("All objectives.", ObjectiveList),
            },
            "put": {
                "summary": "Replace all objectives.",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"type": "object", "additionalProperties": schemas[ObjectiveRule]}
                        }
                    },
                },
                **answer("All objectives.", ObjectiveList),
            },
        },
        "/v1/admin/webhooks": {
            "get": {
                "summary": "List deliveries to webhooks.",
                "parameters": [_text("queue"), DELIVERY_STATE, _text("place"), AFTER, LIMIT],
                **answer("A page: of pending ones the oldest first, else the newest.", DeliveryPage),
            }
        },
        "/v1/admin/webhooks/places": {
            "get": {
                "summary": "List the hosts to which deliveries go.",
                **answer("The hosts that have deliveries, or rest.", PlaceList),
            }
        },
        **{
            f"/v1/admin/webhooks/{name}": {
                "post": {"summary": text, **body(choice), **answer("What was changed.", DeliveriesActed)}
            }
            for name, text, choice in (
                ("replay", "Try deliveries again, from now.", DeliveryChoice),
                ("drop", "Give up deliveries that wait, or remove dead ones.", DeliveryChoice),
                ("pause", "Pause a host: it gets no deliveries.", PlaceChoice),
                ("resume", "Resume a host that was paused.", PlaceChoice),
            )
        },
        "/v1/admin/sagas": {
            "get": {
                "summary": "Show running sagas by version, and those that are held.",
                "parameters": [LIMIT],
                **answer("Counts, and held sagas.", SagaList),
            }
        },
        "/v1/admin/kinds/changes": {
            "get": {
                "summary": "Show what of the kinds has changed.",
                "parameters": [LIMIT],
                **answer("The last change of each kind, the newest first.", KindChangeList),
            }
        },
        "/v1/admin/groups": {
            "get": {
                "summary": "List the groups that consume events.",
                **answer("Where each group stands in each queue.", GroupList),
            }
        },
        "/v1/admin/groups/dead": {
            "get": {
                "summary": "List the events that a group could not handle.",
                "parameters": [_text("group"), _text("queue"), LIMIT],
                **answer("Their letters.", GroupLetters),
            }
        },
        **{
            f"/v1/admin/groups/{name}": {
                "post": {"summary": text, **body(choice), **answer("What was changed.", GroupsActed)}
            }
            for name, text, choice in (
                ("pause", "Pause a group: it takes no events.", GroupChoice),
                ("resume", "Resume a group that was paused.", GroupChoice),
                ("forget", "Forget a group that no worker serves.", GroupChoice),
                ("skip", "Have a group pass over what it has not handled.", GroupChoice),
                ("replay", "Have a group go back.", GroupReplay),
                ("retry", "Give a group events again that it could not handle.", GroupRetry),
            )
        },
        "/v1/admin/dead": {
            "get": {
                "summary": "List dead letters.",
                "parameters": [*map(_text, ("queue", "kind", "code", "cursor")), LIMIT],
                **answer("A page, newest first; one that is short before the last has `incomplete` set.", LetterPage),
            }
        },
        "/v1/admin/dead/replay": {"post": {"summary": "Queue failed jobs again.", **acted}},
        "/v1/admin/dead/drop": {"post": {"summary": "Remove dead letters.", **acted}},
    }


LIMIT: Schema = {
    "name": "limit",
    "in": "query",
    "description": "The most lines on a page.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50},
}


DELIVERY_STATE: Schema = {
    "name": "state",
    "in": "query",
    "description": "Deliveries that are not over, that were delivered, or that are dead.",
    "schema": {"enum": ["pending", "done", "dead"], "default": "pending"},
}
AFTER: Schema = {
    "name": "after",
    "in": "query",
    "description": "The `next` of the page before.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 0},
}


_PATH = {
    "token": "The job's token.",
    "name": "The name of the breaker.",
    "queue": "The name of the queue.",
}

_QUERY = {
    "state": "Jobs in this state.",
    "kind": "Jobs of this kind.",
    "queue": "Jobs of this queue.",
    "group": "The group of consumers.",
    "correlation_id": "Jobs with this correlation id.",
    "owner": "Jobs of this owner.",
    "tag": "Jobs with this tag.",
    "token": "The job of this token.",
    "since": "Jobs submitted at this moment or later (RFC 3339).",
    "until": "Jobs submitted at this moment or earlier (RFC 3339).",
    "code": "Jobs whose problem has this code.",
    "place": "Deliveries to this host; with its port where that is not the scheme's.",
    "cursor": "The `cursor` of the page before.",
}

_VALUES: dict[str, Schema] = {"state": {"enum": [*map(str, State)]}}


def _in_path(name: str) -> Schema:
    schema = {"type": "string"}
    return {"name": name, "in": "path", "required": True, "description": _PATH[name], "schema": schema}


def _text(name: str) -> Schema:
    schema = {"type": "string", "maxLength": MAX_TEXT, **_VALUES.get(name, {})}
    return {"name": name, "in": "query", "description": _QUERY[name], "schema": schema}
