"""Objectives in the store: how quick and how reliable the jobs of a kind shall be."""

import msgspec
from redis.asyncio import Redis

from tidings.protocol.frames.admin_messages import ObjectiveRule
from tidings.store.keys import StoreKeys
from tidings.store.readable import decode_readable
from tidings.store.redis.store_client import command

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ObjectiveRule).decode


class Objectives:
    """The objectives of all kinds; methods that ask the store raise `StoreError`."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys

    async def all(self) -> dict[str, ObjectiveRule]:
        """Return the objectives by kind."""
        found = await command(self._store, "HGETALL", self._keys.objectives)
        rules = {kind.decode(errors="replace"): rule for kind, rule in sorted(found.items())}
        return decode_readable(rules, _decode, "objective")

    async def replace(self, rules: dict[str, ObjectiveRule]) -> None:
        """Replace all objectives by these."""
        pairs = [part for kind, rule in rules.items() for part in (kind, _encode(rule))]
        if pairs:
            await command(self._store, "HSET", self._keys.objectives, *pairs)
        known = await command(self._store, "HKEYS", self._keys.objectives)
        gone = [kind for kind in known if kind.decode(errors="replace") not in rules]
        if gone:
            await command(self._store, "HDEL", self._keys.objectives, *gone)
