"""The commands `tidings kinds list` and `tidings kinds remove`."""

import asyncio
import subprocess

import msgspec
from redis.asyncio import Redis

from support.store import StoreProcess
from support.tidings_command import run_tidings
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.redis.store_client import command
from tidings.store.registry import Registry, WorkerRecord
from tiers.place import KEYS, place_in


def record(kind: str, schema: bytes = b"{}") -> KindRecord:
    return KindRecord(kind=kind, queue="p", input=msgspec.Raw(schema), result=msgspec.Raw(b"null"))


async def kinds(store_process: StoreProcess, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(run_tidings, "kinds", *arguments, "--store-url", store_process.url)


async def test_they_are_listed_with_who_serves_them_and_why_some_are_left_out(
    store: Redis, store_process: StoreProcess
) -> None:
    registry = Registry(store, KEYS)
    await registry.register([record("good"), record("bad", rb'{"pattern":"\\AX\\Z"}')])
    await command(store, "HSET", KEYS.kinds, "broken", b"{")
    await registry.heartbeat(
        WorkerRecord(worker="w", host="h", pid=1, version="1", kinds=["good"], queues=["p"], slots=1), 60
    )
    done = await kinds(store_process, "list", "--json")
    lines = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
    assert [(line["kind"], line["workers"], bool(line["left_out"])) for line in lines] == [
        ("bad", 0, True),
        ("broken", 0, True),
        ("good", 1, False),
    ]
    assert "AX" in lines[0]["left_out"]
    assert lines[2]["served_at"] > 0
    table = (await kinds(store_process, "list")).stdout
    assert all(name in table for name in ("good", "bad", "broken"))


async def test_one_that_is_broken_or_not_served_is_removed(store: Redis, store_process: StoreProcess) -> None:
    registry = Registry(store, KEYS)
    await registry.register([record("old"), record("kept")])
    await command(store, "HSET", KEYS.kinds, "broken", b"{")
    done = await kinds(store_process, "remove", "old", "broken")
    assert (done.returncode, done.stdout.strip()) == (0, "Removed: old, broken.")
    read = await registry.read()
    assert (set(read.records), read.left_out) == ({"kept"}, {})


async def test_one_that_a_worker_serves_or_jobs_may_need_is_not(store: Redis, store_process: StoreProcess) -> None:
    async with place_in(store) as place:
        await Registry(store, KEYS).register([record("k")])
        await place.submit(1)
        done = await kinds(store_process, "remove", "k")
        assert done.returncode == 1
        assert "1 jobs wait or run in p, the queue of k" in done.stderr
        worker = WorkerRecord(worker="w", host="h", pid=1, version="1", kinds=["k"], queues=["p"], slots=1)
        await Registry(store, KEYS).heartbeat(worker, 60)
        done = await kinds(store_process, "remove", "k", "--force")
        assert "the worker w serves k, and would register it again" in done.stderr
        await Registry(store, KEYS).deregister("w")
        assert (await kinds(store_process, "remove", "k", "--force")).returncode == 0
        assert await Registry(store, KEYS).kinds() == {}


async def test_a_name_that_is_none_gets_a_hint(store: Redis, store_process: StoreProcess) -> None:
    await Registry(store, KEYS).register([record("parcel")])
    done = await kinds(store_process, "remove", "parcle")
    assert done.stderr.strip() == "tidings: there is no kind parcle; did you mean parcel?"
