"""Ten thousand jobs before an open breaker: what they cost while they wait, and how they are let in."""

import asyncio
import sys
import time
from pathlib import Path

import anyio
import msgspec
from redis.asyncio import Redis

from bench.harness.system import Children, System, start_store
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.tokens import new_token
from tidings.store.breaker_store import BreakerStore
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

from . import kinds

WATCHED_S = 10.0
"""How long it is watched what waiting costs."""


async def measure(count: int = 10_000) -> None:
    """Print how long it took to set them aside, the CPU time of waiting, and how long until all had run."""
    with Children() as children:
        url = start_store(children)
        environment = {"TIDINGS_STORE_URL": url, "TIDINGS_LOG_LEVEL": "warning"}
        children.start("worker", [sys.executable, "-m", "tidings", "work", str(Path(kinds.__file__))], environment)
        system = children.system("")
        store = open_store(url)
        breakers = BreakerStore(store, StoreKeys())
        await breakers.open("bench")
        began = time.monotonic()
        await _submit(store, count)
        await _until(store, scheduled=count)
        print(f"{count} jobs set aside in {time.monotonic() - began:.1f} s")
        print(f"waiting: {await _share(system)}")
        await breakers.close("bench")
        began = time.monotonic()
        await _until(store, scheduled=0)
        print(f"all let in and done {time.monotonic() - began:.1f} s after it closed")
        await store.aclose()


async def _submit(store: Redis, count: int) -> None:
    envelope = encode_envelope(Envelope("guarded", msgspec.Raw(b"{}"))).decode()
    queue, tier = kinds.guarded.queue, kinds.guarded.tier
    async with JobStore(store, StoreKeys(), "bench") as gateway:
        jobs = [NewJob(new_token(queue).id, "guarded", tier, envelope, watch=0) for _ in range(count)]
        await asyncio.gather(*(gateway.submit(queue, job) for job in jobs))


async def _until(store: Redis, scheduled: int) -> None:
    """Return when so many jobs lie in the schedule and none in the queue."""
    keys, queue, tier = StoreKeys(), kinds.guarded.queue, kinds.guarded.tier
    while (  # noqa: ASYNC110 - the store tells nobody
        await store.zcard(keys.scheduled(queue)) != scheduled or await store.xlen(keys.ready(queue, tier))
    ):
        await anyio.sleep(0.02)


async def _share(system: System) -> str:
    before = system.cpu_s()
    await anyio.sleep(WATCHED_S)
    after = system.cpu_s()
    shares = (f"{name} {(after[name] - before[name]) / WATCHED_S:.1%}" for name in ("worker", "store"))
    return f"of one core, {', '.join(shares)}"
