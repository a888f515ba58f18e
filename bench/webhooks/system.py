"""The processes that are measured, and their jobs, which are submitted straight into the store."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import msgspec

from bench import jobs
from bench.harness.system import Children, System
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.tokens import Token, new_token
from tidings.protocol.webhooks import TERMINAL_EVENTS, WebhookSpec, webhook_field
from tidings.store.jobs.job_store import JobStore, JobStoreOptions, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings.store.registry import Registry
from tidings.webhook import new_secret

QUEUE = "default"
ENVELOPE = encode_envelope(Envelope("noop", msgspec.Raw(b"{}"))).decode()
AT_ONCE = 500
PACE_S = 0.01
"""How often jobs are submitted that come at a pace."""


def hook(url: str) -> str:
    """Return the field of a job that asks for its end at a URL; empty: of one that asks for nothing."""
    if not url:
        return ""
    spec = WebhookSpec(url=url, place=urlsplit(url).netloc, events=f" {' '.join(TERMINAL_EVENTS)} ")
    return webhook_field([spec])


class Submitter:
    """Submits jobs into the store, as a server does."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    async def submit(self, urls: Sequence[str]) -> list[str]:
        """Submit a job for each URL; return their ids."""
        made = [NewJob(new_token(QUEUE).id, "noop", "standard", ENVELOPE, watch=0, webhook=hook(url)) for url in urls]
        await asyncio.gather(*(self._store.submit(QUEUE, job) for job in made))
        return [job.id for job in made]

    async def end(self, urls: Sequence[str]) -> None:
        """Have a job end for each URL, by a cancellation, so that no worker is needed."""
        for first in range(0, len(urls), AT_ONCE):
            ids = await self.submit(urls[first : first + AT_ONCE])
            await asyncio.gather(*(self._store.cancel(Token(QUEUE, one)) for one in ids))

    async def at_pace(self, urls: Sequence[str], per_s: float, seconds: float) -> int:
        """Submit jobs at a pace, to the URLs in turn; return how many."""
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * per_s) - sent
            if due > 0:
                await self.submit([urls[(sent + number) % len(urls)] for number in range(due)])
                sent += due
            await asyncio.sleep(PACE_S)
        return sent


@asynccontextmanager
async def submitter(store_url: str) -> AsyncIterator[Submitter]:
    """Yield what submits into a store."""
    store = open_store(store_url)
    try:
        options = JobStoreOptions(max_backlog=10**9, max_backlog_per_caller=10**9, max_backlog_bytes_per_caller=2**50)
        async with JobStore(store, StoreKeys(), "bench", options) as gateway:
            yield Submitter(gateway)
    finally:
        await store.aclose()


async def used_memory(store_url: str) -> int:
    """Return the bytes that a store uses."""
    store = open_store(store_url)
    try:
        return int((await store.info("memory"))["used_memory"])
    finally:
        await store.aclose()


def environment(store_url: str) -> dict[str, str]:
    """Return the settings of all processes."""
    return {"TIDINGS_STORE_URL": store_url, "TIDINGS_LOG_LEVEL": "error"}


def delivering(store_url: str) -> dict[str, str]:
    """Return the settings of a worker that delivers to this machine."""
    return environment(store_url) | {
        "TIDINGS_WEBHOOKS": "true",
        "TIDINGS_WEBHOOK_SECRETS": new_secret(),
        "TIDINGS_WEBHOOK_HTTP": "true",
        "TIDINGS_WEBHOOK_ALLOW": "127.0.0.1",
    }


TIDINGS = [sys.executable, "-m", "tidings"]


def start_deliverer(children: Children, name: str = "deliverer") -> None:
    """Start a worker that only delivers."""
    children.start(name, [*TIDINGS, "work"], delivering(children.store_url))


async def start_worker(children: Children) -> None:
    """Start a worker of the jobs, and return when it has registered them."""
    children.start("worker", [*TIDINGS, "work", str(Path(jobs.__file__))], environment(children.store_url))
    await until_registered(children.store_url)


async def register(store_url: str) -> None:
    """Register the queue, where no worker of jobs does, so that deliverers look for it."""
    store = open_store(store_url)
    raw = msgspec.Raw(b"{}")
    await Registry(store, StoreKeys()).register([KindRecord(kind="noop", queue=QUEUE, input=raw, result=raw)])
    await store.aclose()


async def until_registered(store_url: str) -> None:
    """Return when a worker has registered its kinds."""
    store = open_store(store_url)
    with anyio.fail_after(30):
        while "noop" not in await Registry(store, StoreKeys()).kinds():  # noqa: ASYNC110 - another process registers it
            await anyio.sleep(0.05)
    await store.aclose()


def cpu_us(system: System, before: dict[str, float], count: int) -> str:
    """Return what each process used of the CPU since, for each of so many."""
    after = system.cpu_s()
    return ", ".join(f"{name} {(after[name] - before[name]) / count * 1e6:.0f} µs" for name in sorted(before))
