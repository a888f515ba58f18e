"""`python -m bench.webhooks [NAME…]`: throughput, latency, hanging, memory, cost; default: all."""

import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from bench.harness.measure import measure
from bench.harness.named import measure_named, row, show_cost
from bench.harness.result import Round, median_of
from bench.harness.system import Children, start_store
from bench.peer import find_peer

from .receivers import ReceiverTally, receivers
from .system import cpu_us, register, start_deliverer, start_worker, submitter, used_memory

PENDING: Final = 10_000
REMEMBERED: Final = 50_000
SECONDS: Final = 15.0
PER_S: Final = 100.0
"""Jobs a second with a webhook, where latency is measured."""
ROUNDS: Final = 5


def percentiles(seconds: list[float]) -> str:
    """Return p50 and p99, ms."""
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms"


async def throughput() -> None:
    """Measure how many of the deliveries that wait one worker makes in a second, to one host and to twenty."""
    for hosts in (1, 20):
        tally = ReceiverTally()
        with Children() as children:
            store = start_store(children)
            await register(store)
            async with receivers(tally, hosts) as urls, submitter(store) as jobs:
                await jobs.end([urls[number % hosts] for number in range(PENDING)])
                start_deliverer(children)
                async with asyncio.timeout(240):
                    await tally.until(PENDING // 10)  # it has started, and its connections are open
                    before, began, first = children.system("").cpu_s(), time.monotonic(), tally.count
                    await tally.until(PENDING)
                made = tally.count - first
                per_s = made / (time.monotonic() - began)
                used = cpu_us(children.system(""), before, made)
        row(f"one worker, {PENDING} pending, hosts: {hosts}", f"{per_s:,.0f} deliveries/s; CPU each: {used}")


async def _delays(children: Children, tally: ReceiverTally, urls: list[str]) -> list[float]:
    async with submitter(children.store_url) as jobs:
        await jobs.at_pace(urls[:1], PER_S, 2.0)  # warm
        tally.delays.clear()
        sent = await jobs.at_pace(urls, PER_S * len(urls) if len(urls) == 1 else PER_S, SECONDS)
        await asyncio.sleep(1.0)
    assert sent
    return list(tally.delays)


async def latency() -> None:
    """Measure from the event of a job to its delivery, while jobs come at a pace."""
    tally = ReceiverTally()
    with Children() as children:
        start_store(children)
        await start_worker(children)
        start_deliverer(children)
        async with receivers(tally) as urls:
            found = await _delays(children, tally, urls)
    row(f"{PER_S:.0f} jobs/s, event to delivery", percentiles(found))


async def hanging() -> None:
    """Measure a good receiver alone, and beside ten that never answer, each with as many jobs."""
    for others in (0, 10):
        good, bad = ReceiverTally(), ReceiverTally()
        with Children() as children:
            start_store(children)
            await start_worker(children)
            start_deliverer(children)
            async with (
                receivers(good) as urls,
                receivers(bad, others, answers=False) as hanging_urls,
                submitter(children.store_url) as jobs,
            ):
                await jobs.at_pace(urls, 20, 2.0)
                good.delays.clear()
                async with asyncio.TaskGroup() as load:
                    load.create_task(jobs.at_pace(urls, 20, SECONDS))
                    if others:
                        load.create_task(jobs.at_pace(hanging_urls, 20.0 * others, SECONDS))
                await asyncio.sleep(1.0)
        row(f"20 jobs/s to a good receiver beside {others} that hang", percentiles(good.delays))


async def memory() -> None:
    """Measure what a pending delivery takes in the store, beside the record of its job."""
    found: dict[str, float] = {}
    for name, url in (("without", ""), ("with", "https://hooks.example.com/in")):
        with Children() as children:
            store = start_store(children)
            before = await used_memory(store)
            async with submitter(store) as jobs:
                await jobs.end([url] * REMEMBERED)
            found[name] = (await used_memory(store) - before) / REMEMBERED
    row(f"{REMEMBERED} pending deliveries", f"{found['with'] - found['without']:.0f} bytes each, beside "
        f"{found['without']:.0f} of the job")  # fmt: skip


async def cost() -> None:
    """Measure the closed loop, in turn: jobs that ask for nothing, and jobs each of which has a webhook."""
    found: dict[str, list[Round]] = {"closed_loop": [], "closed_loop_webhooks": []}
    for _ in range(ROUNDS):
        for name, rounds in found.items():
            with find_peer("tidings").running() as system:
                rounds.append((await asyncio.to_thread(measure, system, name, 1.0, 4.0))[""])
    for name, rounds in found.items():
        show_cost(name, median_of(rounds))


ALL: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    "throughput": throughput,
    "latency": latency,
    "hanging": hanging,
    "memory": memory,
    "cost": cost,
}


if __name__ == "__main__":
    measure_named(ALL)
