"""One job, watched by a crowd: how long until the last has an event, and what a delivery costs the server."""

import asyncio
import statistics
import time
from collections import Counter

from bench.harness.running import Carrier, running
from bench.load.histogram import Histogram

from .member import Member, all_of, crowd, stamp_of

SOCKETS = 2_000
TICKS = 40
PERIOD_S = 0.25


async def _measure(carrier: Carrier) -> str:
    counts: Counter[int] = Counter()
    last: dict[int, float] = {}
    each = Histogram()
    done = asyncio.Event()

    def tick(payload: bytes) -> None:
        stamp = stamp_of(payload)
        if stamp is None:
            return
        took = time.time_ns() - stamp
        each.add(took / 1e9)
        counts[stamp] += 1
        if counts[stamp] == SOCKETS:
            last[stamp] = took / 1e6
            if len(last) == TICKS:
                done.set()

    with running(carrier) as (_, system, urls):
        members = await crowd(urls[0], SOCKETS, tick)
        first = Member()
        await first.open(urls[0])
        ack = await first.ask(
            type="submit", kind="ticker", input={"count": TICKS, "period_s": PERIOD_S}, delay=4, watch=False
        )
        await all_of(member.ask(type="watch", token=ack["token"]) for member in members)
        before = system.cpu_s()
        async with asyncio.timeout(60):
            await done.wait()
        used = system.cpu_s()["server"] - before["server"]
        for member in [*members, first]:
            member.close()
    deliveries = SOCKETS * TICKS
    return (
        f"{SOCKETS} sockets, {carrier}: last of them after {statistics.median(last.values()):.1f} ms (median of "
        f"{TICKS} events), each p50/p99 {each.to_ms()['p50']:.1f} / {each.to_ms()['p99']:.1f} ms; "
        f"server {used / deliveries * 1e6:.1f} us a delivery = {deliveries / used:,.0f} deliveries a second of one core"
    )


async def measure() -> None:
    """Print the figures for both carriers."""
    print(await _measure("own"))
    print(await _measure("plain"))
