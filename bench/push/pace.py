"""A thousand events a second, each to one socket: how long from the handler's `ctx.log` to the client."""

from bench.harness.running import Carrier, running

from .member import Ticks, all_of, crowd

SOCKETS = 100
PERIOD_S = 0.1
TICKS = 100


async def _measure(carrier: Carrier) -> str:
    ticks = Ticks(SOCKETS * TICKS)
    with running(carrier) as (_, system, urls):
        members = await crowd(urls[0], SOCKETS, ticks.take)
        before = system.cpu_s()
        await all_of(
            member.ask(type="submit", kind="ticker", input={"count": TICKS, "period_s": PERIOD_S}) for member in members
        )
        await ticks.all_came()
        used = {name: cpu - before[name] for name, cpu in system.cpu_s().items()}
        for member in members:
            member.close()
    cost = " + ".join(f"{used[name] / ticks.took.count * 1e6:.0f}" for name in ("server", "worker", "store"))
    return f"1000 events/s, {carrier}: {ticks.took.to_ms()} ms; CPU an event {cost} us (server + worker + store)"


async def measure() -> None:
    """Print the figures for both carriers."""
    print(await _measure("own"))
    print(await _measure("plain"))
