"""Problems: the one form of every error a peer may see (RFC 9457).

A problem says what went wrong (`code`, stable), where (`field`, a JSON Pointer), against which
limit, and what to do. It is the same document in an `error` frame, in an HTTP answer and in the
outcome of a job that failed.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import msgspec

TYPE_PREFIX = "urn:tidings:problem:"
"""`type` is this and the code; it is a name, not an address."""


class ProblemCode(NamedTuple):
    """What is fixed for all problems of one code."""

    title: str
    """A short sentence, the same each time."""
    status: int
    """The HTTP status code (RFC 9110, section 15)."""
    retryable: bool
    """Whether the same request may succeed later, unchanged."""


CODES: Mapping[str, ProblemCode] = MappingProxyType(
    {
        # The request was wrong.
        "invalid_frame": ProblemCode("The frame or request is not what the contract describes.", 400, False),
        "invalid_input": ProblemCode("The job's input does not fit its kind.", 422, False),
        "unknown_kind": ProblemCode("No worker has registered this kind.", 404, True),
        "unknown_token": ProblemCode("There is no such job, or it is not yours to see.", 404, False),
        "unknown_name": ProblemCode("There is no queue, breaker or the like of this name.", 404, False),
        "forbidden": ProblemCode("You may not do this.", 403, False),
        "unauthenticated": ProblemCode("You have not said who you are, or no longer.", 401, False),
        "too_large": ProblemCode("This is larger than the limit.", 413, False),
        "rate_limited": ProblemCode("You are sending too fast.", 429, True),
        "key_reused": ProblemCode("This idempotency key was used with another payload.", 422, False),
        "already_finished": ProblemCode("The job has already finished.", 409, False),
        "not_finished": ProblemCode("The job has not finished.", 409, True),
        "too_many_watches": ProblemCode("This connection watches as many jobs as it may.", 429, True),
        "unsupported_version": ProblemCode("This version of the protocol is not spoken here.", 400, False),
        "token_expiring": ProblemCode("The credential is about to expire.", 401, True),
        "grant_expiring": ProblemCode("The grant by which you watch this job is about to expire.", 401, True),
        "grant_expired": ProblemCode("The grant by which you watched this job has expired.", 401, False),
        # The service cannot take it now.
        "backlog_full": ProblemCode("The queue is full.", 429, True),
        "unserved": ProblemCode("No worker has served this kind for some time.", 503, True),
        "circuit_open": ProblemCode("A service this work depends on is failing.", 503, True),
        "auth_unavailable": ProblemCode("The credential cannot be checked at the moment.", 503, True),
        "store_unavailable": ProblemCode("The store cannot be reached.", 503, True),
        "unconfirmed": ProblemCode("The store has not confirmed in time that its replicas have this.", 503, True),
        "draining": ProblemCode("This server is shutting down.", 503, True),
        "internal_error": ProblemCode("Something broke on our side.", 500, True),
        # The outcome of a job.
        "handler_error": ProblemCode("The work failed.", 500, False),
        "timeout": ProblemCode("An attempt took longer than it may.", 504, False),
        "rejected": ProblemCode("The work was rejected for good.", 422, False),
        "worker_lost": ProblemCode("The workers that ran this were lost.", 500, False),
        "attempts_exhausted": ProblemCode("Every attempt failed.", 500, False),
        "result_too_large": ProblemCode("The result is larger than it may be.", 500, False),
        "cancelled": ProblemCode("Someone asked that the work stop.", 409, False),
        "expired": ProblemCode("The deadline passed before the work was done.", 504, False),
        "saga_diverged": ProblemCode("The code of a saga no longer takes the steps that it took.", 500, False),
        "saga_too_deep": ProblemCode("Sagas call each other deeper than they may.", 500, False),
        "saga_too_long": ProblemCode("A saga takes more steps than it may.", 500, False),
        "shed": ProblemCode("The work was dropped to make room for other work.", 503, True),
    }
)
"""Every code of contract version 1. A code may be added, never removed or given another meaning."""


class Problem(msgspec.Struct, omit_defaults=True, frozen=True, kw_only=True):
    """A problem document (RFC 9457, `application/problem+json`)."""

    type: str
    """`urn:tidings:problem:` and the code."""
    title: str
    """The same sentence for each problem of the code."""
    status: int
    """HTTP status code."""
    detail: str
    """What happened this time, which limit, and what to do about it; for people."""
    code: Annotated[str, msgspec.Meta(extra_json_schema={"enum": [*CODES]})]
    """Stable, for programs: one of `CODES`."""
    field: str | None = None
    """JSON Pointer (RFC 6901) to the offending part of the request."""
    limit: int | float | None = None
    """The limit that was exceeded, in the unit `detail` names."""
    retry_after: float | None = None
    """Seconds after which another try makes sense."""
    trace_id: str | None = None
    """The trace of the job or request, if it is known."""
    compensation: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["complete", "incomplete"]})] | None = None
    """Of a saga that had to undo its work: `complete`, or `incomplete` (`errors` says where it stopped)."""
    errors: list[dict[str, Any]] | None = None
    """When several things are wrong: each with `field` and `detail`."""


def problem(
    code: str,
    detail: str,
    *,
    field: str | None = None,
    limit: float | None = None,
    retry_after: float | None = None,
    errors: list[dict[str, Any]] | None = None,
) -> Problem:
    """Return the problem of `code`; title and status come from the table.

    Args:
        code: a key of `CODES`; any other is our own mistake (KeyError).
        detail: one or two sentences for people: what, which limit, what to do.
        field: JSON Pointer to the offending part.
        limit: the limit exceeded, in the unit that `detail` names.
        retry_after: seconds until another try makes sense.
        errors: the single findings, if there are several.

    """
    fixed = CODES[code]
    return Problem(
        type=TYPE_PREFIX + code,
        title=fixed.title,
        status=fixed.status,
        detail=detail,
        code=code,
        field=field,
        limit=limit,
        retry_after=retry_after,
        errors=errors,
    )


class ProblemError(Exception):
    """A problem on its way to the peer that caused it, or arrived from there."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        """What was refused, and why."""
        super().__init__(problem.detail)

    @property
    def code(self) -> str:
        """The problem's stable code."""
        return self.problem.code

    def __str__(self) -> str:
        where = f" (at {self.problem.field})" if self.problem.field else ""
        return f"{self.problem.code}: {self.problem.detail}{where}"


def problem_error(code: str, detail: str, **extra: Any) -> ProblemError:
    """Return a `ProblemError` to raise; the arguments are those of `problem`."""
    return ProblemError(problem(code, detail, **extra))
