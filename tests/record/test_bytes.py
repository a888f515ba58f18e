"""How many bytes of the store a finished job takes, in each form: bounds that a change must not pass unnoticed."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from record.records import KEYS, Records, records
from support.store import StoreProcess, running_store
from tidings.protocol.states import State
from tidings.protocol.tokens import new_token
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore
from tidings.store.embedded.allocator import allocator_environment, find_allocator
from tidings.store.jobs.job_store import NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command, open_store

pytestmark = [
    pytest.mark.skipif(find_allocator() is None, reason="this machine has no jemalloc: make setup"),
    pytest.mark.skipif("TIDINGS_TEST_STORE" in os.environ, reason="the figures are of the embedded store"),
]

JOBS = 2_000
BATCH = 500
KEY_BYTES = 128
"""Of an idempotency key with 20 characters, by MEMORY USAGE."""
TABLE_BYTES = 160
"""What the tables of names and expiry take for the record and the key, at the worst of their growth."""
LARGE_HASH_BYTES = 1_080
"""Of a record that is a table. Each store has a seed by which fields share buckets: 1,000 to 1,064 were seen."""


@pytest.fixture(scope="module")
def sized_store() -> Iterator[StoreProcess]:
    with running_store("--appendonly", "no", environment=allocator_environment()) as process:
        yield process


@pytest.fixture
async def store(sized_store: StoreProcess) -> AsyncIterator[Redis]:
    client = open_store(sized_store.url)
    yield client
    await client.aclose()


async def finish_some(world: Records, worker: AttemptStore, result: str, first: int) -> None:
    made = [
        NewJob(
            new_token("p").id, "noop", "standard", '["noop",{}]', caller="ip:127.0.0.1", fingerprint="0" * 32,
            key=StoreKeys.dedup_suffix("", "noop", f"order-{first + number:014}"),
        )
        for number in range(BATCH)
    ]  # fmt: skip
    await asyncio.gather(*(world.gateway.submit("p", job) for job in made))
    done = 0
    while done < BATCH:
        entries = await worker.take(["standard"], BATCH, 1000)
        reports = []
        for place, started in enumerate(await worker.start(entries, spare={"standard": BATCH})):
            if started.go:
                report = AttemptReport((started.drawn or entries[place]).id, started.fence, 1)
                report.outcome = AttemptOutcome(State.SUCCEEDED, "result", result)
                reports.append(worker.report(report))
        assert set(await asyncio.gather(*reports)) <= {"ok"}
        done += len(reports)


async def used(store: Redis) -> int:
    """Return the bytes in use, without what the connections of this test have."""
    stats = await store.memory_stats()
    return int(stats["total.allocated"]) - int(stats["clients.normal"]) - int(stats.get("clients.pubsub", 0))


@pytest.mark.parametrize(("form", "result", "most"), [
    ("hash", '{"ok":true}', 336), ("hash", f'"{"x" * 198}"', LARGE_HASH_BYTES),
    ("compact", '{"ok":true}', 128), ("compact", f'"{"x" * 198}"', 352),
])  # fmt: skip
async def test_a_finished_job_takes_no_more_than(store: Redis, form: str, result: str, most: int) -> None:
    await store.flushall()
    async with records(store) as world:
        worker = world.compact if form == "compact" else world.plain
        await finish_some(world, worker, result, 0)  # what only the first jobs make
        before = await used(store)
        for first in range(BATCH, BATCH + JOBS, BATCH):
            await finish_some(world, worker, result, first)
        each = (await used(store) - before) / JOBS
        names = [name async for name in store.scan_iter(KEYS.job("p", "*"), 1_000)][:200]
        of_records = [await command(store, "MEMORY", "USAGE", name, "SAMPLES", 0) for name in names]
        key = KEYS.root("p") + "key:" + StoreKeys.dedup_suffix("", "noop", f"order-{BATCH:014}")
        assert max(of_records) <= most
        assert await command(store, "MEMORY", "USAGE", key) <= KEY_BYTES
        assert each <= most + KEY_BYTES + TABLE_BYTES
