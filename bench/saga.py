"""`python -m bench.saga`: what a step costs beside a bare call, and what sagas that wait cost, 10,000 by default."""

import argparse
import asyncio
import time
from typing import Any

import msgspec
from redis.asyncio import Redis

from bench.peer import find_peer
from tidings.protocol.tokens import Token, new_token
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings.store.redis.subscription import Subscription

QUEUE, GATEWAY = "sagas", "bench"
decode_inbox = msgspec.msgpack.Decoder(list[tuple[str, int, int, str]]).decode


class Ear:
    """Hears the events of jobs, and when they came."""

    def __init__(self) -> None:
        self.at: dict[tuple[str, str], float] = {}
        self.counts: dict[str, int] = {}
        self.last: dict[str, Any] = {}
        self._changed = asyncio.Event()

    def hear(self, _channel: str, data: bytes) -> None:
        now = time.perf_counter()
        for token, _, _, text in decode_inbox(data):
            frame = msgspec.json.decode(text)
            name = frame["event"]
            if (token, name) not in self.at or name == "started":
                self.counts[name] = self.counts.get(name, 0) + ((token, name) not in self.at)
                self.at[token, name] = now
            self.last[token] = frame
        self._changed.set()

    async def until(self, name: str, count: int) -> None:
        while self.counts.get(name, 0) < count:
            self._changed.clear()
            await self._changed.wait()


async def submit(gateway: JobStore, kind: str, fields: dict[str, Any]) -> Token:
    token = new_token(QUEUE)
    envelope = msgspec.json.encode([kind, fields]).decode()
    await gateway.submit(QUEUE, NewJob(token.id, kind, "normal", envelope))
    return token


def at(sorted_ms: list[float], share: float) -> float:
    return sorted_ms[int(len(sorted_ms) * share)]


async def used_bytes(store: Redis) -> int:
    return int((await store.info("memory"))["used_memory"])


async def run(store_url: str, count: int, steps: int) -> None:
    keys = StoreKeys()
    store, listening = open_store(store_url), open_store(store_url, timeout=None)
    ear = Ear()
    subscription = Subscription(listening, store, keys.probe(GATEWAY), ear.hear, lambda: None)
    async with JobStore(store, keys, GATEWAY) as gateway, asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(subscription.run())
        await subscription.add(keys.inbox(QUEUE, GATEWAY))
        token = await submit(gateway, "step_cost", {"count": steps})
        await ear.until("succeeded", 1)
        cost = ear.last[str(token)]["data"]["result"]
        print(f"a bare call {cost['bare']:.2f} µs, a step {cost['step']:.0f} µs ({steps} one after the other)")
        before = await used_bytes(store)
        began = time.perf_counter()
        tokens = await asyncio.gather(*(submit(gateway, "saga_waiting", {}) for _ in range(count)))
        await ear.until("waiting", count)
        took = time.perf_counter() - began
        each = (await used_bytes(store) - before) / count
        print(
            f"{count} sagas wait after {took:.1f} s ({count / took:.0f} a second), {each:.0f} bytes of the store each"
        )
        woken = []
        for token in tokens[:1000]:
            sent = time.perf_counter()
            await gateway.signal(token, "", "go", "", "1")
            while ear.at.get((str(token), "succeeded"), 0) < sent:
                await ear.until("succeeded", ear.counts.get("succeeded", 0) + 1)
            woken.append((ear.at[str(token), "succeeded"] - sent) * 1000)
        woken.sort()
        print(f"signal -> result, one at a time, ms: p50 {at(woken, 0.5):.2f}, p99 {at(woken, 0.99):.2f}")
        began = time.perf_counter()
        await asyncio.gather(*(gateway.signal(token, "", "go", "", "1") for token in tokens[1000:]))
        await ear.until("succeeded", count + 1)
        took = time.perf_counter() - began
        print(f"the other {count - 1000} woken at once end in {took:.1f} s ({(count - 1000) / took:.0f} a second)")
        hearing.cancel()
    await store.aclose()
    await listening.aclose()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.saga")
    parser.add_argument("--count", type=int, default=10_000, help="sagas that wait; above 1000")
    parser.add_argument("--steps", type=int, default=2_000)
    options = parser.parse_args()
    with find_peer("tidings").running() as system:
        asyncio.run(run(system.store_url, options.count, options.steps))


if __name__ == "__main__":
    main()
