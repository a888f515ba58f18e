"""What the model of capacity says of the store's memory and file, beside a real store with real jobs."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import redis

from support.store import running_store
from support.system import System
from support.timeouts import scaled
from support.waiting import until
from tidings.store.admin.queue_stats import read_queue_stats
from tidings.store.embedded.allocator import allocator_environment, find_allocator
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings_cli.capacity.model import KEY_BYTES, CapacityLoad, file_bytes, finished_bytes, waiting_bytes

pytestmark = pytest.mark.skipif(find_allocator() is None, reason="this machine has no jemalloc: make setup")

JOBS = 2_000
NEAR = 0.2
"""By what share the model may be wrong."""

LOAD = CapacityLoad(
    jobs_per_s=1, sockets=0, run_s=0.1, events=0, watchers=1, input_bytes=2, result_bytes=2, log_bytes=0, keyed=False,
    compact=False, result_ttl_s=1, dedup_window_s=1, outage_s=1, queues=1, slots=1, busy=0.6,
)  # fmt: skip


class SizedSystem(System):
    """One server and one worker."""

    compact = False

    def serve(self, *, compact: bool) -> None:
        """Have a worker that leaves records of that form."""
        if self.workers and self.compact == compact:
            return
        while self.workers:
            self.workers.pop().close()
        self.compact = compact
        kinds = str(Path(__file__).with_name("sized_kinds.py"))
        self.add_worker(kinds, TIDINGS_CHRONICLE="0", TIDINGS_COMPACT_RECORDS=str(compact).lower())


@pytest.fixture(scope="module")
def system() -> Iterator[SizedSystem]:
    with running_store("--appendfsync", "no", environment=allocator_environment()) as store:
        system = SizedSystem(store)
        try:
            system.serve(compact=False)
            system.add_server(TIDINGS_MAX_BACKLOG_BYTES_PER_CALLER="500000000", TIDINGS_CHRONICLE="0")
            run(system, {}, keyed=False)  # what only the first jobs make
            yield system
        finally:
            system.close()


def submit(system: System, input_: dict[str, Any], *, keyed: bool) -> None:
    name = time.monotonic_ns()
    keys = [{"key": f"{name}-{number}-order-0123456"} if keyed else {} for number in range(JOBS)]
    jobs = [{"kind": "sized", "input": input_, **key} for key in keys]
    for first in range(0, JOBS, 1_000):
        some = jobs[first : first + 1_000]
        answers = httpx.post(system.server.url + "/v1/jobs/batch", json=some, timeout=scaled(60)).json()
        assert [one for one in answers if "token" not in one] == []


async def waiting(system: System) -> int:
    store = open_store(system.store.url)
    try:
        return sum(one.waiting + one.running for one in (await read_queue_stats(store, StoreKeys())).queues)
    finally:
        await store.aclose()


def run(system: System, input_: dict[str, Any], *, keyed: bool) -> None:
    submit(system, input_, keyed=keyed)
    until(lambda: not asyncio.run(waiting(system)), seconds=60)


class Taken(NamedTuple):
    """What a store takes, bytes."""

    data: int
    """Of all keys by themselves: in its whole memory the buffers of connections come and go."""
    tables: int
    """Of the tables in which the keys and their expiry stand."""
    keys: int
    file: int


def taken(system: System) -> Taken:
    with redis.Redis(port=system.store.port) as store:
        keys = list(store.scan_iter(count=1_000))
        pipeline = store.pipeline(transaction=False)
        for key in keys:
            pipeline.memory_usage(key, samples=0)
        data = sum(size or 0 for size in pipeline.execute())
        tables = store.memory_stats()["db.0"]
        size = sum(int(size) for name, size in tables.items() if name.startswith("overhead.hashtable"))
        return Taken(data, size, len(keys), int(store.info("persistence")["aof_current_size"]))


def memory_of_a_job(before: Taken, now: Taken) -> float:
    """Return the bytes of memory that each job has added.

    Tables double when they are full: of them each key counts with its share of the whole, not with the leap.
    """
    return (now.data - before.data + (now.keys - before.keys) * now.tables / now.keys) / JOBS


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "a key": ({}, {"keyed": True}),
    "an input": ({"text": "x" * 1_000}, {"input_bytes": 1_010}),
    "a result": ({"result": 1_000}, {"result_bytes": 1_000}),
    "a large result": ({"result": 8_000}, {"result_bytes": 8_000}),
    "progress": ({"progress": 5}, {"events": 5}),
    "a log": ({"entries": 5}, {"events": 5, "log_bytes": 500}),
    "compact": ({}, {"compact": True}),
    "compact, a result": ({"result": 1_000}, {"compact": True, "result_bytes": 1_000}),
    "compact, progress": ({"progress": 5}, {"compact": True, "events": 5}),
}
"""What jobs have → their input, and how the model's load differs from `LOAD`."""


@pytest.mark.parametrize("case", CASES)
def test_a_finished_job_takes_what_the_model_says(system: SizedSystem, case: str) -> None:
    input_, changes = CASES[case]
    load = LOAD.__class__(**({name: getattr(LOAD, name) for name in LOAD.__struct_fields__} | changes))
    system.serve(compact=load.compact)
    before = taken(system)
    run(system, input_, keyed=load.keyed)
    now = taken(system)
    memory, file = memory_of_a_job(before, now), (now.file - before.file) / JOBS
    modelled = finished_bytes(load) + (KEY_BYTES if load.keyed else 0)
    assert memory == pytest.approx(modelled, rel=NEAR), "set the bytes of the model to what is measured"
    assert file == pytest.approx(file_bytes(load), rel=NEAR), "set the bytes of the model to what is measured"


@pytest.mark.parametrize("size", [0, 1_000])
def test_a_job_that_waits_takes_what_the_model_says(system: System, size: int) -> None:
    system.workers[0].close()  # its last heartbeats are as large as those before
    before = taken(system)
    submit(system, {"text": "x" * size}, keyed=False)
    load = LOAD.__class__(**({name: getattr(LOAD, name) for name in LOAD.__struct_fields__} | {"input_bytes": size}))
    assert memory_of_a_job(before, taken(system)) == pytest.approx(waiting_bytes(load), rel=NEAR)
