"""The client of a queue of Python, a process of its own: `python -m bench.queue.client MODULE SCENARIO AMOUNT`.

MODULE has a `queue` (`bench/glue/queue.py`). It runs in the peers' environments, and imports nothing that they lack.

It says `ready` when a worker may start that must not before, `begin` and `end` around what is measured,
and last its figures as JSON. Then it stays until its standard input ends, so that its memory can be read.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Final

import uvloop

from bench.glue.queue import Queue
from bench.load.histogram import Histogram

POLL_S: Final = 0.01
"""Between two looks at what is left to do, s: what a drain takes is right to about as much."""

WARM_UP_S: Final = 1.0
WARM_UP_JOBS: Final = 1_000


async def drain(queue: Queue, count: float) -> None:
    """Queue jobs, then time a worker from the first that is done with to the last."""
    await queue.enqueue_many(int(count))
    _say("ready")
    began, left = 0.0, count
    while left == count:
        began = time.perf_counter()
        await asyncio.sleep(POLL_S)
        left = await queue.unfinished()
    _say("begin")
    while left:
        await asyncio.sleep(POLL_S)
        left = await queue.unfinished()
    _end(int(count), time.perf_counter() - began)


async def enqueue(queue: Queue, count: float) -> None:
    """Time how long it takes to queue jobs; there is no worker."""
    await queue.enqueue_many(WARM_UP_JOBS)
    _say("begin")
    began = time.perf_counter()
    await queue.enqueue_many(int(count))
    _end(int(count), time.perf_counter() - began)


async def reply(queue: Queue, seconds: float) -> None:
    """Time one call after another."""
    await _calls(queue, WARM_UP_S, Histogram())
    took = Histogram()
    _say("begin")
    began = time.perf_counter()
    await _calls(queue, seconds, took)
    _end(took.count, time.perf_counter() - began, took)


async def _calls(queue: Queue, seconds: float, took: Histogram) -> None:
    now = time.perf_counter()
    end = now + seconds
    while now < end:
        await queue.call()
        then, now = now, time.perf_counter()
        took.add(now - then)


def _end(jobs: int, seconds: float, took: Histogram | None = None) -> None:
    _say("end")
    _say(json.dumps({"jobs": jobs, "seconds": seconds, "reply_ms": took.to_ms() if took else {}}))


def _say(line: str) -> None:
    print(line, flush=True)


SCENARIOS: Final[dict[str, Callable[[Queue, float], Awaitable[None]]]] = {
    "drain": drain,
    "enqueue": enqueue,
    "reply": reply,
}


async def _run(queue: Queue, scenario: str, amount: float) -> None:
    await queue.open()
    await SCENARIOS[scenario](queue, amount)
    sys.stdin.read()


if __name__ == "__main__":
    uvloop.run(_run(import_module(sys.argv[1]).queue, sys.argv[2], float(sys.argv[3])))
