"""What an idle socket costs the server in memory."""

import asyncio

from bench.harness.running import Carrier, running

from .member import crowd


async def _measure(carrier: Carrier) -> None:
    with running(carrier) as (_, system, urls):
        base = system.rss_mb()["server"]
        members = []
        for more in (5_000, 5_000):
            members += await crowd(urls[0], more)
            await asyncio.sleep(2)  # what the handshakes needed is let go of
            rss = system.rss_mb()["server"] - base
            before = system.cpu_s()["server"]
            await asyncio.sleep(5)
            busy = (system.cpu_s()["server"] - before) / 5
            print(
                f"{len(members)} idle sockets, {carrier}: {rss * 1e6 / len(members) / 1000:.1f} KB each; "
                f"the server is busy {busy:.1%} of a core"
            )
        for member in members:
            member.close()


async def measure() -> None:
    """Print the figures for both carriers."""
    await _measure("own")
    await _measure("plain")
