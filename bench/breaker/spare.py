"""How long after the failure that opens a breaker on one worker another one, in another process, stops to call."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.harness.system import ROOT, Children, start_store
from bench.load.histogram import Histogram
from tidings.circuit.call_guard import CallResult
from tidings.store.breaker_store import BreakerStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings_worker.circuit.worker_breakers import WorkerBreakers

from .caller import MEASURED


async def measure(rounds: int = 300) -> None:
    """Print the time from the failure to the first call that was not made, ms."""
    times = Histogram()
    longest = 0.0
    with Children() as children:
        url = start_store(children)
        store = open_store(url)
        async with BreakerStore(store, StoreKeys()) as steps, _caller(url) as lines:
            for _ in range(rounds):
                # Each begins with a breaker that has just closed, and a worker that knows.
                await steps.reset(MEASURED.name)
                while (await _line(lines))[0] != "closed":
                    pass
                took = await _round(WorkerBreakers(steps, [], "a", 10), lines)
                times.add(took)
                longest = max(longest, took)
        await store.aclose()
    shown = " ".join(f"{name} {ms:g} ms" for name, ms in times.to_ms().items())
    print(f"the last failure on one worker → another calls no more: {shown} longest {longest * 1000:.3g} ms ({rounds})")


async def _round(first: WorkerBreakers, lines: asyncio.StreamReader) -> float:
    passes = [await first.enter(MEASURED) for _ in range(MEASURED.min_calls)]
    for one in passes[:-1]:
        first.leave(one, CallResult.FAILURES, "k", "")
    last = time.monotonic()
    first.leave(passes[-1], CallResult.FAILURES, "k", "")
    while True:
        state, at = await _line(lines)
        if state == "open":
            return at - last


async def _line(lines: asyncio.StreamReader) -> tuple[str, float]:
    async with asyncio.timeout(15):
        state, at = (await lines.readline()).decode().split()
    return state, float(at)


@asynccontextmanager
async def _caller(url: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run the other worker around the body; yield what it says."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.breaker.caller", url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        yield child.stdout
    finally:
        child.kill()
        await child.wait()
