"""A thousand events a second, each to one socket: how long from the handler's `ctx.log` to the client."""

import asyncio
import time

from bench.histogram import Histogram

from .member import all_of, crowd, stamp_of
from .running import Carrier, running

SOCKETS = 100
PERIOD_S = 0.1
TICKS = 100


async def _measure(carrier: Carrier) -> str:
    found = Histogram()
    done = asyncio.Event()

    def tick(payload: bytes) -> None:
        stamp = stamp_of(payload)
        if stamp is not None:
            found.add((time.time_ns() - stamp) / 1e9)
            if found.count == SOCKETS * TICKS:
                done.set()

    with running(carrier) as (_, system, urls):
        members = await crowd(urls[0], SOCKETS, tick)
        before = system.cpu_s()
        await all_of(
            member.ask(type="submit", kind="ticker", input={"count": TICKS, "period_s": PERIOD_S}) for member in members
        )
        async with asyncio.timeout(60):
            await done.wait()
        used = {name: cpu - before[name] for name, cpu in system.cpu_s().items()}
        for member in members:
            member.close()
    cost = " + ".join(f"{used[name] / found.count * 1e6:.0f}" for name in ("server", "worker", "store"))
    return f"1000 events/s, {carrier}: {found.to_ms()} ms; CPU an event {cost} us (server + worker + store)"


async def measure() -> None:
    """Print the figures for both carriers."""
    print(await _measure("own"))
    print(await _measure("plain"))
