"""Running sagas over HTTP: how many run on which version, and which are held and why."""

from typing import Any

import httpx
import msgspec
from redis.asyncio import Redis

from support.system import System
from tidings.protocol.problems import problem
from tidings.store.keys import StoreKeys

KEYS = StoreKeys()
LINE = "standard/noop@1!ab"
WHY = msgspec.json.encode(problem("saga_diverged", "step 1 is another")).decode()


async def test_operators_see_versions_and_what_is_held(system: System, admin: httpx.AsyncClient) -> None:
    assert (await admin.get("/v1/admin/sagas")).json() == {
        "counts": [],
        "held": [],
        "silent_nodes": [],
        "missing_queues": [],
    }
    store = Redis.from_url(system.store.url)
    # As scripts leave two sagas, one of which is held.
    for job in ("a", "b"):
        fields: dict[Any, Any] = {"state": "waiting", "kind": "noop", "version": 1, "saga": 1, "seq": 3, "pinned": 1}
        await store.hset(KEYS.job("default", job), mapping=fields)
        await store.sadd(KEYS.sagas("default", "noop@1"), job)
    await store.hset(KEYS.sagas("default"), "noop@1", 1)
    await store.hset(KEYS.job("default", "b"), mapping={"held": WHY, "held_in": LINE, "unwinding": "failed"})
    await store.zadd(KEYS.held_sagas("default", LINE), {"b": 1})
    await store.hset(KEYS.held_sagas("default"), LINE, 1)
    try:
        found = (await admin.get("/v1/admin/sagas", params={"limit": 1})).json()
        assert found["counts"] == [{"kind": "noop", "version": 1, "queue": "default", "sagas": 2, "held": 1}]
        (one,) = found["held"]
        assert (one["token"], one["held"]["detail"]) == ("default.b", "step 1 is another")
        assert (one["pinned"], one["unwinding"]) == (True, True)
        refused = await admin.get("/v1/admin/sagas", params={"limit": 0})
        assert refused.status_code == 400
    finally:
        await store.flushdb()
        await store.aclose()


async def test_only_operators_see_them(system: System, alice: httpx.AsyncClient) -> None:
    assert (await alice.get("/v1/admin/sagas")).status_code == 403
