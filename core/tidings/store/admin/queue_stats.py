"""A census of the store: what is served, by whom, and how much waits. For people and probes."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec
import structlog
from redis.asyncio import Redis

from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.tokens import queue_of
from tidings.store.availability.store_errors import StoreError
from tidings.store.groups.group_counts import GroupCount, count_groups
from tidings.store.keys import StoreKeys
from tidings.store.kind_records import RegisteredKinds
from tidings.store.queue_pages import in_pages
from tidings.store.redis.script import Script
from tidings.store.redis.silent_nodes import SilentNodes
from tidings.store.redis.store_client import command_pool_of, store_of
from tidings.store.registry import Registry, WorkerRecord

from .delivery_counts import QueueDeliveries, count_deliveries
from .paused_queues import PausedQueues
from .sagas.held_sagas import HeldSagas, count_held_sagas
from .sagas.saga_counts import SagaCount, count_sagas
from .unserved_kinds import KindWait, unserved_kinds

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_COUNT = Script("count", tuple[int, int, int, list[tuple[int, int, int]]])


class QueueCount(msgspec.Struct, frozen=True, kw_only=True):
    """How much lies in one tier of a queue."""

    queue: str
    tier: str
    waiting: int
    running: int
    scheduled: int
    """Of the whole queue."""
    dead: int
    """Of the whole queue."""
    oldest: float | None = None
    """How long the one that waits longest has been in line for a worker, s by the store's clock; None: none is."""


NOT_SPREAD: Mapping[str, Sequence[str]] = MappingProxyType({})

NEARLY_FULL = 0.8
"""The share of `maxmemory` above which operators are warned."""


class StoreMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What the store holds in memory, bytes."""

    used: int | None = None
    """None: it does not tell."""
    limit: int | None = None
    """`maxmemory`; None: it has none, or does not tell."""
    policy: str | None = None
    """`maxmemory-policy`; None: it does not tell."""

    @property
    def nearly_full(self) -> bool:
        """Whether it holds more than a share of what it may."""
        return bool(self.limit and self.used is not None and self.used > NEARLY_FULL * self.limit)


RATE_VALID_MS = 30_000
"""A drain rate that no worker has renewed for so long is ignored (as in submit.lua)."""


class MissingParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a census lacks, because nodes of a cluster do not answer."""

    nodes: list[str]
    """The addresses of these nodes."""
    queues: list[str]
    """Queues that lie on them, or in slots that no node holds: nothing of them was counted."""
    registry: bool
    """Whether the kinds, the workers and the pauses lie there too: they are of an earlier census, or missing."""
    breakers: bool
    """Whether the breakers lie there."""


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    kinds: list[KindRecord]
    workers: list[WorkerRecord]
    queues: list[QueueCount]
    partitions: dict[str, list[str]] = {}
    """Queue → its partitions, of those that are or were spread over several."""
    paused: list[str] = []
    """Queues whose workers take nothing, as an operator said."""
    unserved_kinds: list[KindWait] = []
    """Kinds whose jobs a worker has read, while no worker that lives serves them in their version."""
    sagas: list[SagaCount] = []
    """Sagas that have taken a step and have not ended, by kind and version, where they were asked for."""
    held_sagas: list[HeldSagas] = []
    """Sagas that are held because the code that tried them does not fit, by kind and version; likewise."""
    groups: list[GroupCount] = []
    """Groups of consumers, in each queue whose events they follow."""
    deliveries: list[QueueDeliveries] = []
    """Deliveries to webhooks, where they were asked for, of each queue that has some."""
    missing: MissingParts | None = None
    """What was left out, because nodes of a cluster do not answer; None: nothing."""

    @property
    def unserved(self) -> list[str]:
        """Where something waits that no worker serves: a queue, or `queue/tier` if only that tier is meant."""
        found = set()
        for one in self.queues:
            if one.waiting and not self.serves(one.queue, one.tier):
                known = any(queue_of(one.queue) in worker.queues for worker in self.workers)
                found.add(f"{one.queue}/{one.tier}" if known else one.queue)
        return sorted(found)

    @property
    def knows_workers(self) -> bool:
        """Whether the workers were read, now or for an earlier census."""
        return self.missing is None or not self.missing.registry or bool(self.workers)

    def serves(self, queue: str, tier: str) -> bool:
        """Return whether any worker that lives takes jobs of a tier of a queue; or may, where workers are not known."""
        return not self.knows_workers or any(worker.serves(queue, tier) for worker in self.workers)


async def read_queue_stats(
    store: Redis,
    keys: StoreKeys,
    known: RegisteredKinds | None = None,
    *,
    deliveries: bool = False,
    sagas: bool = False,
    before: QueueStats | None = None,
) -> QueueStats:
    """Return the census of a store; of a cluster, without what lies on nodes that do not answer.

    Args:
        store: a client of it.
        keys: the names of the namespace.
        known: its kinds and placements, from one who knows them; None: they are asked for.
        deliveries: whether to count deliveries to webhooks, which takes one more call for each queue.
        sagas: whether to count sagas by version, and those that are held; this takes two more calls for each queue.
        before: an earlier census, which tells of kinds, workers and pauses while the node that holds them is silent.

    Raises:
        StoreError: it cannot be reached, or a node fell silent meanwhile.

    """
    silent = await store_of(store).silent_nodes()
    registry = Registry(store, keys)
    if silent.hold(keys.workers):
        workers, paused = (before.workers, before.paused) if before else ([], [])
        records, partitions = (before.kinds, before.partitions) if before else ([], {})
        if known is not None:
            records, partitions = list(known.records.values()), known.placements.spread()
    else:
        found = await registry.read() if known is None else known
        records, partitions = list(found.records.values()), found.placements.spread()
        workers, paused = await registry.workers(), sorted(await PausedQueues(store, keys).queues())
    kinds = sorted(records, key=lambda kind: kind.kind)
    queues, missing = heard_queues(queues_of(kinds, partitions), silent, keys)
    return QueueStats(
        kinds=kinds,
        workers=workers,
        partitions=partitions,
        paused=paused,
        queues=[one async for page in count_queues(store, keys, queues) for one in page],
        unserved_kinds=[] if missing and missing.registry else await unserved_kinds(store, keys, queues, workers),
        sagas=await count_sagas(store, keys, queues) if sagas else [],
        held_sagas=await count_held_sagas(store, keys, queues) if sagas else [],
        groups=[] if missing and missing.registry else await count_groups(store, keys, queues),
        deliveries=await count_deliveries(store, keys, queues) if deliveries else [],
        missing=missing,
    )


