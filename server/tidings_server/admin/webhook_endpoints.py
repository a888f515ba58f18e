"""Deliveries to webhooks over HTTP, for operators: list, replay and drop them, pause and resume hosts.

The endpoints raise `ProblemError` or `StoreError`, which their route makes an answer (`routes.answered`).
"""

from typing import Literal, cast

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.problems import problem_error
from tidings.protocol.webhooks import (
    DeliveriesActed,
    DeliveryChoice,
    DeliveryPage,
    DeliveryRefusal,
    DeliveryView,
    PlaceChoice,
    PlaceList,
)
from tidings.store.admin.delivery_views import delivery_page, place_view
from tidings.store.reachable_queues import ReachableQueues, reachable_queues
from tidings.store.redis.store_clock import store_ms
from tidings.store.webhook_store import WebhookStore
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import STORE_RETRY_S
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

from .admin_requests import body_of, limit_of, number_of, text_of
from .audit.audit_recorder import AuditRecorder

MAX_PASSED_OVER = 1_000_000
MAX_PLACES = 500
"""Places of one queue in the list."""

NO_NEXT_PAGE = "this page goes on behind deliveries of {}, whose nodes do not answer: try again later, or name a queue"

RowName = Literal["pending", "done", "dead"]


class WebhookEndpoints:
    """List and steer deliveries."""

    def __init__(self, runtime: ServerRuntime, recorder: AuditRecorder) -> None:
        self._runtime = runtime
        self._recorder = recorder
        self._store = WebhookStore(runtime.client, runtime.keys)

    async def page(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/admin/webhooks`: deliveries of one queue, or of all one after the other."""
        state = text_of(request, "state") or "pending"
        if state not in ("pending", "done", "dead"):
            raise problem_error("invalid_frame", "`state` takes pending, done or dead", field="/state")
        place, most = text_of(request, "place"), limit_of(request)
        after = number_of(request, "after", 0, 0, MAX_PASSED_OVER)
        queues = await reachable_queues(
            self._runtime.client, self._runtime.keys, self._queues(text_of(request, "queue"))
        )
        if after and queues.missing_queues:
            # A place in the list counts the deliveries of all queues before it.
            detail = NO_NEXT_PAGE.format(", ".join(queues.missing_queues))
            raise problem_error("store_unavailable", detail, retry_after=STORE_RETRY_S)
        passed, total = after, 0
        found: list[DeliveryView] = []
        for queue in queues.names:
            left = most - len(found)
            answer = await self._store.page(queue, cast("RowName", state), place, max(passed, 0), max(left, 1))
            page = delivery_page(queue, answer, max(passed, 0), max(left, 1))
            total += page.total
            if left > 0:
                found += page.deliveries
            passed -= page.total
        more = after + len(found) < total and len(found) == most
        on = after + len(found) if more else None
        return json_response(DeliveryPage(deliveries=found, total=total, next=on, **queues.told))

    async def places(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/admin/webhooks/places`: the hosts to which deliveries go, of each queue."""
        queues = await reachable_queues(self._runtime.client, self._runtime.keys, self._queues(""))
        found = []
        now_ms = await store_ms(self._runtime.client)
        for queue in queues.names:
            _, rows = await self._store.places(queue, 0, MAX_PLACES)
            found += [place_view(queue, row, now_ms) for row in rows]
        return json_response(PlaceList(places=found, **queues.told))

    async def replay(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/webhooks/replay`: try deliveries again, from now."""
        return await self._act_on_deliveries(request, identity, "replay")

    async def drop(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/webhooks/drop`: give up deliveries that wait, and remove dead ones."""
        return await self._act_on_deliveries(request, identity, "drop")

    async def pause(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/webhooks/pause`: a host gets no deliveries until an operator resumes it."""
        return await self._act_on_place(request, identity, "pause")

    async def resume(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/webhooks/resume`: a host gets deliveries again."""
        return await self._act_on_place(request, identity, "resume")

    async def _act_on_deliveries(
        self, request: Request, identity: Identity, act: Literal["replay", "drop"]
    ) -> Response:
        choice = await body_of(request, DeliveryChoice, self._runtime.settings.request_within_s)
        of_queues: dict[str, list[str]] = {}
        for name in dict.fromkeys(choice.ids):
            queue, _, delivery = name.partition(".")
            of_queues.setdefault(queue if queue in self._runtime.kinds.queues else "", []).append(delivery or name)
        unknown = of_queues.pop("", [])
        actions = self._recorder.actions(request, identity)
        names, answers = list(unknown), ["gone"] * len(unknown)
        for queue, deliveries in of_queues.items():
            names += [f"{queue}.{delivery}" for delivery in deliveries]
            answers += await actions.act_on_webhooks(act, queue, deliveries)
        return _acted(names, answers)

    async def _act_on_place(self, request: Request, identity: Identity, act: Literal["pause", "resume"]) -> Response:
        """Act on a place in each queue: the same host may get deliveries of several."""
        choice = await body_of(request, PlaceChoice, self._runtime.settings.request_within_s)
        queues = await reachable_queues(self._runtime.client, self._runtime.keys, self._queues(""))
        actions = self._recorder.actions(request, identity)
        answers = [(await actions.act_on_webhooks(act, queue, [choice.place]))[0] for queue in queues.names]
        return _acted(queues.names, answers, queues)

    def _queues(self, queue: str) -> list[str]:
        kinds = self._runtime.kinds
        if not queue:
            return sorted(kinds.queues)
        if not (partitions := kinds.partitions_of(queue)):
            raise problem_error("unknown_name", f"there is no queue {queue[:100]!r}", field="/queue")
        return partitions


def _acted(names: list[str], answers: list[str], queues: ReachableQueues | None = None) -> Response:
    refused = [
        DeliveryRefusal(id=name, why=answer) for name, answer in zip(names, answers, strict=True) if answer != "ok"
    ]
    told = {} if queues is None else queues.told
    return json_response(DeliveriesActed(done=len(names) - len(refused), refused=refused, **told))
