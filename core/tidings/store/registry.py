"""The registry: which kinds there are, and which workers serve them. Written by workers."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from time import monotonic
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis

from tidings.protocol.kinds.kind_record import KindRecord, decode_kind, encode_kind

from .keys import REGISTRY, StoreKeys
from .kind_records import MAX_ALL_BYTES, MAX_KINDS, MAX_RECORD_BYTES, RegisteredKinds, read_kinds
from .placement.placement import Placements
from .placement.placement_store import read_placements
from .placement.upkeep_choice import upkeep_rank
from .readable import decode_readable
from .redis.script import Script
from .redis.store_client import command, read_values, store_of
from .redis.store_clock import store_ms

MAX_SHOWN = 50
"""Running jobs that a worker names."""


def _version_of(record: bytes | None) -> int:
    """Return the version of a kind by its record; 0: there is none that can be read."""
    try:
        return 0 if record is None else decode_kind(record).version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0


class RunningRecord(msgspec.Struct, frozen=True, array_like=True):
    """One job that a worker runs."""

    token: str
    kind: str
    since_ms: int
    """When the attempt began, ms since the epoch by the worker's clock."""


class DeliveryLoad(msgspec.Struct, frozen=True, array_like=True):
    """The deliveries to webhooks that a worker sends, for all queues."""

    sending: int
    """Under way."""
    slots: int
    """How many it sends at a time."""


class KindVersions(msgspec.Struct, frozen=True, array_like=True):
    """The versions of one kind that a worker serves, and which record it registers."""

    oldest: int
    newest: int
    digest: str = ""
    """Of the kind's record, as `record_digest` makes it."""

    def serve(self, version: int) -> bool:
        """Return whether a version is among them."""
        return self.oldest <= version <= self.newest


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One worker as it describes itself."""

    worker: str
    host: str
    pid: int
    version: str
    """The release of tidings it runs."""
    kinds: list[str]
    queues: list[str]
    slots: int
    """In each queue."""
    tiers: dict[str, int] = {}
    """The tiers it serves and the slots each owns; empty: all tiers of its queues, from one pool."""
    running: int = 0
    since_ms: int = 0
    """When it started, ms since the epoch by its own clock; for people only."""
    cpu: float | None = None
    """Of one core, over its last heartbeat; None: not known. Handlers in child processes do not count."""
    memory: int | None = None
    """Resident bytes; None: its system does not tell."""
    jobs: list[RunningRecord] = []
    """What it runs, those that began first; at most `MAX_SHOWN`."""
    deliveries: DeliveryLoad | None = None
    """None: it delivers to no webhooks. A worker that does nothing else has no queues and no slots."""
    versions: dict[str, KindVersions] = {}
    """Kind → its versions that the worker serves; a worker of a release without this takes every version."""
    told_ms: int = 0
    """When it wrote this, ms since the epoch by its own clock; 0: it is of a release that does not say."""
    partitions: list[str] | None = None
    """Further partitions of its queues that it serves; None: it is of a release that serves none."""
    seen_ms: int = 0
    """When it last said that it lives, ms since the epoch by the store's clock: told to readers, not written."""

    def serves(self, queue: str, tier: str) -> bool:
        """Return whether it takes jobs of a tier of a queue, or of one partition of it."""
        served = queue in self.queues or queue in (self.partitions or ())
        return served and (not self.tiers or tier in self.tiers)

    @property
    def only_delivers(self) -> bool:
        """Whether it runs no jobs and handles no events, and delivers to webhooks alone."""
        return self.deliveries is not None and not self.slots

    def serves_kind(self, kind: str, version: int, *, by_upcast: bool = True) -> bool:
        """Return whether it takes jobs of a kind in a version; without `by_upcast`: only if that is its own version."""
        versions = self.versions.get(kind)
        if versions is None:
            return kind in self.kinds
        return versions.serve(version) if by_upcast else versions.newest == version

    def registers(self, kind: str, digest: str) -> bool:
        """Return whether a record of a kind, by its digest, may be one that it registered."""
        versions = self.versions.get(kind)
        return kind in self.kinds if versions is None else versions.digest == digest


def record_digest(encoded: bytes) -> str:
    """Return a short digest of a kind's record as it lies in the store."""
    return hashlib.blake2b(encoded, digest_size=6).hexdigest()


