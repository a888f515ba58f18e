"""Whether the store keeps what it has acknowledged: its eviction policy, and what it writes to disk.

A store that is made for a cache deletes keys when its memory is full. Nothing tells of it: an acknowledged job, or the
key that recognizes a duplicate, is gone, and every command goes on to succeed. So each process looks when it starts
and from time to time, and a server that depends on such a store counts as not ready.

Source: https://redis.io/docs/latest/develop/reference/eviction/ and https://redis.io/docs/latest/commands/info/
"""

import asyncio
from enum import StrEnum
from typing import Any, NamedTuple

import structlog
from redis.asyncio import Redis

from .availability.retry_delay import store_retry_delay
from .availability.store_errors import StoreError, StoreUnavailableError
from .redis.store_client import command, store_of

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

CHECK_INTERVAL_S = 30.0
"""Time between two looks: both can be changed while the store runs."""

NO_EVICTION = "noeviction"


class Persistence(StrEnum):
    """What of its data a store finds again after its process has ended."""

    AOF = "aof"
    """All, or all but the last second."""
    SNAPSHOTS = "snapshots"
    """What had been written when the last snapshot was made."""
    NONE = "none"
    """Nothing."""
    UNKNOWN = "unknown"


class Retention(NamedTuple):
    """How a store is set."""

    eviction: str = ""
    """Its `maxmemory-policy`; empty: it does not say."""
    persistence: Persistence = Persistence.UNKNOWN

    @property
    def evicts(self) -> bool:
        """Whether it deletes keys when its memory is full."""
        return self.eviction not in ("", NO_EVICTION)


async def read_retention(store: Redis) -> Retention:
    """Return how the store is set, as far as this user may know.

    Raises:
        StoreUnavailableError: it cannot be reached.

    """
    parts = store_of(store).parts()
    if len(parts) > 1:  # of a cluster: what is true of any of its nodes, and worst, is true of the store
        found = [one for one in [await _answered(part) for part in parts] if one is not None]
        if not found:
            raise StoreUnavailableError("no node of the cluster answers")
        evicting = next((one.eviction for one in found if one.evicts), found[0].eviction)
        return Retention(evicting, max((one.persistence for one in found), key=list(Persistence).index))
    memory = await _ask(store, "INFO", "memory")
    disk = await _ask(store, "INFO", "persistence")
    return Retention(str(memory.get("maxmemory_policy", "")), await _persistence(store, disk))


async def _answered(node: Redis) -> Retention | None:
    try:
        return await read_retention(node)
    except StoreUnavailableError:
        return None


async def _persistence(store: Redis, disk: dict[str, Any]) -> Persistence:
    if "aof_enabled" not in disk:
        return Persistence.UNKNOWN
    if int(disk["aof_enabled"]):
        return Persistence.AOF
    snapshots = (await _ask(store, "CONFIG GET", "save")).get("save")
    if snapshots is None:
        return Persistence.UNKNOWN
    return Persistence.SNAPSHOTS if snapshots else Persistence.NONE


async def _ask(store: Redis, *args: str) -> dict[str, Any]:
    """Return what a command tells; nothing where it is denied, renamed or missing."""
    try:
        found = await command(store, *args)
    except StoreUnavailableError:
        raise
    except StoreError as error:
        log.debug("store_does_not_say", command=args[0], error=str(error))
        return {}
    return found if isinstance(found, dict) else {}


class RetentionWatch:
    """What one process knows of it, and says in its log: each state once."""

    def __init__(self, store: Redis) -> None:
        self._store = store
        self.now: Retention = Retention()
        self.looked: asyncio.Event = asyncio.Event()
        """Set when the store has answered once."""

    async def run(self) -> None:
        """Look from time to time, until cancelled."""
        failures = 0
        while True:
            try:
                self._take(await read_retention(self._store))
                failures = 0
            except StoreError:
                failures += 1
            await asyncio.sleep(store_retry_delay(failures) if failures else CHECK_INTERVAL_S)

    def _take(self, found: Retention) -> None:
        before, self.now = self.now, found
        self.looked.set()
        if found.eviction != before.eviction:
            self._tell_eviction(found, before)
        if found.persistence != before.persistence and found.persistence in (Persistence.NONE, Persistence.SNAPSHOTS):
            log.warning(
                "store_not_persistent",
                persistence=str(found.persistence),
                help="what was acknowledged is lost when the store's process ends: set appendonly yes",
            )

    @staticmethod
    def _tell_eviction(found: Retention, before: Retention) -> None:
        if found.evicts:
            log.error(
                "store_evicts",
                eviction=found.eviction,
                help="the store deletes acknowledged jobs when its memory is full: set maxmemory-policy noeviction",
            )
        elif before.evicts:
            log.info("store_evicts_no_more", eviction=found.eviction)
