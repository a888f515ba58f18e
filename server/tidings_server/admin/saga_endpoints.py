"""Running sagas over HTTP, for operators: how many run on which version, and which are held and why.

The endpoint raises `ProblemError` or `StoreError`, which its route makes an answer (`routes.answered`).
"""

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.saga_messages import HeldSagaLine, SagaCountLine, SagaList
from tidings.store.admin.sagas.held_sagas import count_held_sagas
from tidings.store.admin.sagas.running_sagas import SagaFilter, running_sagas
from tidings.store.admin.sagas.saga_counts import count_sagas
from tidings.store.reachable_queues import reachable_queues
from tidings_server.auth.identity import Identity
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

from .admin_requests import limit_of


class SagaEndpoints:
    """Show running sagas."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    async def page(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/admin/sagas?limit=`: how many run on which version, and those that are held."""
        most = limit_of(request)
        queues = await reachable_queues(self._runtime.client, self._runtime.keys, self._runtime.kinds.queues)
        counts, held = await self._counts(queues.names), await self._held(queues.names, most)
        return json_response(SagaList(counts=counts, held=held, **queues.told))

    async def _counts(self, queues: list[str]) -> list[SagaCountLine]:
        store, keys = self._runtime.client, self._runtime.keys
        held = {(one.kind, one.version, one.queue): one.sagas for one in await count_held_sagas(store, keys, queues)}
        return [
            SagaCountLine(
                kind=one.kind, version=one.version, queue=one.queue, sagas=one.sagas,
                held=held.get((one.kind, one.version, one.queue), 0),
            )
            for one in await count_sagas(store, keys, queues)
        ]  # fmt: skip

    async def _held(self, queues: list[str], most: int) -> list[HeldSagaLine]:
        found: list[HeldSagaLine] = []
        async for page in running_sagas(self._runtime.client, self._runtime.keys, queues, SagaFilter(held=True)):
            found += [
                HeldSagaLine(
                    token=one.token, kind=one.kind, version=one.version, queue=one.queue, pinned=one.pinned,
                    unwinding=one.unwinding, held=one.held,
                )
                for one in page
                if one.held is not None
            ]  # fmt: skip
            if len(found) >= most:
                break
        return found[:most]
