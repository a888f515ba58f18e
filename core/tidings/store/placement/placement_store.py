"""The placements in the store's registry: read, and changed one after the other."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings.store.keys import REGISTRY, StoreKeys
from tidings.store.readable import decode_readable
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import command, store_of
from tidings.store.redis.store_clock import store_ms

from .placement import CHANGES_MS, MAX_CHANGES, MAX_QUEUES, Placement, Placements, kinds_at_home

TRIES = 10
"""How often a change is made again because another was made in between."""

UNSPREAD = Placement(epoch=0, count=1, most=1)
"""What holds for a queue that has no record."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Placement).decode
_PLACE = Script("place", int)


def read_placements(flat: Sequence[bytes]) -> Placements:
    """Return what a script read of the hash of placements: each queue, and its record."""
    found = {queue.decode(errors="replace"): raw for queue, raw in zip(flat[::2], flat[1::2], strict=True)}
    return Placements(decode_readable(found, _decode, "placement"))


class ChangeLimitError(Exception):
    """The placement of a queue has changed too often of late."""

    def __init__(self, queue: str) -> None:
        super().__init__(
            f"the placement of {queue} has changed {MAX_CHANGES} times in {CHANGES_MS // 86_400_000} days, as often as "
            "may be: servers ask each place where a key may be known"
        )


class PlacementStore:
    """The placements in the store; methods raise `StoreError`."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys

    async def read(self) -> Placements:
        """Return the placements of all queues."""
        found = await command(self._store, "HGETALL", self._keys.placements)
        return read_placements([part for pair in found.items() for part in pair])

    async def prepare(self, queue: str, most: int) -> Placement | None:
        """Have workers serve, and servers listen to, so many partitions of a queue; no job goes to new ones yet."""

        def change(before: Placement | None, _: int) -> Placement | None:
            known = before or UNSPREAD
            return msgspec.structs.replace(known, most=max(known.most, most))

        return await self._change(queue, change)

    async def spread(self, queue: str, count: int, records: Mapping[str, KindRecord]) -> Placement | None:
        """Spread the new jobs of a queue over so many partitions, and tell the servers.

        `prepare` it first, and wait until its workers serve the partitions.

        Args:
            queue: its name.
            count: 1 to `MAX_PARTITIONS`.
            records: the kinds that workers have registered.

        Raises:
            ChangeLimitError: the placement has changed too often of late.

        """
        bound = kinds_at_home(records)
        home = {name for name in bound if records[name].queue == queue}

        def change(before: Placement | None, now_ms: int) -> Placement | None:
            known = before or UNSPREAD
            if known.epoch and known.count == count and set(known.home) == home:
                return before
            if known.changed_since(now_ms - CHANGES_MS) >= MAX_CHANGES:
                raise ChangeLimitError(queue)
            return known.after(count, home, now_ms)

        return await self._change(queue, change)

    async def keep_at_home(self, placements: Placements, records: Mapping[str, KindRecord]) -> Placements:
        """Return the placements under which all kinds that must share one partition do so, changed where they did not.

        A kind stays at home until an operator sets the count again, also when it no longer must.
        """
        if not placements:
            return placements
        bound = kinds_at_home(records)
        found = dict(placements.of_queues)
        for queue, placement in placements.of_queues.items():
            home = {name for name in bound if records[name].queue == queue}
            if not home <= set(placement.home):

                def change(before: Placement | None, now_ms: int, home: set[str] = home) -> Placement | None:
                    if before is None or home <= set(before.home):
                        return before
                    return before.after(before.count, home | set(before.home), now_ms)

                changed = await self._change(queue, change)
                if changed is not None:
                    found[queue] = changed
        return Placements(found)

    async def _change(
        self, queue: str, change: Callable[[Placement | None, int], Placement | None]
    ) -> Placement | None:
        """Replace the placement of a queue by what `change` makes of it; others may do so at the same time."""
        now_ms = await store_ms(self._store, self._keys.placements)
        for _ in range(TRIES):
            raw: bytes | None = await command(self._store, "HGET", self._keys.placements, queue)
            before = None if raw is None else _decode(raw)
            after = change(before, now_ms)
            if after is None or after == before:
                return before
            args = (queue, (raw or b"").decode(), _encode(after).decode(), MAX_QUEUES)
            if await _PLACE(self._store, self._keys.root(REGISTRY), args):
                await store_of(self._store).tell(self._keys.kinds_changed, "")
                return after
        raise StoreUnavailableError(f"the placement of {queue} was changed {TRIES} times in between; try again")
