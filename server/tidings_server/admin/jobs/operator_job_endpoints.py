"""One job over HTTP, as operators see it, and its cancellation.

The endpoints raise `ProblemError` or `StoreError`, which their route makes an answer (`routes.answered`).
"""

from starlette.requests import Request
from starlette.responses import Response

from tidings.store.admin.job_detail import read_job_internals
from tidings_server.admin.admin_requests import no_body_of, number_of
from tidings_server.admin.audit.audit_recorder import AuditRecorder
from tidings_server.auth.identity import Identity
from tidings_server.jobs.job_service import valid
from tidings_server.runtime import ServerRuntime
from tidings_server.web.request.event_number import MAX_SEQ
from tidings_server.web.responses import empty_response, json_response

from .job_detail_view import detail


class OperatorJobEndpoints:
    """Show a job with what only operators may see, and cancel it."""

    def __init__(self, runtime: ServerRuntime, recorder: AuditRecorder) -> None:
        self._runtime = runtime
        self._recorder = recorder

    async def job(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/admin/jobs/{token}`: all that the store knows of a job.

        With `?after=N` log and streams begin after the event N, which the client has seen.
        """
        token = self._runtime.jobs.find(request.path_params["token"])
        after = number_of(request, "after", 0, 0, MAX_SEQ)
        record = await self._runtime.jobs.read(token, valid(identity), after)
        return json_response(
            detail(token, record, await read_job_internals(self._runtime.client, self._runtime.keys, token), after)
        )

    async def cancel(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/jobs/{token}/cancel`: 202 the job is to stop, 409 it has already finished."""
        token = self._runtime.jobs.find(request.path_params["token"])
        await no_body_of(request, self._runtime.settings.request_within_s)
        actions = self._recorder.actions(request, identity)
        await actions.cancel(token, lambda: self._runtime.jobs.cancel(token, identity))
        return empty_response(202)
