"""The key that signs grants, in the store: made once, for all servers that are given none by their settings."""

from redis.asyncio import Redis

from .keys import StoreKeys
from .redis.store_client import command


class GrantKeyStore:
    """The key that all servers of one store share."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._name = keys.grant_key

    async def share(self, proposed: str) -> str:
        """Return the key of the store; where it has none, put the proposed one there.

        Raises:
            StoreError: the store is unavailable or full, or does not keep the key.

        """
        await command(self._store, "SET", self._name, proposed, "NX")
        kept: bytes | None = await command(self._store, "GET", self._name)
        return proposed if kept is None else kept.decode("ascii", "replace")
