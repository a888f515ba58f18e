"""How many jobs may be taken: what slots, threads and processes allow, and what lies apart."""

import asyncio

import pytest

from tidings import Job, job
from tidings.store.attempts.attempt_store import ReadyEntry
from tidings_worker.queue.queue_capacity import MOST_APART, Capacity, StreamGroup
from tidings_worker.queue.served_streams import stream_groups_of
from tidings_worker.queue.slots import PooledSlots
from tidings_worker.runner.executor_places import ExecutorPlaces

MIXED = StreamGroup(["standard"], ["process", "thread"], bound=False)
ALL_IN_THREADS = StreamGroup(["standard"], ["thread"], bound=True)
APART = StreamGroup(["standard"], ["thread"], bound=True, apart=True)
ASYNC = StreamGroup(["standard"], [], bound=False)


def capacity(slots: int = 50, threads: int = 2, processes: int = 1) -> tuple[Capacity, ExecutorPlaces]:
    places = ExecutorPlaces(threads)
    return Capacity(PooledSlots(slots), {"process": ExecutorPlaces(processes), "thread": places}), places


def entry(number: int) -> ReadyEntry:
    return ReadyEntry("standard", f"{number}-0/thread", f"job-{number}", b"")


async def room(one: Capacity, line: StreamGroup) -> int:
    """Return what may be taken now; 0: it would wait."""
    try:
        async with asyncio.timeout(0):
            return await one.room_of(line)
    except TimeoutError:
        return 0


async def test_what_is_read_is_bounded_by_what_it_may_need() -> None:
    one, threads = capacity()
    assert [await room(one, line) for line in (ASYNC, MIXED, ALL_IN_THREADS, APART)] == [50, 50, 2, 2]
    threads.reserve(2)
    assert [await room(one, line) for line in (ASYNC, MIXED, ALL_IN_THREADS, APART)] == [50, 50, 0, 0]


async def test_what_lies_apart_slows_the_reading_of_what_may_have_to_lie_there() -> None:
    one, threads = capacity(slots=1000)
    threads.reserve(2)
    one.saw_apart([("standard", "thread", MOST_APART - 10)])
    assert await room(one, MIXED) == 10
    one.saw_apart([("standard", "thread", MOST_APART + 10)])
    assert await room(one, MIXED) == 1  # there is a process
    one.saw_apart([("heavy", "thread", MOST_APART)])
    threads.give_back(2)
    assert await room(one, MIXED) == 3
    one.took(APART, [entry(number) for number in range(20)])
    assert await room(one, MIXED) == 10
    one.took(APART, [])  # there is nothing there, whoever took it
    assert await room(one, MIXED) == MOST_APART


async def test_what_lies_apart_goes_before_what_is_read_now() -> None:
    one, threads = capacity()
    one.saw_apart([("standard", "thread", 1)])
    assert one.reserve_places(5, MIXED) == {"process": 1, "thread": 0}
    one.give_back({"process": 1})
    assert one.reserve_places(5, APART) == {"process": 1, "thread": 2}
    assert threads.free == 0
    assert one.reserve_places(5) == {"process": 0, "thread": 0}


async def test_who_waits_for_a_place_hears_of_it_and_gets_it_with_a_slot() -> None:
    one, threads = capacity(slots=1)
    threads.reserve(2)
    waiting = asyncio.create_task(one.place_or(APART, 30))
    held = one.reserve([entry(1)], 1)
    threads.give_back(1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()  # there is no slot
    one.give_up(held)
    assert await waiting == {"process": 0, "thread": 1}
    assert threads.free == 0
    assert await one.place_or(APART, 0) == {"process": 0, "thread": 0}


@job
async def looped() -> None: ...


@job(tier="heavy")
def threaded() -> None: ...


@job(tier="heavy", run_in="process")
def processed() -> None: ...


@pytest.mark.parametrize(
    ("jobs", "shared", "streams"),
    [
        ([looped], False, [["standard"]]),
        ([looped, threaded], False, [["heavy", "standard"], ["heavy/thread"]]),
        ([looped, threaded, processed], False, [["heavy", "standard"], ["heavy/process"], ["heavy/thread"]]),
        ([looped, threaded, processed], True, [["heavy"], ["heavy/process"], ["heavy/thread"], ["standard"]]),
    ],
)
def test_a_worker_reads_what_its_kinds_may_lie_in(
    jobs: "list[Job[..., None]]", shared: bool, streams: list[list[str]]
) -> None:
    tiers = sorted({tier for one in jobs for tier in one.tiers})
    assert [line.streams for line in stream_groups_of(jobs, tiers, shared=shared)] == streams
