"""Tidings as a queue: its broker's public objects, without the server that stands before them for clients."""

import asyncio
import os
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from bench.glue.queue import batches
from tidings.protocol.events import EventClass
from tidings.protocol.frames.envelope import Envelope, encode_envelope
from tidings.protocol.tokens import Token, new_token
from tidings.store.jobs.job_store import JobStore, NewJob, SubmitReply
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings.store.redis.subscription import Subscription

GATEWAY: Final = "bench"
QUEUE: Final = "default"
TIER: Final = "standard"

BATCH: Final = 1_000
"""Jobs that are submitted at once; the broker makes calls of up to 256 of them."""

CALL_TIMEOUT_S: Final = 30.0

ENVELOPE: Final = encode_envelope(Envelope("noop", msgspec.Raw(b"{}"))).decode()

_decode = msgspec.msgpack.Decoder(list[tuple[str, int, int, str]]).decode


class TidingsQueue:
    """The queue."""

    def __init__(self) -> None:
        url = os.environ["STORE_URL"]
        self._keys = StoreKeys()
        self._client = open_store(url)
        self._listening = open_store(url, timeout=None)
        self._store = JobStore(self._client, self._keys, GATEWAY)
        self._subscription = Subscription(
            self._listening, self._client, self._keys.probe(GATEWAY), self._take, lambda: None
        )
        self._stack = AsyncExitStack()
        self._ends: dict[str, asyncio.Future[str]] = {}

    async def open(self) -> None:
        """Connect, and read the inbox as long as the process lives."""
        await self._stack.enter_async_context(self._store)
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        tasks.create_task(self._subscription.run(), name="inbox")
        await self._subscription.keep(self._keys.inbox(QUEUE, GATEWAY))

    async def enqueue_many(self, count: int) -> None:
        """Submit jobs in batches."""
        for size in batches(count, BATCH):
            for submitted in await asyncio.gather(*(self._submit(new_token(QUEUE), watch=0) for _ in range(size))):
                assert submitted.answer == "new", submitted

    async def call(self) -> None:
        """Submit a job, and wait for its last event in the inbox."""
        token = new_token(QUEUE)
        end = self._ends[str(token)] = asyncio.get_running_loop().create_future()
        await self._submit(token, watch=1)
        async with asyncio.timeout(CALL_TIMEOUT_S):
            frame = await end
        assert '"succeeded"' in frame, frame

    async def unfinished(self) -> int:
        """Count: a job stays in its stream until its outcome is recorded."""
        return int(await self._client.xlen(self._keys.ready(QUEUE, TIER)))

    def _submit(self, token: Token, watch: int) -> "asyncio.Future[SubmitReply]":
        return self._store.submit(QUEUE, NewJob(token.id, "noop", TIER, ENVELOPE, watch=watch))

    def _take(self, channel: str, data: bytes) -> None:
        if channel == self._keys.inbox(QUEUE, GATEWAY):
            for token, _, event_class, frame in _decode(data):
                if event_class == EventClass.FINAL and token in self._ends:
                    self._ends.pop(token).set_result(frame)


queue = TidingsQueue()
