"""Watchers: events of one job that more and more sockets want."""

import asyncio
import time

import uvloop

from bench.harness.running import running
from bench.load.histogram import Histogram
from bench.push.member import Member, all_of, crowd, stamp_of

from .row import Axis, Row, summed

WATCHERS = (1, 10, 100, 1_000, 5_000)
DELIVERIES_PER_S = 10_000
"""At most: so that no amount of watchers saturates the server."""

FASTEST_S = 0.01
WAIT_S = 5.0
"""How long the job waits before it begins: until all watch."""


async def _with(watchers: int, seconds: float) -> Row:
    period_s = max(FASTEST_S, watchers / DELIVERIES_PER_S)
    events = max(10, int(2 * seconds / period_s))
    took = Histogram()
    done = asyncio.Event()

    def tick(payload: bytes) -> None:
        stamp = stamp_of(payload)
        if stamp is not None:
            took.add((time.time_ns() - stamp) / 1e9)
            if took.count == watchers * events:
                done.set()

    with running() as (_, system, urls):
        members = await crowd(urls[0], watchers, tick)
        first = Member()
        await first.open(urls[0])
        ack = await first.ask(
            type="submit", kind="ticker", input={"count": events, "period_s": period_s}, delay=WAIT_S, watch=False
        )
        await all_of(member.ask(type="watch", token=ack["token"]) for member in members)
        await asyncio.sleep(WAIT_S / 5)  # what the handshakes left behind is cleared away
        before, began = system.cpu_s(), time.perf_counter()
        async with asyncio.timeout(WAIT_S + events * period_s + 60):
            await done.wait()
        lasted = time.perf_counter() - began
        used = {name: cpu - before[name] for name, cpu in system.cpu_s().items()}
        for member in [*members, first]:
            member.close()
        rss_mb = summed(system.rss_mb())
    deliveries = watchers * events
    return Row(
        amount=f"{watchers:,}",
        per_s=round(deliveries / lasted, 1),
        cpu_us=summed({name: cpu / deliveries * 1e6 for name, cpu in used.items()}),
        busy={name: round(cpu / lasted, 3) for name, cpu in used.items()},
        rss_mb=rss_mb,
        more={
            "CPU an event, µs: server": f"{used['server'] / events * 1e6:,.0f}",
            "delivered after p50 / p99, ms": f"{took.to_ms()['p50']:.1f} / {took.to_ms()['p99']:.1f}",
        },
    )


def along(seconds: float) -> Axis:
    """Measure each amount for about twice so many seconds."""
    return Axis(
        name="watchers",
        sentence="One job's log chunks to so many sockets, at a pace that leaves the server time",
        thing="delivery",
        rows=[uvloop.run(_with(watchers, seconds)) for watchers in WATCHERS],
    )
