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
from support.spoken import Line, Spoken, speaking
from support.store import StoreProcess
from support.system import ServerProcess, System, running_system
from support.timeouts import scaled
from tidings.broker.census import PAGE, QueueCount, count_queues, drain_rates
from tidings.broker.connection import open_store
from tidings.broker.contact import Contact
from tidings.broker.error import StoreUnavailableError
from tidings.broker.keys import Keys
from tidings.lab.proxy import Proxy
from tidings.lab.simulation import LinkFaults
from tidings.lab.weather import Weather
from tidings.metric.collector import WITHIN_S, Collector
from tidings.metric.family import Family, Numbers, gauge
from tidings.metric.pulse import SILENT_S, Pulse


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def pulse_of(*answers: bytes) -> AsyncIterator[tuple[Pulse, Contact, Clock, Spoken]]:
    """A pulse of a store that gives these answers, one for each question, and then no more."""
    left = list(answers)

    def say(line: Line, _: list[bytes]) -> None:
        if left:
            line.write(left.pop(0))

    clock = Clock()
    contact = Contact(clock=clock)
    async with speaking(say) as spoken:
        store = open_store(spoken.url, contact=contact)
        try:
            yield Pulse(store, contact), contact, clock, spoken
        finally:
            await store.aclose()


async def test_a_store_that_answers_is_up_and_a_refusal_is_an_answer() -> None:
    async with pulse_of(b"+PONG\r\n", b"-NOPERM no\r\n") as (pulse, _, _, _):
        assert await pulse.beats(scaled(10))
        assert await pulse.beats(scaled(10))


async def test_a_question_that_is_open_says_nothing_until_the_store_has_been_silent_for_long() -> None:
    async with pulse_of() as (pulse, contact, clock, spoken):
        assert await pulse.beats(0)
        clock.now += SILENT_S
        assert await pulse.beats(0)
        clock.now += 0.1
        assert not await pulse.beats(0)
        contact.answered(())  # another question
        assert await pulse.beats(0)
        assert len(await spoken.until(1)) == 1  # it is asked once, however many pages are made


async def test_a_store_that_answers_late_is_up_again() -> None:
    async with pulse_of() as (pulse, _, clock, spoken):
        assert await pulse.beats(0)
        clock.now += SILENT_S + 1
        assert not await pulse.beats(0)
        await spoken.until(1)
        spoken.lines[0].write(b"+PONG\r\n")
        assert await pulse.beats(scaled(10))


async def test_a_store_that_is_lost_is_not_asked() -> None:
    async with pulse_of() as (pulse, contact, _, spoken):
        contact.failed((), StoreUnavailableError("gone"))
        assert not await pulse.beats(scaled(10))
        assert spoken.lines == []


class Shelf:
    """What is read: as slowly as a test wants."""

    def __init__(self) -> None:
        self.value = 1.0
        self.open = asyncio.Event()
        self.begun = self.under_way = self.most = 0
        self.fault: Exception | None = None

    async def read(self) -> list[Family]:
        self.begun += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.open.wait()
        self.under_way -= 1
        if self.fault is not None:
            raise self.fault
        return [gauge("tidings_things", "Things.", self.value)]


@asynccontextmanager
async def collecting(shelf: Shelf) -> AsyncIterator[Collector]:
    async with pulse_of(*[b"+PONG\r\n"] * 100) as (pulse, _, _, _):
        collector = Collector(pulse, shelf.read)
        task = asyncio.create_task(collector.run())
        try:
            yield collector
        finally:
            task.cancel()


async def shown(collector: Collector) -> dict[str, float]:
    with anyio.fail_after(scaled(10)):
        found = await collector.families()
    return {one.name: value for one in found if isinstance(one, Numbers) for _, value in one.samples}


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
    monkeypatch.setattr("tidings.metric.collector.RECENT_S", 0)
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
        assert later["tidings_store_read_age_seconds"] >= first["tidings_store_read_age_seconds"] + WITHIN_S / 2
        assert shelf.most == 1


@pytest.mark.parametrize("fault", [KeyError("a defect"), StoreUnavailableError("gone")])
async def test_a_reading_that_fails_leaves_what_was_read_before_and_another_follows(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr("tidings.metric.collector.RECENT_S", 0)
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
    contact = Contact(clock=Clock())
    store = open_store("redis://127.0.0.1:1/0", contact=contact)
    contact.failed((), StoreUnavailableError("gone"))
    assert await shown(Collector(Pulse(store, contact), shelf.read)) == {"tidings_store_up": 0}
    await store.aclose()


async def test_queues_are_asked_for_in_pages() -> None:
    """However many there are, the connection never carries more than a page of them."""
    held: list[Line] = []

    def say(line: Line, _: list[bytes]) -> None:
        held.append(line)

    queues = {f"q{number:04}": ["t"] for number in range(2 * PAGE + 1)}
    async with speaking(say) as spoken:
        store = open_store(spoken.url)
        pages = count_queues(store, Keys(), queues)
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
    await store.hset(Keys().flow("q7", "t"), mapping={"since": 10_000, "rate": 2.5})
    before = int((await store.info("stats"))["total_connections_received"])
    rates = await drain_rates(store, Keys(), counts, 20_000)
    assert int((await store.info("stats"))["total_connections_received"]) - before <= 1
    assert {number: rate for number, rate in enumerate(rates) if rate is not None} == {7: 2.5}


@pytest.fixture
async def far(store_process: StoreProcess) -> AsyncIterator[tuple[System, ServerProcess, Weather]]:
    """A system, and a server of it whose store is far away once the weather is not calm."""
    with running_system() as system:
        weather = Weather("far", LinkFaults(latency_s=0.4), 1)
        proxy = Proxy(system.store.port, weather=weather)
        await proxy.listen()
        server = ServerProcess(f"redis://127.0.0.1:{proxy.port}/0")
        try:
            await asyncio.to_thread(server.wait_until_ready, 1)
            yield system, server, weather
        finally:
            server.close()
            await proxy.close()


async def test_every_answer_may_take_longer_than_a_page_waits(far: tuple[System, ServerProcess, Weather]) -> None:
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
    assert now.sum("tidings_store_read_age_seconds") >= WITHIN_S
    assert set(seen) == {1}
    status: tuple[int, Any] = await asyncio.to_thread(server.get, "/readyz")
    assert status[0] == 200
