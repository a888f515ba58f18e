"""The loads of the Python clients: each returns how many jobs came to what it waits for, and in how many seconds."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import anyio

from tidings import Client, SyncClient

IN_FLIGHT: Final = 200
THREADS: Final = 16
SUBMITS_PER_S: Final = 5_000
PACE_S: Final = 0.01
"""A back end has its requests a few at a time: so many submits begin together as fall into this time."""

LARGE_IN_FLIGHT: Final = 8


class Loaded(NamedTuple):
    """What a load has done."""

    jobs: int
    seconds: float
    busy_s: float
    """CPU time of the process that submits, the load with the client."""


async def results(url: str, seconds: float) -> Loaded:
    """Submit and wait for the result, from one `Client`, with so many in flight."""
    async with Client(url) as client:

        async def one() -> None:
            handle = await client.submit("nothing")
            await handle.result()

        return await _repeat(one, IN_FLIGHT, seconds)


async def submits(url: str, seconds: float) -> Loaded:
    """Submit without watching as fast as acks come, from one `Client`."""
    async with Client(url) as client:

        async def one() -> None:
            await client.submit("nothing", watch=False)

        return await _repeat(one, IN_FLIGHT, seconds)


async def back_end(url: str, seconds: float) -> Loaded:
    """Submit 5,000 a second without watching, from one `Client`."""
    async with Client(url) as client:
        done, at_once = 0, round(SUBMITS_PER_S * PACE_S)
        began, busy = time.perf_counter(), time.process_time()
        for turn in range(round(seconds / PACE_S)):
            await asyncio.sleep(max(0.0, began + turn * PACE_S - time.perf_counter()))
            await asyncio.gather(*(client.submit("nothing", watch=False) for _ in range(at_once)))
            done += at_once
        return Loaded(done, time.perf_counter() - began, time.process_time() - busy)


async def threads(url: str, seconds: float) -> Loaded:
    """Submit and wait for the result, from one `SyncClient` that sixteen threads share."""
    return await anyio.to_thread.run_sync(_threads, url, seconds)


async def large(url: str, seconds: float, size: int) -> Loaded:
    """Submit a text of so many bytes and wait until it has come back, with a few in flight."""
    text = "x" * size
    async with Client(url) as client:

        async def one() -> None:
            handle = await client.submit("echo", text=text)
            back = await handle.result()
            assert back == text

        return await _repeat(one, LARGE_IN_FLIGHT, seconds)


async def _repeat(one: Callable[[], Awaitable[None]], count: int, seconds: float) -> Loaded:
    """Have so many tasks do one thing after the other."""
    done = 0
    began, busy = time.perf_counter(), time.process_time()

    async def lane() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await one()
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(lane())
    return Loaded(done, time.perf_counter() - began, time.process_time() - busy)


def _threads(url: str, seconds: float) -> Loaded:
    counts = [0] * THREADS
    with SyncClient(url) as client:
        began, busy = time.perf_counter(), time.process_time()

        def lane(number: int) -> None:
            while time.perf_counter() - began < seconds:
                client.submit("nothing").result()
                counts[number] += 1

        running = [threading.Thread(target=lane, args=(number,)) for number in range(THREADS)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return Loaded(sum(counts), time.perf_counter() - began, time.process_time() - busy)
