"""Pausing and resuming queues over HTTP.

The endpoints raise `ProblemError` or `StoreError`, which their route makes an answer (`routes.answered`).
"""

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.admin_messages import QueueState
from tidings.protocol.problems import problem_error
from tidings.protocol.tokens import queue_of
from tidings_server.auth.identity import Identity
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

from .admin_requests import no_body_of
from .audit.audit_recorder import AuditRecorder


class QueuePauseEndpoints:
    """Pause and resume queues."""

    def __init__(self, runtime: ServerRuntime, recorder: AuditRecorder) -> None:
        self._runtime = runtime
        self._recorder = recorder

    async def pause(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/queues/{queue}/pause`: its workers take nothing more."""
        queue = await self._queue(request)
        await self._recorder.actions(request, identity).pause(queue)
        return json_response(QueueState(queue=queue, paused=True))

    async def resume(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/queues/{queue}/resume`: its workers take jobs again."""
        queue = await self._queue(request)
        await self._recorder.actions(request, identity).resume(queue)
        return json_response(QueueState(queue=queue, paused=False))

    async def _queue(self, request: Request) -> str:
        """Return the queue that a request names, which must be known, and refuse a body that says something.

        The name of a partition stands for its queue: all partitions of a queue are paused together.
        """
        queue: str = queue_of(request.path_params["queue"])
        if queue not in self._runtime.kinds.queues:
            raise problem_error("unknown_name", f"there is no queue {queue[:100]!r}", field="/queue")
        await no_body_of(request, self._runtime.settings.request_within_s)
        return queue
