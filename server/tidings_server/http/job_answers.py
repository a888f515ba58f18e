"""What the answers about jobs hold over HTTP: the 202 of a submission, the snapshot of a job, its tag."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from tidings.protocol.frames.messages import Ack, Submission
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.watch.snapshots import snapshot
from tidings_server.web.request.preferences import Preferences
from tidings_server.web.responses import json_response

_encode = msgspec.json.Encoder().encode

RETRY_AFTER_S = 1
"""The `Retry-After` of a 202, for a client that asks again instead of waiting."""


def accepted(root: str, ack: Ack, preferences: Preferences, *, waited: bool = False) -> Response:
    """Return the 202 of a submission.

    Args:
        root: the path where the application is mounted.
        ack: of the submission.
        preferences: of the request.
        waited: whether the request waited as long as it asked for.

    """
    return json_response(ack, 202, accepted_headers(root, ack, preferences, waited=waited))


def accepted_headers(root: str, ack: Ack, preferences: Preferences, *, waited: bool = False) -> Mapping[str, str]:
    """Return what is said in the head of the 202 of a submission; as `accepted`."""
    applied = preferences.applied(waited=waited, accepted=True)
    return {"location": f"{root}/v1/jobs/{ack.token}", "retry-after": str(RETRY_AFTER_S), **applied}


def may_wait(submission: Submission, identity: Identity) -> bool:
    """Return whether the submitter may see the outcome: that of another's job by a grant alone."""
    if submission.owner is None or identity.admin:
        return True
    wish = submission.grant
    return wish is True or (wish is not False and "watch" in wish.may)


def etag(record: JobRecord) -> str:
    """Return the tag of a job's snapshot (RFC 9110, section 8.8.3)."""
    return f'"{record.seq}"'


def rendered(token: Token, record: JobRecord, after: int = 0) -> bytes:
    """Return a job's snapshot as JSON, for a client that has seen every event up to `after`."""
    body = record.rendered
    if body is None:
        body = _encode(snapshot(str(token), record, after))
        # Equal questions at the same time have the same record, and share the body made of it.
        msgspec.structs.force_setattr(record, "rendered", body)
    return body
