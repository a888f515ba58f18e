"""A slow store is not one that is down: pages say so, do not wait for it, and tell the age of what they show."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
import structlog
from redis.asyncio import Redis

from support.peer import peer
from support.scrape import Scraped, scrape, until
from support.store import StoreProcess
from support.system import ServerProcess, System, running_system
from support.timeouts import scaled
from support.wire.spoken import Line, Spoken, speaking
from tidings.metrics.metric_family import MetricFamily, NumberFamily, gauge
from tidings.metrics.store_collector import PAGE_WAIT_S, StoreCollector
from tidings.metrics.store_liveness import UNANSWERED_LIMIT_S, StoreLiveness
from tidings.store.admin.queue_stats import QueueCount, count_queues, drain_rates
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.availability.store_health import StoreHealth
from tidings.store.keys import StoreKeys
from tidings.store.queue_pages import PAGE
from tidings.store.redis.store_client import open_store
from tidings_cli.lab.message_faults import MessageFaults
from tidings_cli.lab.proxy import Proxy
from tidings_cli.lab.simulation import LinkFaults


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def pulse_of(*answers: bytes) -> AsyncIterator[tuple[StoreLiveness, StoreHealth, Clock, Spoken]]:
    """A liveness of a store that gives these answers, one for each question, and then no more."""
    left = list(answers)

    def say(line: Line, _: list[bytes]) -> None:
        if left:
            line.write(left.pop(0))

    clock = Clock()
    health = StoreHealth(clock=clock)
    async with speaking(say) as spoken:
        store = open_store(spoken.url, health=health)
        try:
            yield StoreLiveness(store, health), health, clock, spoken
        finally:
            await store.aclose()


async def test_a_store_that_answers_is_up_and_a_refusal_is_an_answer() -> None:
    async with pulse_of(b"+PONG\r\n", b"-NOPERM no\r\n") as (liveness, _, _, _):
        assert await liveness.is_up(scaled(10))
        assert await liveness.is_up(scaled(10))


async def test_a_question_that_is_open_says_nothing_until_the_store_has_been_silent_for_long() -> None:
    async with pulse_of() as (liveness, health, clock, spoken):
        assert await liveness.is_up(0)
        clock.now += UNANSWERED_LIMIT_S
        assert await liveness.is_up(0)
        clock.now += 0.1
        assert not await liveness.is_up(0)
        health.answered(())  # another question
        assert await liveness.is_up(0)
        assert len(await spoken.until(1)) == 1  # it is asked once, however many pages are made


async def test_a_store_that_answers_late_is_up_again() -> None:
    async with pulse_of() as (liveness, _, clock, spoken):
        assert await liveness.is_up(0)
        clock.now += UNANSWERED_LIMIT_S + 1
        assert not await liveness.is_up(0)
        await spoken.until(1)
        spoken.lines[0].write(b"+PONG\r\n")
        assert await liveness.is_up(scaled(10))


async def test_a_store_that_is_lost_is_not_asked() -> None:
    async with pulse_of() as (liveness, health, _, spoken):
        health.failed((), StoreUnavailableError("gone"))
        assert not await liveness.is_up(scaled(10))
        assert spoken.lines == []


class Shelf:
    """What is read: as slowly as a test wants."""

    def __init__(self) -> None:
        self.value = 1.0
        self.open = asyncio.Event()
        self.begun = self.under_way = self.most = 0
        self.fault: Exception | None = None

    async def read(self) -> list[MetricFamily]:
        self.begun += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.open.wait()
        self.under_way -= 1
        if self.fault is not None:
            raise self.fault
        return [gauge("tidings_things", "Things.", self.value)]


@asynccontextmanager
async def collecting(shelf: Shelf) -> AsyncIterator[StoreCollector]:
    async with pulse_of(*[b"+PONG\r\n"] * 100) as (liveness, _, _, _):
        collector = StoreCollector(liveness, shelf.read)
        task = asyncio.create_task(collector.run())
        try:
            yield collector
        finally:
            task.cancel()


async def shown(collector: StoreCollector) -> dict[str, float]:
    with anyio.fail_after(scaled(10)):
        found = await collector.families()
    return {one.name: value for one in found if isinstance(one, NumberFamily) for _, value in one.samples}


async def test_what_is_read_in_time_is_on_the_page_that_asked_for_it() -> None:
    shelf = Shelf()
    shelf.open.set()
    async with collecting(shelf) as collector:
        page = await shown(collector)
    assert page["tidings_things"] == page["tidings_store_up"] == 1
    assert page["tidings_store_read_age_seconds"] >= 0
    assert shelf.begun == 1


async def test_what_takes_longer_is_shown_later_with_its_age_and_no_page_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tidings.metrics.store_collector.READING_FRESH_S", 0)
    shelf = Shelf()
    async with collecting(shelf) as collector:
        assert await shown(collector) == {"tidings_store_up": 1}
        shelf.open.set()
        while "tidings_things" not in (first := await shown(collector)):
            pass
        shelf.open.clear()
        shelf.value = 2
        later = await shown(collector)
        assert (later["tidings_things"], later["tidings_store_up"]) == (1, 1)
        assert later["tidings_store_read_age_seconds"] >= first["tidings_store_read_age_seconds"] + PAGE_WAIT_S / 2
        assert shelf.most == 1


@pytest.mark.parametrize("fault", [KeyError("a defect"), StoreUnavailableError("gone")])
async def test_a_reading_that_fails_leaves_what_was_read_before_and_another_follows(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr("tidings.metrics.store_collector.READING_FRESH_S", 0)
    shelf = Shelf()
    shelf.open.set()
    async with collecting(shelf) as collector:
        await shown(collector)
        shelf.fault = fault
        with structlog.testing.capture_logs() as logs:
            assert (await shown(collector))["tidings_things"] == 1
            assert (await shown(collector))["tidings_things"] == 1
        assert [one["log_level"] for one in logs if one["log_level"] != "debug"] == (
            ["error"] if isinstance(fault, KeyError) else []
        )
        shelf.fault, shelf.value = None, 3
        assert (await shown(collector))["tidings_things"] == 3


async def test_a_store_that_is_down_has_nothing_else_on_its_page() -> None:
    shelf = Shelf()
    shelf.open.set()
    health = StoreHealth(clock=Clock())
    store = open_store("redis://127.0.0.1:1/0", health=health)
    health.failed((), StoreUnavailableError("gone"))
    assert await shown(StoreCollector(StoreLiveness(store, health), shelf.read)) == {"tidings_store_up": 0}
    await store.aclose()


async def test_queues_are_asked_for_in_pages() -> None:
    """However many there are, the connection never carries more than a page of them."""
    held: list[Line] = []

    def say(line: Line, _: list[bytes]) -> None:
        held.append(line)

    queues = {f"q{number:04}": ["t"] for number in range(2 * PAGE + 1)}
    async with speaking(say) as spoken:
        store = open_store(spoken.url)
        pages = count_queues(store, StoreKeys(), queues)
        for wanted in (PAGE, PAGE, 1):
            next_page = asyncio.ensure_future(anext(pages))
            before = len(held)
            await spoken.until(before + wanted)
            for line in held[before:]:
                line.write(COUNTED)
            page = await asyncio.wait_for(next_page, scaled(10))
            assert len(page) == len(held) - before == wanted
        await store.aclose()


COUNTED = b"$9\r\n\x94\x01\x00\x00\x91\x93\x00\x00\x00\r\n"
"""MessagePack: now 1, none scheduled, none dead, one tier with nothing in it."""


async def test_drain_rates_of_many_queues_need_no_connection_for_each(store: Redis) -> None:
    counts = [
        QueueCount(queue=f"q{number}", tier="t", waiting=0, running=0, scheduled=0, dead=0) for number in range(1500)
    ]
    await store.hset(StoreKeys().flow("q7", "t"), mapping={"since": 10_000, "rate": 2.5})
    before = int((await store.info("stats"))["total_connections_received"])
    rates = await drain_rates(store, StoreKeys(), counts, 20_000)
    assert int((await store.info("stats"))["total_connections_received"]) - before <= 1
    assert {number: rate for number, rate in enumerate(rates) if rate is not None} == {7: 2.5}


@pytest.fixture
async def far(store_process: StoreProcess) -> AsyncIterator[tuple[System, ServerProcess, MessageFaults]]:
    """A system, and a server of it whose store is far away once the weather is not calm."""
    with running_system() as system:
        weather = MessageFaults("far", LinkFaults(latency_s=0.4), 1)
        proxy = Proxy(system.store.port, faults=weather)
        await proxy.listen()
        server = ServerProcess(f"redis://127.0.0.1:{proxy.port}/0")
        try:
            await asyncio.to_thread(server.wait_until_ready, 1)
            yield system, server, weather
        finally:
            server.close()
            await proxy.close()


async def test_every_answer_may_take_longer_than_a_page_waits(far: tuple[System, ServerProcess, MessageFaults]) -> None:
    system, server, weather = far
    async with peer(system.server.socket_url) as client:
        await client.submit("noop", delay=3600)
    weather.calm = False
    seen: list[float] = []

    def holds(now: Scraped) -> bool:
        seen.append(now.sum("tidings_store_up"))
        return now.sum("tidings_scheduled_jobs") == 1

    now = await asyncio.to_thread(until, server.url + "/metrics", holds, scrape)
    assert now.sum("tidings_workers") == 1
    assert now.sum("tidings_store_read_age_seconds") >= PAGE_WAIT_S
    assert set(seen) == {1}
    status: tuple[int, Any] = await asyncio.to_thread(server.get, "/readyz")
    assert status[0] == 200
