"""The audit log, objectives and pauses over HTTP.

Every endpoint here raises `ProblemError` or `StoreError`, which its route makes an answer (`routes.answered`).
"""

import re
from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.admin_messages import AuditLine, AuditPage, Objective, ObjectiveList, ObjectiveRule, QueueState
from tidings.protocol.decoding.decode_errors import decode_problem
from tidings.protocol.problems import problem_error
from tidings.store.admin.audit_log import AuditLog, AuditStream
from tidings.store.admin.finished_jobs import FinishedJob
from tidings.store.admin.objective_rules import Objectives
from tidings.store.admin.paused_queues import PausedQueues
from tidings_server.auth.identity import Identity
from tidings_server.observability.job_statistics import FAILED
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

from .admin_requests import body_of, limit_of, no_body_of, text_of
from .audit_middleware import mark_unchanged

MAX_OBJECTIVES = 1_000
"""Kinds with an objective."""

_CURSOR = re.compile(rf"[0-9]{{1,16}}-[0-9]{{1,16}}(@({'|'.join(AuditStream)}))?")


class ObjectiveEndpoints:
    """The endpoints."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._audit = AuditLog(runtime.client, runtime.keys)
        self._objectives = Objectives(runtime.client, runtime.keys)
        self._paused = PausedQueues(runtime.client, runtime.keys)

    async def audit(self, request: Request, _: Identity) -> Response:
        """`GET /v1/admin/audit`: what operators did and callers were refused, the newest first."""
        limit, cursor = limit_of(request), text_of(request, "cursor")
        if cursor and not _CURSOR.fullmatch(cursor):
            raise problem_error("invalid_frame", "`cursor` takes the cursor of the page before", field="/cursor")
        found = await self._audit.page(cursor, limit)
        lines = [
            AuditLine(
                at=one.at,
                who=one.who,
                address=one.address,
                action=one.action,
                target=one.target,
                detail=one.detail,
                outcome=one.outcome,
                unrecorded=one.unrecorded,
            )
            for one in found
        ]
        return json_response(AuditPage(entries=lines, cursor=found[-1].cursor if len(found) == limit else None))

    async def pause(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/queues/{queue}/pause`: its workers take nothing more."""
        queue = self._queue(request)
        await no_body_of(request, self._runtime.settings.request_within_s)
        if not await self._paused.pause(queue, identity.owner):
            mark_unchanged(request)
        return json_response(QueueState(queue=queue, paused=True))

    async def resume(self, request: Request, _: Identity) -> Response:
        """`POST /v1/admin/queues/{queue}/resume`: its workers take again."""
        queue = self._queue(request)
        await no_body_of(request, self._runtime.settings.request_within_s)
        if not await self._paused.resume(queue):
            mark_unchanged(request)
        return json_response(QueueState(queue=queue, paused=False))

    async def objectives(self, _: Request, __: Identity) -> Response:
        """`GET /v1/admin/objectives`: what is wanted, and how it is kept."""
        return json_response(await self._measured(await self._objectives.all()))

    async def set_objectives(self, request: Request, _: Identity) -> Response:
        """`PUT /v1/admin/objectives`: have these, and no others; answers as `GET` does."""
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
        await self._objectives.replace(rules)
        return json_response(await self._measured(rules))

    async def _measured(self, rules: dict[str, ObjectiveRule]) -> ObjectiveList:
        finished_jobs = self._runtime.finished_jobs
        await finished_jobs.catch_up(self._runtime.kinds.queues)
        jobs: dict[str, list[FinishedJob]] = {kind: [] for kind in rules}
        for job in finished_jobs.since(0):
            if job.kind in jobs and job.state != "cancelled":
                jobs[job.kind].append(job)
        return ObjectiveList(objectives=[measured(kind, rule, jobs[kind]) for kind, rule in sorted(rules.items())])

    def _queue(self, request: Request) -> str:
        queue: str = request.path_params["queue"]
        if queue not in self._runtime.kinds.queues:
            raise problem_error("unknown_name", f"there is no queue {queue[:100]!r}", field="/queue")
        return queue


def _rule(kind: str, raw: msgspec.Raw) -> ObjectiveRule:
    """Return one rule; the decoder of the whole would not say of which kind it is that is wrong."""
    try:
        return msgspec.json.decode(raw, type=ObjectiveRule)
    except msgspec.ValidationError as error:
        found = decode_problem(error, ObjectiveRule).problem
        raise problem_error("invalid_frame", found.detail, field=f"/{kind[:100]}{found.field or ''}") from error


def measured(kind: str, rule: ObjectiveRule, jobs: Sequence[FinishedJob]) -> Objective:
    """Return how the jobs of a kind kept its objective. Pure."""
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
