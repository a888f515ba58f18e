"""Queues that an operator has paused: their workers take no jobs until an operator resumes them."""

import msgspec
from redis.asyncio import Redis

from tidings.store.keys import StoreKeys
from tidings.store.readable import decode_readable
from tidings.store.redis.store_client import command, store_of
from tidings.store.redis.store_clock import store_ms


class PauseRecord(msgspec.Struct, frozen=True):
    """The record of a paused queue."""

    by: str
    """The operator who paused it."""
    at: int
    """When, ms since the epoch."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(PauseRecord).decode


class PausedQueues:
    """The paused queues in the store; methods that ask the store raise `StoreError`."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys

    async def pause(self, queue: str, by: str) -> bool:
        """Pause a queue; return whether it was not paused before. The record of an earlier pause stays as it is."""
        record = PauseRecord(by, await store_ms(self._store))
        fresh = await command(self._store, "HSETNX", self._keys.paused, queue, _encode(record))
        await self._tell(queue)
        return bool(fresh)

    async def resume(self, queue: str) -> bool:
        """Let a queue's workers take jobs again; return whether it was paused."""
        gone = await command(self._store, "HDEL", self._keys.paused, queue)
        await self._tell(queue)
        return bool(gone)

    async def queues(self) -> set[str]:
        """Return the names of the paused queues."""
        return {queue.decode(errors="replace") for queue in await command(self._store, "HKEYS", self._keys.paused)}

    async def records(self) -> dict[str, PauseRecord]:
        """Return the records of the paused queues by name."""
        found = await command(self._store, "HGETALL", self._keys.paused)
        return decode_readable(
            {queue.decode(errors="replace"): record for queue, record in found.items()}, _decode, "pause"
        )

    async def _tell(self, queue: str) -> None:
        # A worker that misses the message reads the paused queues at its next heartbeat.
        await store_of(self._store).tell(self._keys.paused_changed, queue)
