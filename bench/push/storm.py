"""A deploy: a server with five thousand clients is asked to leave, and all come back to another."""

import asyncio
import os
import signal
import time
from collections import Counter

from bench.harness.running import running
from bench.load.histogram import Histogram

from .member import Member, all_of, crowd

CLIENTS = 5_000
DRAIN_S = 10.0
BUCKET_S = 0.5


async def measure() -> None:
    """Print how the attempts to connect spread, and that nobody missed a result."""
    attempts: Counter[int] = Counter()
    took = Histogram()
    ended: set[int] = set()
    all_ended = asyncio.Event()

    def end(number: int) -> None:
        ended.add(number)
        if len(ended) == CLIENTS:
            all_ended.set()

    with running(servers=2, settings={"TIDINGS_DRAIN_S": str(DRAIN_S)}) as (_, system, urls):
        members = await crowd(urls[0], CLIENTS)
        tokens: list[str] = [""] * CLIENTS

        async def submit(number: int) -> None:
            ack = await members[number].ask(
                type="submit", kind="noop", input={}, delay=DRAIN_S + 8, key=f"storm-{number}"
            )
            tokens[number] = str(ack["token"])

        await all_of(submit(number) for number in range(CLIENTS))
        os.kill(system.processes["server"].pid, signal.SIGTERM)
        began = time.perf_counter()
        before = system.cpu_s()["server 2"]

        async def move(number: int) -> None:
            await asyncio.sleep(await members[number].asked_away)
            members[number].close()

            def event(payload: bytes) -> None:
                if b'"event":"succeeded"' in payload:
                    end(number)

            members[number] = Member(event)
            start = time.perf_counter()
            attempts[int((start - began) / BUCKET_S)] += 1
            await members[number].open(urls[1])
            snapshot = await members[number].ask(type="watch", token=tokens[number], after=1)
            took.add(time.perf_counter() - start)
            if snapshot["status"] == "succeeded":
                end(number)

        async with asyncio.timeout(60):
            await asyncio.gather(*(move(number) for number in range(CLIENTS)))
            moved = time.perf_counter() - began
            used = system.cpu_s()["server 2"] - before
            await all_ended.wait()
        for member in members:
            member.close()
    mean = CLIENTS / (DRAIN_S / BUCKET_S)
    print(
        f"{CLIENTS} clients moved within {moved:.1f} s of a drain of {DRAIN_S:g} s; attempts in each {BUCKET_S:g} s: "
        f"mean {mean:.0f}, most {max(attempts.values())}; from the attempt to the snapshot {took.to_ms()} ms; the "
        f"other server used {used:.1f} s of CPU ({used / CLIENTS * 1e3:.2f} ms each); results missed: "
        f"{CLIENTS - len(ended)}"
    )