def heard_queues(
    queues: dict[str, set[str]], silent: SilentNodes, keys: StoreKeys
) -> tuple[dict[str, set[str]], MissingParts | None]:
    """Return those of some queues of which a census can tell, and what it lacks."""
    heard = {name: tiers for name, tiers in queues.items() if not silent.hold(keys.root(name))}
    missing = MissingParts(
        nodes=list(silent.addresses),
        queues=sorted(queues.keys() - heard.keys()),
        registry=silent.hold(keys.workers),
        breakers=silent.hold(keys.breakers),
    )
    return heard, missing if any(msgspec.structs.astuple(missing)) else None


def queues_of(kinds: Iterable[KindRecord], partitions: Mapping[str, Sequence[str]] = NOT_SPREAD) -> dict[str, set[str]]:
    """Return the queues of some kinds, each with its tiers, and each further partition of one that is spread.

    Args:
        kinds: the kinds.
        partitions: queue → its partitions, of those that are spread.

    """
    queues: dict[str, set[str]] = {}
    for kind in kinds:
        queues.setdefault(kind.queue, set()).update(kind.tiers)
    if not partitions:
        return queues
    return {name: tiers for queue, tiers in queues.items() for name in partitions.get(queue, (queue,))}


async def count_queues(
    store: Redis, keys: StoreKeys, queues: Mapping[str, Iterable[str]]
) -> AsyncIterator[list[QueueCount]]:
    """Yield how much lies in some queues, by their names, a page of queues at a time (`queue_pages`).

    Each queue is counted at one moment, different queues at different ones.

    Args:
        store: a client of it.
        keys: the names of the namespace.
        queues: queue → its tiers.

    Raises:
        StoreError: the store cannot be reached.

    """

    async def count(name: str) -> list[QueueCount]:
        return await count_queue(store, keys, name, sorted(queues[name]))

    async for page in in_pages(sorted(queues), count):
        yield [one for queue in page for one in queue]


async def count_queue(store: Redis, keys: StoreKeys, queue: str, tiers: list[str]) -> list[QueueCount]:
    """Return how much lies in some tiers of a queue, counted at one moment.

    Raises:
        StoreError: the store cannot be reached.

    """
    now, scheduled, dead, counted = await _COUNT(store, keys.root(queue), (tiers,))
    return [
        QueueCount(
            queue=queue,
            tier=tier,
            waiting=waiting,
            running=running,
            scheduled=scheduled,
            dead=dead,
            oldest=max(now - since, 0) / 1000 if since else None,
        )
        for tier, (waiting, running, since) in zip(tiers, counted, strict=True)
    ]


async def drain_rates(store: Redis, keys: StoreKeys, counts: Iterable[QueueCount], now: int) -> list[float | None]:
    """Return for each tier the jobs a second that leave its line, measured while there is one; None: unknown.

    Args:
        store: a client of it.
        keys: the names of the namespace.
        counts: the tiers.
        now: the store's time, ms since the epoch.

    Raises:
        StoreError: the store cannot be reached.

    """
    caller, flows = command_pool_of(store), [keys.flow(one.queue, one.tier) for one in counts]

    async def ask(flow: str) -> float | None:
        since, rate = await caller.ask("HMGET", flow, "since", "rate")
        return _valid_rate(since, rate, now)

    return [one async for page in in_pages(flows, ask) for one in page]


def _valid_rate(since: bytes | None, rate: bytes | None, now: int) -> float | None:
    try:
        if since is None or rate is None or now - int(since) > RATE_VALID_MS:
            return None
        return float(rate)
    except ValueError:  # not what a script wrote
        return None


async def store_memory(store: Redis) -> StoreMemory:
    """Return what the store holds in memory, of a cluster the fullest node that answers; nothing where none tells."""
    try:
        return await read_store_memory((await store_of(store).silent_nodes()).others)
    except StoreError as error:
        log.debug("store_tells_no_memory", error=str(error))
        return StoreMemory()


async def read_store_memory(nodes: Iterable[Redis]) -> StoreMemory:
    """Return what the fullest of some nodes holds in memory.

    Raises:
        StoreError: a node is unavailable, or its user may not ask.

    """
    return max([await _memory_of(node) for node in nodes], key=_fullness)


def _fullness(memory: StoreMemory) -> float:
    """Return how near to its limit it is: of a cluster's nodes the fullest is the first that takes no work."""
    return (memory.used or 0) / (memory.limit or float("inf"))


async def _memory_of(store: Redis) -> StoreMemory:
    told: bytes = await command_pool_of(store).ask("INFO", "memory")
    lines = dict(line.split(":", 1) for line in told.decode().splitlines() if ":" in line)
    used, limit = lines.get("used_memory", ""), lines.get("maxmemory", "")
    return StoreMemory(
        used=int(used) if used.isdecimal() else None,
        limit=(int(limit) or None) if limit.isdecimal() else None,
        policy=lines.get("maxmemory_policy"),
    )
