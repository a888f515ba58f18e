"""Objectives over HTTP: what operators want of the jobs of each kind, and how those jobs did.

The endpoints raise `ProblemError` or `StoreError`, which their route makes an answer (`routes.answered`).
"""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.decoding.decode_errors import decode_problem
from tidings.protocol.frames.admin_messages import Objective, ObjectiveList, ObjectiveRule
from tidings.protocol.problems import problem_error
from tidings.store.admin.finished_jobs import FinishedJob
from tidings.store.admin.objective_rules import Objectives
from tidings_server.auth.identity import Identity
from tidings_server.observability.job_statistics import FAILED
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

from .admin_requests import body_of
from .audit.audit_recorder import AuditRecorder

MAX_OBJECTIVES = 1_000
"""Kinds that may have an objective."""


class ObjectiveEndpoints:
    """Show the objectives and replace them."""

    def __init__(self, runtime: ServerRuntime, recorder: AuditRecorder) -> None:
        self._runtime = runtime
        self._recorder = recorder
        self._objectives = Objectives(runtime.client, runtime.keys)

    async def objectives(self, _: Request, __: Identity) -> Response:
        """`GET /v1/admin/objectives`: the objectives, and how the jobs keep them."""
        return json_response(await self._measured(await self._objectives.all()))

    async def set_objectives(self, request: Request, identity: Identity) -> Response:
        """`PUT /v1/admin/objectives`: replace all objectives; the answer is that of `GET`."""
        given = await body_of(request, dict[str, msgspec.Raw], self._runtime.settings.request_within_s)
        if len(given) > MAX_OBJECTIVES:
            raise problem_error(
                "too_large", f"{len(given)} objectives; at most {MAX_OBJECTIVES} may be", limit=MAX_OBJECTIVES
            )
        rules = {kind: _rule(kind, raw) for kind, raw in given.items()}
        for kind in rules:
            if kind not in self._runtime.kinds.records:
                raise problem_error(
                    "unknown_name", f"no worker has registered the kind {kind[:100]!r}", field=f"/{kind[:100]}"
                )
        await self._recorder.actions(request, identity).replace_objectives(rules)
        return json_response(await self._measured(rules))

    async def _measured(self, rules: dict[str, ObjectiveRule]) -> ObjectiveList:
        finished_jobs = self._runtime.finished_jobs
        await finished_jobs.catch_up(self._runtime.kinds.queues)
        jobs: dict[str, list[FinishedJob]] = {kind: [] for kind in rules}
        for job in finished_jobs.since(0):
            if job.kind in jobs and job.state != "cancelled":
                jobs[job.kind].append(job)
        return ObjectiveList(objectives=[measured(kind, rule, jobs[kind]) for kind, rule in sorted(rules.items())])


def _rule(kind: str, raw: msgspec.Raw) -> ObjectiveRule:
    """Return one rule. The rules are decoded one by one, so that a refusal names the kind whose rule is wrong."""
    try:
        return msgspec.json.decode(raw, type=ObjectiveRule)
    except msgspec.ValidationError as error:
        found = decode_problem(error, ObjectiveRule).problem
        raise problem_error("invalid_frame", found.detail, field=f"/{kind[:100]}{found.field or ''}") from error


def measured(kind: str, rule: ObjectiveRule, jobs: Sequence[FinishedJob]) -> Objective:
    """Return how the jobs of a kind met its objective. Pure."""
    failed = sum(job.state in FAILED for job in jobs)
    allowed = None if rule.success is None else (1 - rule.success) * len(jobs)
    return Objective(
        kind=kind,
        total_p99=rule.total_p99,
        success=rule.success,
        count=len(jobs),
        failed=failed,
        slow=0 if rule.total_p99 is None else sum(job.total > rule.total_p99 for job in jobs),
        rate=round(1 - failed / len(jobs), 6) if jobs else None,
        budget=None if allowed is None else round(1 - failed / allowed, 6) if jobs else 1.0,
        since=min((job.finished for job in jobs), default=None),
    )
