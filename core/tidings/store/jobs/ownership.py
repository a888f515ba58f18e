"""Whose a job is, read alone: for a decision about it that needs nothing else of its record."""

from typing import NamedTuple

from redis.asyncio import Redis

from tidings.protocol.tokens import Token
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command


class JobOwnership(NamedTuple):
    """Whose a job is, and by which tags the owner finds it."""

    owner: str
    """Empty: a server without authentication accepted it, or a schedule made it."""
    tags: tuple[str, ...]


class OwnershipReader:
    """Reads whose jobs some are."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys

    async def read(self, token: Token) -> JobOwnership | None:
        """Return whose a job is; None: there is no such job.

        Raises:
            StoreError: the store is unavailable.

        """
        name = self._keys.job(token.partition, token.id)
        state, owner, tags = await command(self._store, "HMGET", name, "state", "owner", "tags")
        if not state:
            return None
        return JobOwnership(
            (owner or b"").decode(errors="replace"), tuple((tags or b"").decode(errors="replace").split())
        )
