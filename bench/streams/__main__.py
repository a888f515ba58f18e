"""`python -m bench.streams [NAME…]`: cost, delay, stored; default: all."""

import asyncio
import statistics
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, Final

from bench.harness.named import measure_named, row
from tidings.store.redis.store_client import open_store

from .reader import ChunkTally
from .said import TOKENS, answer
from .systems import SYSTEMS, Asked, resumable, tidings

ROUNDS: Final = 3
SETTLE_S: Final = 2.0
SECONDS: Final = 6.0
LONG_S: Final = 600.0
PARTS: Final = ("server", "worker", "store")


class Load:
    """So many streams at a pace."""

    def __init__(self, streams: int, per_s: float, kind: str = "say") -> None:
        self.streams = streams
        self.per_s = per_s
        self.kind = kind
        self.tally = ChunkTally()

    async def measure(self, asked: Asked) -> dict[str, float]:
        """Put it on a system; return the CPU time that each process used for a chunk, µs, and the delay, ms."""
        count = int(self.per_s * LONG_S)  # they are broken off
        closers = []
        for _ in range(self.streams):  # one after the other, so that they do not say their chunks at once
            closers.append(await asked.ask(self.tally, self.kind, count, self.per_s))
            await asyncio.sleep(1 / 200)
        await asyncio.sleep(SETTLE_S)
        self.tally.begin()
        before = asked.system.cpu_s()
        await asyncio.sleep(SECONDS)
        after, came = asked.system.cpu_s(), self.tally.count or int(self.streams * self.per_s * SECONDS)
        for close in closers:
            close()
        found = {name: (after[name] - used) / came * 1e6 for name, used in before.items()}
        return found | {"share": came / (self.streams * self.per_s * SECONDS), **self.tally.took.to_ms()}


async def _in_turn(streams: int, per_s: float, rounds: int = ROUNDS) -> None:
    """Measure every system in turn, and print the medians; of ours also what the handlers cost by themselves."""
    cases = [(name, name, "say") for name in SYSTEMS] + [("Tidings, handlers that say nothing", "Tidings", "be_silent")]
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds):
        for title, name, kind in cases:
            with SYSTEMS[name]() as asked:
                for what, figure in (await Load(streams, per_s, kind).measure(asked)).items():
                    found[title][what].append(figure)
    for title, figures in found.items():
        middle = {what: statistics.median(values) for what, values in figures.items()}
        parts = " + ".join(f"{middle[part]:.1f}" if part in middle else "-" for part in PARTS)
        total = sum(middle.get(part, 0) for part in PARTS)
        delay = f"; delay p50 {middle['p50']:.1f}, p99 {middle['p99']:.1f} ms" if "p50" in middle else ""
        row(
            f"{streams} streams of {per_s:g}/s, {title}",
            f"{parts} = {total:.1f} µs a chunk (server + worker + store); {middle['share']:.0%} came{delay}",
        )


async def cost() -> None:
    """Measure what a chunk costs at 200 streams of 50 chunks a second."""
    await _in_turn(200, 50)


async def delay() -> None:
    """Measure from the writer to the client at 1,000 streams, slow ones and as fast as a model speaks."""
    for per_s in (2.0, 10.0):
        await _in_turn(1_000, per_s)


async def stored() -> None:
    """Measure the bytes that an answer takes in the store."""
    size = len("".join(answer()).encode())
    row(f"an answer of {TOKENS} tokens", f"{size} bytes")
    for name, system in (("Tidings", tidings), ("a list and pub/sub", resumable)):
        with system() as asked:
            tally = ChunkTally()
            close = await asked.ask(tally, "answer_at_length", 0, 1)
            async with asyncio.timeout(60):
                while not tally.ended:  # noqa: ASYNC110 - another process writes
                    await asyncio.sleep(0.05)
            for key, bytes_ in sorted((await _usage(asked.system.store_url)).items(), key=lambda one: -one[1]):
                if bytes_ > size / 2:
                    row(f"{name}: {key}", f"{bytes_} bytes, {bytes_ / size:.2f} of the text")
            close()


async def _usage(url: str) -> dict[str, int]:
    store = open_store(url)
    try:
        keys = [key async for key in store.scan_iter(count=1000)]
        return {key.decode(): int(await store.memory_usage(key, samples=0) or 0) for key in keys}
    finally:
        await store.aclose()


ALL: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {"cost": cost, "delay": delay, "stored": stored}


if __name__ == "__main__":
    measure_named(ALL)
