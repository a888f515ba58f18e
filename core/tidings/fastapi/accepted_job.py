"""What a route answers that has submitted a job: its token, and the grant by which a page follows it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from tidings.client.handle import Handle
from tidings.client.submit.submit_calls import SubmitCalls
from tidings.client.submit.submit_options import SubmitOptions
from tidings.protocol.grants import GRANT_TTL_S, GrantAct, GrantRequest, IssuedGrant


class AcceptedGrant(BaseModel):
    """A grant for a job."""

    grant: str = Field(description="What its bearer presents; opaque.")
    may: list[str] = Field(description="What its bearer may do: some of `watch`, `cancel`, `signal`.")
    expires_at: str = Field(description="When it ends (RFC 3339, the server's clock).")


class AcceptedJob(BaseModel):
    """A job that was accepted."""

    token: str = Field(description="Names the job; a name, not a right.")
    status: str = Field(description="The job's state.")
    duplicate: bool = Field(False, description="Whether the idempotency key was known: this is the earlier job.")
    grant: AcceptedGrant | None = Field(None, description="By which a page follows the job.")


def accepted(handle: Handle[Any]) -> AcceptedJob:
    """Return what a route answers for a job that it has submitted."""
    grant = None if handle.grant is None else granted(handle.grant)
    return AcceptedJob(token=handle.token, status=handle.status, duplicate=handle.duplicate, grant=grant)


def granted(issued: IssuedGrant) -> AcceptedGrant:
    """Return what a route answers for a grant, such as a fresh one for a page whose last one runs out."""
    return AcceptedGrant(grant=issued.grant, may=list(issued.may), expires_at=issued.expires_at)


async def accept(
    client: SubmitCalls,
    kind: Any,
    *args: Any,
    options: SubmitOptions | None = None,
    may: Sequence[GrantAct] = ("watch",),
    ttl: float = GRANT_TTL_S,
    **fields: Any,
) -> AcceptedJob:
    """Submit a job, and return what the route answers: its token, and a grant for the page.

    Args:
        client: the user's.
        kind: a `@job`, or the name of a kind; what follows it is as for `Client.submit`.
        args: the arguments of the `@job`, or the input.
        options: key, tags and the like; its `grant` and `watch` are replaced.
        may: what the grant allows: some of `watch`, `cancel`, `signal`.
        ttl: for how long it holds, s.
        fields: more arguments of the `@job`, or the fields of the input.

    Raises:
        ProblemError: it was refused; `answer_problems` makes it the route's answer.
        TypeError: the `@job` takes no such arguments.
        ConnectionLost: the connection was closed for good.

    """
    wish = GrantRequest(may=tuple(may), ttl=ttl)
    said = msgspec.structs.replace(options or SubmitOptions(), grant=wish, watch=False)
    return accepted(await client.with_options(said).submit(kind, *args, **fields))
