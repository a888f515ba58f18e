"""What a view gives a page that is to follow a task."""

# Django's own classes are generic for type checkers alone.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from django.tasks import DEFAULT_TASK_BACKEND_ALIAS, TaskResult, task_backends

from tidings.protocol.grants import GRANT_TTL_S, GrantAct

from .task_backend import TidingsBackend


class PageGrant(TypedDict):
    """The token of a task's job, and the grant by which a page follows it: `JsonResponse(grant_for(result))`."""

    token: str
    grant: str
    expires_at: str
    """When the grant ends (RFC 3339, the server's clock)."""


def grant_for(
    result: TaskResult[..., Any] | str,
    *,
    may: Sequence[GrantAct] = ("watch",),
    ttl: float = GRANT_TTL_S,
    backend: str = DEFAULT_TASK_BACKEND_ALIAS,
) -> PageGrant:
    """Return what a page needs to follow a task.

    Whether the page's user may see the task, the view has checked: the grant is for its bearer.

    Args:
        result: the task's result, or its id.
        may: what the grant allows: some of `watch`, `cancel`, `signal`.
        ttl: for how long it holds, s.
        backend: the name of the back end in `TASKS`, where only an id is given.

    Raises:
        TypeError: the back end is another's.
        TaskResultDoesNotExist: there is no such job, or its transaction has not committed.
        ProblemError: the server refuses the grant, as to a key that may not watch.
        ConnectionFailed: no server answers.
        TimeoutError: no answer came in time.

    """
    alias = backend if isinstance(result, str) else result.backend
    found = task_backends[alias]
    if not isinstance(found, TidingsBackend):
        raise TypeError(f"TASKS[{alias!r}] is {type(found).__qualname__}: only tasks of a TidingsBackend have grants")
    token = found.token_of(result if isinstance(result, str) else result.id)
    issued = found.client.grant(token, may=tuple(may), ttl=ttl)
    return PageGrant(token=token, grant=issued.grant, expires_at=issued.expires_at)
