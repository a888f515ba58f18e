"""`python -m bench.consumers [NAME…]`: backlog, lag, memory, cost; default: all. A row for each figure."""

import asyncio
import statistics
import struct
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import anyio

from bench.harness.measure import measure
from bench.harness.named import measure_named, row, show_cost
from bench.harness.result import Round, median_of
from bench.harness.system import Children, start_store
from bench.peer import tidings as peer
from bench.webhooks.system import (
    QUEUE,
    TIDINGS,
    cpu_us,
    environment,
    register,
    start_worker,
    submitter,
)
from tidings.protocol.event_pattern import EventPattern
from tidings.store.groups.group_admin import GroupAdmin
from tidings.store.groups.group_store import GroupStore, StreamBounds
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

HANDLERS: Final = str(Path(__file__).with_name("handlers.py"))
BACKLOG: Final = 20_000
PER_S: Final = (200.0, 2_000.0)
"""Jobs a second where lag is measured."""
SECONDS: Final = 10.0
BOUND: Final = 16_777_216
ROUNDS: Final = 3


def start_group(children: Children, notes: Path, group: str, number: int = 1) -> None:
    """Start a worker that serves a group."""
    notes.mkdir(exist_ok=True)
    settings = environment(children.store_url) | {"BENCH_NOTES": str(notes), "BENCH_GROUP": group}
    children.start(f"{group} {number}", [*TIDINGS, "work", HANDLERS], settings)


def handled(notes: Path) -> int:
    """Return how many events were noted."""
    return sum(one.stat().st_size for one in notes.iterdir()) // 8


def lags(notes: Path, skip: int) -> list[float]:
    """Return how late they were, s, but for the first of each file."""
    return [lag for one in notes.iterdir() for (lag,) in list(struct.iter_unpack("d", one.read_bytes()))[skip:]]


async def until_handled(notes: Path, count: int) -> None:
    """Return when so many events were noted."""
    with anyio.fail_after(300):
        while handled(notes) < count:  # noqa: ASYNC110 - other processes write
            await anyio.sleep(0.02)


async def join(store_url: str, group: str, bounds: StreamBounds) -> None:
    """Have events written for a group that no worker serves yet, from now on."""
    store = open_store(store_url)
    reply = await GroupStore(store, StoreKeys(), QUEUE, "bench").join(group, [EventPattern.of("*")], bounds)
    await asyncio.sleep(reply.wait_ms / 1000)
    await store.aclose()


async def backlog() -> None:
    """Measure how many of the events that wait a group handles in a second, on one worker and on two."""
    for workers in (1, 2):
        with Children() as children:
            store = start_store(children)
            await register(store)
            await join(store, "group", StreamBounds(86_400, 268_435_456))
            async with submitter(store) as jobs:
                await jobs.end([""] * BACKLOG)
            notes = children.folder / "notes"
            for number in range(workers):
                start_group(children, notes, "group", number)
            await until_handled(notes, BACKLOG // 10)
            before, began, first = children.system("").cpu_s(), time.monotonic(), handled(notes)
            await until_handled(notes, BACKLOG)
            made = handled(notes) - first
            per_s = made / (time.monotonic() - began)
            used = cpu_us(children.system(""), before, made)
        row(f"backlog of {BACKLOG}, workers: {workers}", f"{per_s:,.0f} events/s; CPU each: {used}")


async def lag() -> None:
    """Measure from an event to its handler, while jobs come at a pace."""
    for per_s in PER_S:
        with Children() as children:
            start_store(children)
            await start_worker(children)
            notes = children.folder / "notes"
            start_group(children, notes, "group")
            async with submitter(children.store_url) as jobs:
                while not handled(notes):
                    await jobs.submit([""])
                    await asyncio.sleep(0.2)
                skip = handled(notes)
                sent = await jobs.at_pace([""], per_s, SECONDS)
                await until_handled(notes, sent)
            cuts = statistics.quantiles(lags(notes, skip), n=100)
        row(f"{per_s:.0f} jobs/s asked, {sent / SECONDS:.0f} submitted, event to handler",
            f"p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms")  # fmt: skip


async def memory() -> None:
    """Measure what the stream takes, while far more is written than it may keep and the group is away."""
    with Children() as children:
        store_url = start_store(children)
        await register(store_url)
        await join(store_url, "away", StreamBounds(86_400, BOUND))
        async with submitter(store_url) as jobs:
            for part in range(1, 6):
                await jobs.end([""] * 40_000)
                store = open_store(store_url)
                events = await GroupAdmin(store, StoreKeys(), QUEUE).read()
                takes = await store.memory_usage(StoreKeys().events(QUEUE), samples=0) or 0
                await store.aclose()
                text = f"{events.events} kept, {events.bytes / 1e6:.1f} MB by count, {takes / 1e6:.1f} MB by the store"
                row(f"{part * 40_000} events written, bound {BOUND / 1e6:.1f} MB", text)


async def cost() -> None:
    """Measure the closed loop, in turn: with no group, and with one and three that workers serve."""
    found: dict[int, list[Round]] = {0: [], 1: [], 3: []}
    for _ in range(ROUNDS):
        for groups, rounds in found.items():
            with peer.running_children() as (children, system), Children() as others:
                others.store_url = children.store_url
                for number in range(groups):
                    start_group(others, others.folder / "notes", f"group{number}")
                await asyncio.sleep(4.0 if groups else 0.0)
                rounds.append((await asyncio.to_thread(measure, system, "closed_loop", 1.0, 4.0))[""])
    for groups, rounds in found.items():
        show_cost(f"closed loop, groups: {groups}", median_of(rounds))


ALL: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    "backlog": backlog,
    "lag": lag,
    "memory": memory,
    "cost": cost,
}


if __name__ == "__main__":
    measure_named(ALL)
