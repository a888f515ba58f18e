"""What the doctor says of kinds and workers, as they stand in a real store."""

import time
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from redis.asyncio import Redis

from support.store import StoreProcess, running_store
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.admin.paused_queues import PausedQueues
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command, open_store
from tidings.store.registry import Registry, WorkerRecord
from tidings_cli.doctor.finding import Finding, Level
from tidings_cli.doctor.registry_checks import check_registry

RAW = msgspec.Raw(b"{}")


@pytest.fixture(scope="module")
def process() -> Iterator[StoreProcess]:
    with running_store() as store:
        yield store


@pytest.fixture
async def store(process: StoreProcess) -> AsyncIterator[Redis]:
    store = open_store(process.url)
    await command(store, "FLUSHDB")
    yield store
    await store.aclose()


async def examine(store: Redis) -> dict[str, Finding]:
    return {one.check: one for one in await check_registry(store)}


async def register(store: Redis, *kinds: str) -> None:
    await Registry(store, StoreKeys()).register(
        [KindRecord(kind=one, queue="q", input=RAW, result=RAW) for one in kinds]
    )


async def live(store: Redis, name: str = "w", version: str = "1", kinds: str = "mail", ahead_s: float = 0.0) -> None:
    told_ms = int((time.time() + ahead_s) * 1000)
    record = WorkerRecord(
        worker=name, host="h", pid=1, version=version, kinds=kinds.split(), queues=["q"], slots=1, told_ms=told_ms
    )
    await Registry(store, StoreKeys()).heartbeat(record, 60)


async def test_a_system_that_serves_every_kind_has_nothing_to_do(store: Redis) -> None:
    await register(store, "mail")
    await live(store)
    found = await examine(store)
    assert {one.level for one in found.values()} == {Level.OK}, found
    assert [one.do for one in found.values() if one.do] == []


async def test_no_worker_at_all_is_a_problem(store: Redis) -> None:
    assert (await examine(store))["workers.living"].level is Level.PROBLEM


async def test_a_kind_without_a_worker_is_named(store: Redis) -> None:
    await register(store, "mail", "print")
    await live(store)
    finding = (await examine(store))["kinds.served"]
    assert finding.level is Level.WARNING
    assert "no worker serves print:" in finding.says


async def test_many_kinds_without_workers_are_counted(store: Redis) -> None:
    await register(store, *(f"k{number}" for number in range(8)))
    await live(store)
    assert "k4 and 3 more" in (await examine(store))["kinds.served"].says


async def test_jobs_that_wait_for_no_worker_are_a_problem(store: Redis) -> None:
    await register(store, "mail")
    await live(store, kinds="print")
    keys = StoreKeys()
    await command(store, "XADD", keys.ready("elsewhere", "standard"), "*", "j", "x")
    await Registry(store, keys).register([KindRecord(kind="far", queue="elsewhere", input=RAW, result=RAW)])
    finding = (await examine(store))["jobs.waiting"]
    assert finding.level is Level.PROBLEM
    assert "elsewhere" in finding.says


async def test_a_paused_queue_is_a_warning(store: Redis) -> None:
    await register(store, "mail")
    await live(store)
    await PausedQueues(store, StoreKeys()).pause("q", "me")
    finding = (await examine(store))["jobs.waiting"]
    assert (finding.level, finding.says) == (Level.WARNING, "paused: q")


async def test_a_kind_that_servers_cannot_use_is_a_problem(store: Redis) -> None:
    await live(store)
    await command(store, "HSET", StoreKeys().kinds, "odd", "no record")
    finding = (await examine(store))["kinds.usable"]
    assert finding.level is Level.PROBLEM
    assert "such as odd" in finding.says


@pytest.mark.parametrize(("ahead_s", "says"), [(90.0, "90.0 s ahead of"), (-90.0, "90.0 s behind")])
async def test_a_worker_whose_clock_is_wrong_is_named(store: Redis, ahead_s: float, says: str) -> None:
    await live(store, "right")
    await live(store, "wrong", ahead_s=ahead_s)
    finding = (await examine(store))["workers.clocks"]
    assert finding.level is Level.WARNING
    assert f"the clock of wrong is {says}" in finding.says


async def test_workers_of_two_releases_are_a_warning(store: Redis) -> None:
    await live(store, "a", "1.0")
    await live(store, "b", "1.1")
    finding = (await examine(store))["workers.releases"]
    assert (finding.level, finding.says) == (Level.WARNING, "workers of releases 1.0, 1.1")