_encode_worker = msgspec.json.Encoder().encode
_decode_worker = msgspec.json.Decoder(WorkerRecord).decode
_APPEAR: Script[list[Any]] = Script("appear", list[Any])
_KINDS_SEEN = Script("kinds_seen", int)
_KINDS_WRITE = Script("kinds_write", int)
_KINDS: Script[list[Any]] = Script("kinds", list[Any])


class HeartbeatAnswer(NamedTuple):
    """What a worker learns with its heartbeat."""

    placements: Placements
    on_duty: frozenset[str]
    """The places of which it does the upkeep at full pace."""


MAX_DIGESTS = 20
"""Records of one kind that the registry remembers to have stood there."""

SEEN_S = 600.0
"""How often a worker that lives writes that its kinds are served."""


class Registry:
    """Kinds and workers in the store."""

    def __init__(self, store: Redis, keys: StoreKeys) -> None:
        self._store = store
        self._keys = keys
        self._seen_s = -SEEN_S
        self._registered_once = False
        self._kinds: tuple[str, ...] = ()
        """Those that were registered here."""

    async def register(self, kinds: list[KindRecord]) -> None:
        """Write what a worker serves, and that it does; tells the gateways if anything is new or different.

        Of each kind the record that is replaced is kept (`read_replaced_kinds`).

        Workers that run side by side may have different records of one kind. Its newest version stands, and of the
        same version the record of the worker that began last, as long as such a worker lives.
        """
        fresh = {kind.kind: encode_kind(kind) for kind in kinds}
        known = await command(self._store, "HMGET", self._keys.kinds, *fresh)
        different = {name: before for name, before in zip(fresh, known, strict=True) if fresh[name] != before}
        if different:
            changed = await self._outdated({kind.kind: kind.version for kind in kinds}, different)
            pairs = [part for name in changed for part in (name, fresh[name].decode())]
            if pairs:
                await _KINDS_WRITE(self._store, self._keys.root(REGISTRY), (MAX_RECORD_BYTES, *pairs))
                await self._note_digests({name: record_digest(fresh[name]) for name in changed})
                await store_of(self._store).tell(self._keys.kinds_changed, " ".join(changed))
        self._registered_once, self._kinds = True, tuple(fresh)

        if (now := monotonic()) - self._seen_s >= SEEN_S:
            await _KINDS_SEEN(self._store, self._keys.root(REGISTRY), tuple(fresh))
            self._seen_s = now

    async def _outdated(self, versions: Mapping[str, int], different: Mapping[str, bytes | None]) -> list[str]:
        """Return of which kinds the record in the store is to be replaced by this worker's.

        Args:
            versions: kind → the version of this worker's record.
            different: kind → what lies there; None: nothing.

        """
        workers: list[WorkerRecord] | None = None
        found = []
        for name, before in different.items():
            stored = _version_of(before)
            if (stored == versions[name] and not self._registered_once) or stored < versions[name]:
                found.append(name)
                continue
            workers = await self.workers() if workers is None else workers
            digest = record_digest(before or b"")
            if not any(worker.registers(name, digest) for worker in workers):
                found.append(name)
        return found

    async def _note_digests(self, digests: Mapping[str, str]) -> None:
        """Write which records have stood; what two workers write at the same moment may replace each other."""
        known = await self._digests(digests)
        pairs = []
        for name, digest in digests.items():
            before = [one for one in known[name] if one != digest]
            pairs += [name, " ".join([*before, digest][-MAX_DIGESTS:])]
        await command(self._store, "HSET", self._keys.kinds_history, *pairs)

    async def _digests(self, kinds: Iterable[str]) -> dict[str, list[str]]:
        names = list(kinds)
        found = await command(self._store, "HMGET", self._keys.kinds_history, *names)
        return {
            name: (text or b"").decode(errors="replace").split()[-MAX_DIGESTS:]
            for name, text in zip(names, found, strict=True)
        }

    async def have_stood(self, kinds: Iterable[KindRecord]) -> set[str]:
        """Return which of some records have stood in the registry before, or stand there; by their kinds."""
        digests = {kind.kind: record_digest(encode_kind(kind)) for kind in kinds}
        if not digests:
            return set()
        return {name for name, known in (await self._digests(digests)).items() if digests[name] in known}

    async def kinds(self) -> dict[str, KindRecord]:
        """Return every registered kind that can be used."""
        return (await self.read()).records

    async def read(self) -> RegisteredKinds:
        """Return every registered kind, and why some cannot be used."""
        found = await _KINDS(self._store, self._keys.root(REGISTRY), (MAX_KINDS, MAX_RECORD_BYTES, MAX_ALL_BYTES))
        *kinds, placed = found
        return read_kinds(kinds)._replace(placements=read_placements(placed))

    async def last_served(self, kinds: Iterable[str]) -> dict[str, int]:
        """Return when each of some kinds was last said to be served, ms since the epoch; missing: it was never said."""
        names = list(kinds)
        if not names:
            return {}
        found = await command(self._store, "ZMSCORE", self._keys.kinds_seen, *names)
        return {name: int(float(at)) for name, at in zip(names, found, strict=True) if at is not None}

    async def now_ms(self) -> int:
        """Return the store's time, ms since the epoch."""
        return await store_ms(self._store, self._keys.workers)

    async def backfill_last_served(self, kinds: Iterable[str], at: int) -> None:
        """Write of kinds of which it was never said when they were served, that it was at `at`, ms since the epoch."""
        pairs = [part for name in kinds for part in (at, name)]
        if pairs:
            await command(self._store, "ZADD", self._keys.kinds_seen, "NX", *pairs)

    async def remove(self, kinds: Iterable[str]) -> int:
        """Remove kinds, and tell the gateways; return how many there were. A worker that serves one writes it again."""
        names = list(kinds)
        if not names:
            return 0
        gone: int = await command(self._store, "HDEL", self._keys.kinds, *names)
        await command(self._store, "ZREM", self._keys.kinds_seen, *names)
        await command(self._store, "HDEL", self._keys.kinds_history, *names)
        await command(self._store, "HDEL", self._keys.kinds_before, *names)
        await command(self._store, "ZREM", self._keys.kinds_replaced, *names)
        await store_of(self._store).tell(self._keys.kinds_changed, " ".join(names))
        return gone

    async def heartbeat(self, worker: WorkerRecord, ttl_s: float, places: Collection[str] = ()) -> HeartbeatAnswer:
        """Say that a worker lives; it is forgotten `ttl_s` after the last time.

        Args:
            worker: as it describes itself.
            ttl_s: s.
            places: what it could keep up (`upkeep_place`), each once.

        """
        ranks = [part for place in places for part in (place, upkeep_rank(place, worker.worker))]
        args = (worker.worker, _encode_worker(worker).decode(), int(ttl_s * 1000), ranks)
        _, placed, duties = await _APPEAR(self._store, self._keys.root(REGISTRY), args)
        on_duty = frozenset(place for place, chosen in zip(places, duties, strict=True) if chosen)
        return HeartbeatAnswer(read_placements(placed), on_duty)

    async def deregister(self, worker: str) -> None:
        """Forget a worker that leaves, and write that its kinds were served until now."""
        if self._kinds:
            await _KINDS_SEEN(self._store, self._keys.root(REGISTRY), self._kinds)
        await command(self._store, "DEL", self._keys.worker(worker))
        await command(self._store, "ZREM", self._keys.workers, worker)
        await store_of(self._store).tell(self._keys.workers_changed, worker)

    async def living(self) -> list[str]:
        """Return the ids of the workers that live."""
        return [
            name.decode(errors="replace") for name in await command(self._store, "ZRANGE", self._keys.workers, 0, -1)
        ]

    async def workers(self) -> list[WorkerRecord]:
        """Return the workers that live."""
        listed = await command(self._store, "ZRANGE", self._keys.workers, 0, -1, "WITHSCORES")
        seen = {
            name.decode(errors="replace"): int(float(at)) for name, at in zip(listed[::2], listed[1::2], strict=True)
        }
        found = await read_values(self._store, [self._keys.worker(name) for name in seen])
        present = {name: record for name, record in zip(seen, found, strict=True) if record is not None}
        workers = decode_readable(present, _decode_worker, "worker")
        return [msgspec.structs.replace(record, seen_ms=seen[name]) for name, record in workers.items()]
