"""Tickets in the store: put once, taken once."""

from redis.asyncio import Redis

from .keys import StoreKeys
from .redis.store_client import command


class TicketStore:
    """The tickets that wait to be redeemed, by their digests."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys

    async def put(self, digest: str, record: bytes, ttl_ms: int) -> None:
        """Keep what a ticket stands for, for `ttl_ms`.

        Raises:
            StoreError: the store is unavailable or full.

        """
        await command(self._store, "SET", self._keys.ticket(digest), record, "PX", ttl_ms)

    async def take(self, digest: str) -> bytes | None:
        """Return what a ticket stands for and forget it, in one step: of two who try, one gets it.

        Raises:
            StoreError: the store did not answer; the ticket may be gone.

        """
        record: bytes | None = await command(self._store, "GETDEL", self._keys.ticket(digest))
        return record
