"""The deliveries of a job to its webhooks, for the job's owner."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.problems import ProblemError, problem_error
from tidings.store.admin.delivery_views import delivery_page
from tidings.store.availability.store_errors import StoreError
from tidings.store.webhook_store import WebhookStore
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import store_problem
from tidings_server.jobs.job_service import valid
from tidings_server.runtime import ServerRuntime
from tidings_server.web.request.event_number import event_number
from tidings_server.web.responses import json_response, problem_response

MAX_DELIVERIES = 500
"""Deliveries on one page."""

DEFAULT_DELIVERIES = 50
MAX_PASSED_OVER = 1_000_000


class DeliveryEndpoint:
    """`GET /v1/jobs/{token}/deliveries`."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._store = WebhookStore(runtime.client, runtime.keys)

    async def of_job(self, request: Request, identity: Identity) -> Response:
        """Answer with the deliveries of a job that the client may see, in the order of their events."""
        try:
            after = _number(request, "after", 0, 0, MAX_PASSED_OVER)
            most = _number(request, "limit", DEFAULT_DELIVERIES, 1, MAX_DELIVERIES)
            token = self._runtime.jobs.find(request.path_params["token"])
            await self._runtime.jobs.read(token, valid(identity))
            found = await self._store.page(token.partition, "job", token.id, after, most)
        except ProblemError as error:
            return problem_response(error.problem)
        except StoreError as error:
            return problem_response(store_problem(error))
        return json_response(delivery_page(token.partition, found, after, most))


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    found = event_number(request.query_params.get(name, str(default)))
    if found is None or not least <= found <= most:
        raise problem_error("invalid_frame", f"`{name}` takes a whole number from {least} to {most}", field=f"/{name}")
    return found
