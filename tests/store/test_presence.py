"""Servers learn at once that a worker has come or has left; they do not wait until they ask again."""

import anyio
import msgspec
import pytest
from redis.asyncio import Redis

from support.stores.channels import subscribe
from support.timeouts import scaled
from support.waiting import until_async
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.keys import StoreKeys
from tidings.store.placement.placement_store import PlacementStore
from tidings.store.redis.store_client import Store
from tidings.store.registry import Registry, WorkerRecord
from tidings_server.kinds import served_kinds as module
from tidings_server.kinds.catalog_updates import CatalogUpdates
from tidings_server.kinds.kind_catalog import KindCatalog
from tidings_server.kinds.partition_choice import PartitionChoice
from tidings_server.kinds.served_kinds import ServedKinds

WORKER = WorkerRecord(worker="w", host="h", pid=1, version="1", kinds=["k"], queues=["p"], slots=1)
KIND = KindRecord(kind="k", queue="p", input=msgspec.Raw(b"{}"), result=msgspec.Raw(b"null"))


async def test_what_a_worker_serves_is_known_when_it_comes_and_when_it_leaves(
    store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(store, Store)
    monkeypatch.setattr(module, "LOOK_S", 86_400.0)
    registry = Registry(store, StoreKeys())
    serving = ServedKinds(registry)

    async def until(serves: bool) -> None:
        await until_async(lambda: serving.serves(KIND, "standard") is serves, seconds=20)

    async with anyio.create_task_group() as tasks, store.pubsub() as heard:
        await subscribe(heard, store, StoreKeys().workers_changed)

        async def listen() -> None:
            async for message in heard.listen():
                if message["type"].endswith("message"):
                    assert message["data"] == b"w"
                    serving.changed()

        tasks.start_soon(listen)
        tasks.start_soon(serving.follow)
        await until(False)
        await registry.heartbeat(WORKER, 60)
        await until(True)
        await registry.deregister("w")
        await until(False)
        tasks.cancel_scope.cancel()


async def test_a_new_kind_is_known_together_with_the_worker_that_serves_it(store: Redis) -> None:
    assert isinstance(store, Store)
    registry, opened = Registry(store, StoreKeys()), anyio.Event()
    served_kinds = ServedKinds(registry)
    await served_kinds.look()  # before the worker comes
    assert not served_kinds.serves(KIND, "standard")

    async def on_change(catalog: KindCatalog) -> None:
        assert served_kinds.serves(KIND, "standard") or "k" not in catalog.records
        opened.set()

    placements = PlacementStore(store, StoreKeys())
    updates = CatalogUpdates(registry, served_kinds, placements, PartitionChoice(60), on_change)
    await registry.heartbeat(WORKER, 60)
    await registry.register([KindRecord(kind="k", queue="p", input=msgspec.Raw(b"{}"), result=msgspec.Raw(b"{}"))])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(updates.run)
        updates.changed()
        with anyio.fail_after(scaled(20)):
            await opened.wait()
        assert "k" in updates.catalog.records
        assert served_kinds.serves(KIND, "standard")
        tasks.cancel_scope.cancel()


async def test_a_worker_that_lives_on_is_not_told_again(store: Redis) -> None:
    registry = Registry(store, StoreKeys())
    async with store.pubsub() as heard:
        await subscribe(heard, store, StoreKeys().workers_changed)
        await heard.get_message(timeout=5)
        for _ in range(3):
            await registry.heartbeat(WORKER, 60)
        await registry.deregister("w")
        messages = [await heard.get_message(timeout=5) for _ in range(2)]
        assert await heard.get_message(timeout=0) is None
    assert [message["data"] for message in messages] == [b"w", b"w"]
