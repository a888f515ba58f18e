"""Whose a job is, read alone: for a decision about it that needs nothing else of its record."""

from typing import NamedTuple

from redis.asyncio import Redis

from tidings.protocol.tokens import Token
from tidings.store.keys import StoreKeys

from .record_fields import read_record_fields


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
        state, owner, tags = await read_record_fields(self._store, self._keys, token, ("state", "owner", "tags"))
        return JobOwnership(owner, tuple(tags.split())) if state else None
