"""Queues that an operator has paused: their workers take nothing until one resumes them. Submissions are accepted."""

import msgspec
from redis.asyncio import Redis

from tidings.store.keys import StoreKeys
from tidings.store.readable import decode_readable
from tidings.store.redis.store_client import command, store_of
from tidings.store.redis.store_clock import store_ms


class PauseRecord(msgspec.Struct, frozen=True):
    """That a queue is paused."""

    by: str
    """Who said so."""
    at: int
    """ms since the epoch."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(PauseRecord).decode


class PausedQueues:
    """The paused queues in the store; whatever asks it raises `StoreError`."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys

    async def pause(self, queue: str, by: str) -> bool:
        """Pause a queue; return whether it was not paused before, which then stands as it was."""
        record = PauseRecord(by, await store_ms(self._store))
        fresh = await command(self._store, "HSETNX", self._keys.paused, queue, _encode(record))
        await self._tell(queue)
        return bool(fresh)

    async def resume(self, queue: str) -> bool:
        """Let a queue's workers take again; return whether it was paused."""
        gone = await command(self._store, "HDEL", self._keys.paused, queue)
        await self._tell(queue)
        return bool(gone)

    async def queues(self) -> set[str]:
        """Return the queues that are paused."""
        return {queue.decode(errors="replace") for queue in await command(self._store, "HKEYS", self._keys.paused)}

    async def records(self) -> dict[str, PauseRecord]:
        """Return who paused which queue."""
        found = await command(self._store, "HGETALL", self._keys.paused)
        return decode_readable(
            {queue.decode(errors="replace"): record for queue, record in found.items()}, _decode, "pause"
        )

    async def _tell(self, queue: str) -> None:
        # Who misses it asks within a heartbeat.
        await store_of(self._store).tell(self._keys.paused_changed, queue)
