"""What a job costs behind a breaker that is closed, beside one without."""

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import anyio
import msgspec

from bench.harness.system import Children, System, start_store
from tidings.declare.job import Job
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.tokens import new_token
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

from . import kinds

KINDS: Final = ("plain", "guarded", "inside")
BATCH: Final = 1_000


async def measure(count: int = 10_000, rounds: int = 5) -> None:
    """Print a row for each kind: jobs a second, and the CPU time of a job in worker and store, medians of rounds."""
    with Children() as children:
        url = start_store(children)
        environment = {"TIDINGS_STORE_URL": url, "TIDINGS_LOG_LEVEL": "warning"}
        children.start("worker", [sys.executable, "-m", "tidings", "work", str(Path(kinds.__file__))], environment)
        system = children.system("")
        found: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in KINDS}
        await _round("plain", count, url, system)  # to warm up
        for _ in range(rounds):
            for kind in KINDS:
                found[kind].append(await _round(kind, count, url, system))
    print(f"| kind | jobs/s | worker µs | store µs | ({rounds} rounds of {count} jobs, medians)\n|---|---|---|---|")
    for kind, row in found.items():
        speed, worker, store = (statistics.median(column) for column in zip(*row, strict=True))
        print(f"| {kind} | {speed:.0f} | {worker:.1f} | {store:.1f} |")


async def _round(kind: str, count: int, url: str, system: System) -> tuple[float, float, float]:
    """Submit the jobs, and wait until all have been done; return jobs/s and CPU µs a job of worker and store."""
    defined: Job[..., object] = getattr(kinds, kind)
    envelope = encode_envelope(Envelope(kind, msgspec.Raw(b"{}"))).decode()
    store = open_store(url)
    before, began = system.cpu_s(), time.perf_counter()
    async with JobStore(store, StoreKeys(), "bench") as gateway:
        for _ in range(count // BATCH):
            jobs = [NewJob(new_token(defined.queue).id, kind, defined.tier, envelope, watch=0) for _ in range(BATCH)]
            await asyncio.gather(*(gateway.submit(defined.queue, job) for job in jobs))
        while await store.xlen(StoreKeys().ready(defined.queue, defined.tier)):  # noqa: ASYNC110 - nobody tells
            await anyio.sleep(0.01)
    took, after = time.perf_counter() - began, system.cpu_s()
    await store.aclose()
    worker, store_us = ((after[name] - before[name]) / count * 1e6 for name in ("worker", "store"))
    return count / took, worker, store_us
