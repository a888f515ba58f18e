"""The part of the OpenAPI document that describes the list of a caller's own jobs."""

from typing import Any

from tidings.protocol.field_types import TAG_PATTERN
from tidings.protocol.kinds.kind_record import KIND_PATTERN
from tidings.protocol.states import State
from tidings_server.auth.claims import MAX_OWNER
from tidings_server.owned.list_cursor import MAX_CURSOR
from tidings_server.owned.owned_job_list import DEFAULT_LISTED, MAX_LISTED

from .field_descriptions import pattern_of

Schema = dict[str, Any]

FORGET: Schema = {
    "name": "forget",
    "in": "query",
    "description": "`true`: remove input, result, log, steps and dead letter of a job that has ended.",
    "schema": {"type": "boolean"},
}

FOLLOWED: list[Schema] = [
    {
        "name": "tag",
        "in": "query",
        "description": "All jobs of the caller with this tag, later ones included; in place of `token`. The `id` of an "
        "event is then a time.",
        "schema": {"type": "string", "pattern": pattern_of(TAG_PATTERN)},
    },
    {
        "name": "owner",
        "in": "query",
        "description": "Whose jobs with the tag: another owner than the caller's needs the scope `admin`.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_OWNER},
    },
    {
        "name": "since",
        "in": "query",
        "description": "Also the jobs with the tag that ended then or later; what `Last-Event-ID` says comes first.",
        "schema": {"type": "string", "format": "date-time"},
    },
]
"""The query of a stream of all jobs with a tag."""

_PARAMETERS: dict[str, tuple[str, Schema]] = {
    "tag": ("Only jobs with this tag.", {"type": "string", "pattern": pattern_of(TAG_PATTERN)}),
    "kind": ("Only jobs of this kind.", {"type": "string", "pattern": pattern_of(KIND_PATTERN)}),
    "state": ("Only jobs in this state.", {"type": "string", "enum": [*map(str, State)]}),
    "owner": (
        "Whose jobs: another owner than the caller's needs the scope `admin`.",
        {"type": "string", "minLength": 1, "maxLength": MAX_OWNER},
    ),
    "limit": (
        f"Jobs on the page; {DEFAULT_LISTED} if it is not given.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LISTED},
    ),
    "cursor": ("The `next` of the page before.", {"type": "string", "maxLength": MAX_CURSOR}),
}


def list_operation(jobs: Schema, refused: Schema) -> Schema:
    """Return the operation.

    Args:
        jobs: the schema of a page.
        refused: the answers that are problems.

    """
    return {
        "summary": "List the caller's jobs, the newest first.",
        "description": "The bearer of a grant for a `tag` gets the jobs of the grant's owner. The first page of a tag "
        "waits with `Prefer: wait=N` and `If-None-Match`: until a job comes, or one on the page changes its state.",
        "parameters": [
            {"name": name, "in": "query", "description": text, "schema": schema}
            for name, (text, schema) in _PARAMETERS.items()
        ],
        "responses": {
            "200": {
                "description": "A page of jobs.",
                "headers": {
                    "ETag": {"description": "The page: its jobs and their states.", "schema": {"type": "string"}}
                },
                "content": {"application/json": {"schema": jobs}},
            },
            "304": {"description": "The page is what `If-None-Match` says."},
            **refused,
        },
    }
