"""`python -m bench.lag`: how late delayed jobs start, and how soon a running job is cancelled."""

import asyncio
import json
import random
import time
import urllib.request
from datetime import datetime

from tidings import Client, SubmitOptions

from .load.histogram import Histogram
from .peer import find_peer

DELAYED = 2_000
DELAYS_S = (0.5, 10.0)
CANCELLED = 500
IN_FLIGHT = 200
"""Submits that wait for their ack at a time."""


async def measure_due_lag(url: str) -> Histogram:
    """Return how long after they were due delayed jobs started, by the store's clock (whole ms), in s."""
    found, turn = Histogram(), asyncio.Semaphore(IN_FLIGHT)
    async with Client(url) as client:

        async def one(delay: float) -> None:
            async with turn:
                handle = await client.submit("noop", options=SubmitOptions(delay=delay))
            await handle.result()
            milestones = await asyncio.to_thread(_milestones, url, handle.token)
            due = milestones["submitted"] + delay
            found.add(max(0.0, milestones["started"] - due))

        await asyncio.gather(*(one(round(random.uniform(*DELAYS_S), 3)) for _ in range(DELAYED)))
    return found


async def measure_cancel(url: str) -> Histogram:
    """Return the time from asking that a running job stop to hearing that it has, in s."""
    found = Histogram()
    async with Client(url) as client:
        for _ in range(CANCELLED):
            handle, asked = await client.submit("sleeper"), 0.0
            async for event in handle:
                if event.name == "started":
                    asked = time.perf_counter()
                    await handle.cancel()
                elif event.name == "cancelled":
                    found.add(time.perf_counter() - asked)
    return found


def _milestones(url: str, token: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}/v1/jobs/{token}", timeout=30) as answer:  # noqa: S310 - our own address
        milestones = json.load(answer)["milestones"]
    return {name: datetime.fromisoformat(at).timestamp() for name, at in milestones.items()}


def main() -> None:
    """Measure both, and print a table."""
    with find_peer("tidings").running() as system:
        url = system.socket_url.replace("ws://", "http://").removesuffix("/v1/socket")
        rows = {
            f"due to started, {DELAYED} delayed jobs": asyncio.run(measure_due_lag(url)),
            f"cancel to cancelled, {CANCELLED} running jobs": asyncio.run(measure_cancel(url)),
        }
    print("| | p50, ms | p99, ms | longest, ms |\n| --- | --- | --- | --- |")
    for name, found in rows.items():
        print(f"| {name} | {_ms(found, 0.5)} | {_ms(found, 0.99)} | {_ms(found, 1)} |")


def _ms(found: Histogram, share: float) -> str:
    return f"{found.percentile(share) * 1000:.1f}"


if __name__ == "__main__":
    main()
