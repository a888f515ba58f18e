"""`python -m bench.owned [JOBS_OF_OTHERS]`: latency of a page, and of following 1,000 live jobs; default: 200,000."""

import asyncio
import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio
import httpx
import msgspec
import uvloop

from bench import jobs
from bench.harness.system import Children, start_store
from bench.load.frame import decode
from bench.load.wire import WireClient
from tidings.process.port import free_port
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.tokens import new_token
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

QUEUE: Final = "default"
LATER_MS: Final = 86_400_000
ENVELOPE: Final = encode_envelope(Envelope("three_steps", msgspec.Raw(b"{}"))).decode()
BATCH: Final = 1_000
OWN: Final = 10_000
FOLLOWED: Final = 1_000


async def fill(url: str, count: int, owner: str, tag: str) -> None:
    """Put jobs into the store that are due in a day."""
    store = open_store(url)
    options = JobStoreOptions(max_backlog=10**9)
    async with JobStore(store, StoreKeys(), "bench", options) as gateway:
        for first in range(0, count, BATCH):
            made = [
                NewJob(
                    new_token(QUEUE).id, "three_steps", "standard", ENVELOPE, delay_ms=LATER_MS, watch=0,
                    owner=f"{owner}{(first + number) % 1_000}" if owner == "other" else owner, tags=tag,
                )
                for number in range(min(BATCH, count - first))
            ]  # fmt: skip
            await asyncio.gather(*(gateway.submit(QUEUE, job) for job in made))
    await store.aclose()


async def pages(base: str) -> None:
    """Print how long pages of 100 take."""
    questions = {
        "the newest": {},
        "with a tag that 100 have": {"tag": "rare"},
        "with a tag that no job has": {"tag": "none"},
        "of a kind that no job has": {"kind": "none"},
    }
    async with httpx.AsyncClient(base_url=base, timeout=30) as http:
        for name, query in questions.items():
            took: list[float] = []
            for _ in range(60):
                began = time.perf_counter()
                answer = await http.get("/v1/jobs", params={"owner": "me", "limit": "100", **query})
                took.append((time.perf_counter() - began) * 1000)
                answer.raise_for_status()
            quantiles = statistics.quantiles(took, n=20)
            print(f"| page of 100, {name} | p50 {quantiles[9]:.1f} ms, p95 {quantiles[18]:.1f} ms |", flush=True)


class Follower:
    """One client that follows the tag."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.answered = 0.0
        self._count = 0

    def take(self, payload: bytes) -> None:
        """Take a frame."""
        frame = decode(payload)
        if frame.type == "following":
            self.answered = time.perf_counter()
        elif frame.type == "snapshot":
            self._count += 1
            if self._count == FOLLOWED:
                self.done.set()


async def follow(url: str) -> None:
    """Print how long it takes from `follow` to the last of the snapshots."""
    for _ in range(5):
        one = Follower()
        client = WireClient(one.take, one.done.set)
        await client.connect(url)
        began = time.perf_counter()
        client.send(b'{"type":"follow","ref":1,"tag":"followed","owner":"me"}')
        with anyio.fail_after(60):
            await one.done.wait()
        took = time.perf_counter() - began
        client.close()
        answer_ms = (one.answered - began) * 1000
        print(f"| follow of {FOLLOWED} live jobs | answer {answer_ms:.1f} ms, all snapshots {took * 1000:.0f} ms |")


async def ready(base: str) -> None:
    """Return when the server takes clients, and knows the kinds."""
    async with httpx.AsyncClient(base_url=base) as http:
        with anyio.fail_after(60):
            while True:
                with suppress(httpx.TransportError):
                    is_ready = (await http.get("/readyz")).status_code == 200
                    if is_ready and (await http.get("/v1/kinds")).json()["kinds"]:
                        return
                await anyio.sleep(0.05)


async def measure(others: int) -> None:
    """Print the rows."""
    with Children() as children:
        url = start_store(children)
        port = free_port()
        environment = {"TIDINGS_STORE_URL": url, "TIDINGS_LOG_LEVEL": "warning", "TIDINGS_PORT": str(port)}
        children.start("worker", [sys.executable, "-m", "tidings", "work", str(Path(jobs.__file__))], environment)
        children.start("server", [sys.executable, "-m", "tidings", "serve"], environment)
        base = f"http://127.0.0.1:{port}"
        await fill(url, others, "other", "")
        await fill(url, FOLLOWED, "me", "followed")
        await fill(url, 100, "me", "rare")
        await fill(url, OWN - FOLLOWED - 100, "me", "")
        await ready(base)
        print(f"| {OWN} jobs of one owner, {others} of others | |")
        await pages(base)
        await follow(f"ws://127.0.0.1:{port}/v1/socket")


if __name__ == "__main__":
    uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
