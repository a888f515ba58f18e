"""From the store's pub/sub to one job's WebSocket: by a channel for each job, as tutorials do, or by a shared one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from redis.asyncio import Redis

from .story import SHARED, is_last, own_channel


class Relay(Protocol):
    """A way to hear of a job."""

    def hear(self, token: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Give the frames of a job up to its last, from before it is queued on."""


class OwnChannels:
    """Subscribes for each job; this takes a connection of the pool while the job lives."""

    def __init__(self, store: Redis) -> None:
        self._store = store

    @asynccontextmanager
    async def hear(self, token: str) -> AsyncIterator[AsyncIterator[str]]:
        """Subscribe around the body."""
        async with self._store.pubsub() as subscription:
            await subscription.subscribe(own_channel(token))
            yield self._frames(subscription.listen())

    async def _frames(self, messages: AsyncIterator[dict[str, str]]) -> AsyncIterator[str]:
        async for message in messages:
            if message["type"] == "message":
                yield message["data"]
                if is_last(message["data"]):
                    return


class SharedChannel:
    """Hears of all jobs by one subscription; `run` hands each frame to whom it concerns."""

    def __init__(self, store: Redis) -> None:
        self._store = store
        self._waiting: dict[str, asyncio.Queue[str]] = {}

    async def run(self) -> None:
        """Read until cancelled."""
        async with self._store.pubsub() as subscription:
            await subscription.subscribe(SHARED)
            async for message in subscription.listen():
                if message["type"] == "message":
                    token, _, frame = message["data"].partition(" ")
                    if token in self._waiting:
                        self._waiting[token].put_nowait(frame)

    @asynccontextmanager
    async def hear(self, token: str) -> AsyncIterator[AsyncIterator[str]]:
        """Be among those who are told around the body."""
        frames = self._waiting[token] = asyncio.Queue()
        try:
            yield self._frames(frames)
        finally:
            del self._waiting[token]

    async def _frames(self, frames: asyncio.Queue[str]) -> AsyncIterator[str]:
        while True:
            frame = await frames.get()
            yield frame
            if is_last(frame):
                return
