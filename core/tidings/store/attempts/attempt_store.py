"""The store as a worker uses it: take entries, start attempts, report, keep leases, promote."""

import asyncio
import itertools
import secrets
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from redis.asyncio import Redis

from tidings.logging.log_limit import LogLimiter
from tidings.protocol.timestamps import whole_ms
from tidings.store.answers import LeaseAnswer, ReportAnswer
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.keys import GROUP, StoreKeys
from tidings.store.redis.batcher import Batcher, Batchers, BatchOptions
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import command_pool_of
from tidings.store.streams.stream_reader import read_stream
from tidings.store.streams.stream_records import StreamPage

from .attempt_records import (
    AttemptOutcome,
    AttemptReport,
    ClaimedEntry,
    LaneStart,
    LeaseRenewal,
    MemoReply,
    NextRun,
    ReadyEntry,
    ReportLimits,
    Started,
    StartRules,
    SweepReply,
    Unserved,
    VersionRange,
)

__all__ = [
    "MAX_DEAD",
    "SWEEP_KEYS",
    "AttemptOutcome",
    "AttemptReport",
    "AttemptStore",
    "ClaimedEntry",
    "LaneStart",
    "LeaseRenewal",
    "MemoReply",
    "NextRun",
    "ReadyEntry",
    "ReportLimits",
    "StartRules",
    "Started",
    "SweepReply",
    "Unserved",
]

SWEEP_KEYS = 1_000
"""Keys that one sweep looks at, about. A script holds the store while it runs, so they are few."""

NONE_UNSERVED: Final[Mapping[int, Unserved]] = MappingProxyType({})
NO_CODES: Final[Mapping[str, str]] = {}

MAX_DEAD = 100_000
"""Dead letters kept in one partition, approximately."""


_log = LogLimiter()

_RECUR = Script("recur", tuple[int, int, list[str]])
_JOIN = Script("join", list[str])
_SWEEP = Script("sweep", SweepReply)
_TAKE_OVER = Script("take_over", list[ClaimedEntry | str])
_START = Script("start", tuple[list[Started], list[LaneStart], list[tuple[str, str, int]], list[str]])
_REPORT = Script("report", tuple[int, list[ReportAnswer]], acknowledged=True)
_BEAT = Script("beat", list[LeaseAnswer])
_ONCE = Script("once", list[MemoReply], acknowledged=True)
_FIND_LOST = Script("find_lost", int)
_PROMOTE = Script("promote", tuple[int, int, list[str]])
_LEAVE = Script("leave", list[int])
_RELEASE = Script("release", int)
_TAKE_UNSERVED = Script("take_unserved", list[ClaimedEntry | str])

_MEMOS = BatchOptions(pause=store_retry_delay, size=lambda memo: len(memo[3]))


class AttemptStore(Batchers):
    """The operations of one worker on one partition, to be used as `async with`; all of them raise `StoreError`."""

    def __init__(
        self,
        store: Redis,
        keys: StoreKeys,
        partition: str,
        worker: str,
        *,
        result_ttl_s: float = 86_400,
        chronicle: int = 0,
        limits: ReportLimits | None = None,
        rules: StartRules | None = None,
    ) -> None:
        """Bind the operations to a store, a partition and a worker.

        Args:
            store: a client of the store; it stays the caller's to close.
            keys: the names of the namespace.
            partition: whose jobs these are.
            worker: this worker's id, also its name as a consumer.
            result_ttl_s: how long the record of a finished job is kept, s.
            chronicle: finished jobs that the partition's history keeps; 0: jobs that end here do not come into it.
            limits: what logs and streams may come to.
            rules: limits and rates of the kinds served.

        """
        super().__init__()
        self.partition = partition
        self.worker = worker
        self.rules: StartRules = rules or StartRules()
        self._store = store
        self._caller = command_pool_of(store)
        self._keys = keys
        self.root: str = keys.root(partition)
        self._ttl_ms = whole_ms(result_ttl_s)
        self._keep = chronicle
        self.keeps_history: bool = chronicle > 0
        """Whether jobs that end here come into the partition's history."""
        self._limits = limits or ReportLimits()
        self._call_prefix = secrets.token_hex(4)  # a worker that starts again may have the same name
        self._calls = itertools.count()
        self._report_batches = BatchOptions(
            pause=store_retry_delay, read=self._read_reports, size=AttemptReport.size, form=AttemptReport.seal
        )
        self.reported_ms: int = 0
        """The store's time when it last took reports; valid in the callbacks of what `report` returned."""
        self.apart: list[tuple[str, str, int]] = []
        """Where the last `start` set something apart: tier, need, jobs that wait there; valid when `start` returns."""

    async def join(self, tiers: list[str]) -> None:
        """Make the consumer group on the streams of `tiers`, where it is missing."""
        await _JOIN(self._store, self.root, (tiers,))

    async def leave(self, tiers: list[str]) -> int:
        """Remove this worker's consumers, so that none stay behind; return how many entries it still held.

        Any other worker may take those over at once.
        """
        return sum(await _LEAVE(self._store, self.root, (self.worker, tiers)))

    async def take(self, tiers: Sequence[str], most: int, wait_ms: int) -> list[ReadyEntry]:
        """Take up to `most` new entries of each tier, waiting up to `wait_ms` for the first; 0: not at all.

        A tier may be named with a need (`standard/thread`): it then gives the jobs that were set apart for that need.

        Source: https://redis.io/docs/latest/commands/xreadgroup/
        """
        streams = [self._keys.ready(self.partition, tier) for tier in tiers]
        call = self._caller.wait if wait_ms else self._caller.ask
        found = await call(
            "XREADGROUP", "GROUP", GROUP, self.worker, "COUNT", most,
            *(("BLOCK", wait_ms) if wait_ms else ()), "STREAMS", *streams, *(">" for _ in streams),
        )  # fmt: skip
        return [
            _entry(tier, need, raw)
            for stream, entries in found or ()
            for tier, _, need in (stream.rpartition(b":")[2].decode().partition("/"),)
            for raw in entries
        ]

    def interrupt(self) -> None:
        """Fail takes that wait (`StoreClosedError`) at once."""
        self._caller.interrupt(self.root)

    async def take_over(self, tier: str, idle_ms: int, most: int, unread: Sequence[str] = ()) -> list[ReadyEntry]:
        """Take up to `most` entries of a tier and its lanes whose holder has not renewed their lease for `idle_ms`.

        Args:
            tier: the tier.
            idle_ms: the lease, ms.
            most: how many at the most.
            unread: needs for which this worker does not read the tier (see `take`): it takes their entries too.

        """
        claimed = await _TAKE_OVER(self._store, self.root, (self.worker, tier, idle_ms, most, unread))
        return [entry.held() for entry in claimed if isinstance(entry, ClaimedEntry)]

    async def find_lost(self, tier: str, idle_ms: int, unread: Sequence[str], *, announce: bool) -> bool:
        """Return whether `take_over` would take anything; announce: whether all workers are to hear of it."""
        return bool(await _FIND_LOST(self._store, self.root, (tier, idle_ms, unread, int(announce))))

    async def take_unserved(
        self, tiers: Sequence[str], serves: Mapping[str, VersionRange], most: int, codes: Mapping[str, str] = NO_CODES
    ) -> list[ReadyEntry]:
        """Take jobs that wait for a worker that serves them, those that have waited longest first.

        Args:
            tiers: the tiers that this worker serves.
            serves: kind → its versions that this worker serves.
            most: how many at the most.
            codes: kind → the digest of its code: sagas of these kinds that are held, and have not been tried with it.

        """
        taken = await _TAKE_UNSERVED(self._store, self.root, (self.worker, tiers, serves, most, self.partition, codes))
        return [entry.held() for entry in taken if isinstance(entry, ClaimedEntry)]

    def new_call(self) -> str:
        """Return a name for one call of `start`."""
        return f"{self._call_prefix}{next(self._calls)}"

    async def start(
        self,
        entries: list[ReadyEntry],
        call: str = "",
        spare: Mapping[str, int] | None = None,
        free: Mapping[str, int] | None = None,
        unserved: Mapping[int, Unserved] = NONE_UNSERVED,
        *,
        hold: bool = False,
    ) -> list[Started]:
        """Start an attempt for each entry this worker holds, and for jobs of the lanes whose turn is among them.

        Args:
            entries: what `take` or `take_over` gave.
            call: a name from `new_call`. A call that is repeated under it, because the reply was lost, starts nothing
                again; empty: a name of its own.
            spare: tier → jobs beyond the entries that its lanes may give; none by default.
            free: need → how many jobs of kinds that have it may start; the others are set apart (see `apart`).
            unserved: place among the entries → of which kind and version its job is, of those that this worker does not
                serve, or only by an upcast: they wait for a worker that does; by an upcast only pinned sagas wait.
            hold: an entry that lies apart already, and has others behind it, stays with this worker (`WAIT`).

        Returns:
            An answer for each entry, then one for each job that a lane gave: those say which it is (`drawn`).

        """
        items, rules = _start_items(entries, unserved), self.rules
        args = (
            self.partition, self.worker, self._ttl_ms, self._keep, call or self.new_call(), spare or {}, rules.limits,
            rules.rates, rules.needs, free or dict.fromkeys(rules.needs.values(), 0), int(hold), items,
            *((rules.serves,) if rules.serves and any(entry.is_turn for entry in entries) else ()),
        )  # fmt: skip
        answers, drawn, self.apart, faults = await _START(self._store, self.root, args)
        if faults:
            self._log_faults(faults)
        return [*answers, *(one.answer() for one in drawn)] if drawn else answers

    def report(self, report: AttemptReport, *, apart: bool = False) -> "asyncio.Future[ReportAnswer]":
        """Write a report with the next batch.

        The caller may add to the report until the batch leaves. It may put a report that failed again at once: the
        batcher leaves a lost store alone for a while.

        Args:
            report: what to write.
            apart: write it without others, because the store refused it with them.

        """
        place = ("report", self.partition)
        return self.gather(place, self._send_reports, self._report_batches, apart=apart).put(report)

    def once(
        self, job: str, fence: int, name: str, value: str = "", *, apart: bool = False
    ) -> "asyncio.Future[MemoReply]":
        """Recall a memoised step of a job, or record its result: the first record stands.

        Args:
            job: the job's id.
            fence: that of the attempt; under another the store records nothing.
            name: the step.
            value: JSON text; empty: recall only.
            apart: ask without others, because the store refused it with them.

        """
        batcher: Batcher[Any, MemoReply] = self.gather(("once", self.partition), self._send_memos, _MEMOS, apart=apart)
        return batcher.put((job, fence, name, value))

    async def read_stream(self, job: str, name: str) -> StreamPage:
        """Return a stream of a job with all its chunks."""
        return await read_stream(self._store, self.root, job, name, first=0)

    async def beat(self, beats: list[LeaseRenewal]) -> list[LeaseAnswer]:
        """Renew the leases of all jobs this worker runs; a job whose record is broken counts as lost."""
        answers = await _BEAT(self._store, self.root, (self.worker, beats))
        faults = [f"{beat.id} {answer[1:]}" for beat, answer in zip(beats, answers, strict=True) if answer[:1] == "!"]
        if faults:
            self._log_faults(faults)
            return [LeaseAnswer.LOST if answer[:1] == "!" else answer for answer in answers]
        return answers

    async def recur(self, runs: list[NextRun]) -> tuple[int, int]:
        """Put the next runs into the schedule, once; return the store's time and the earliest tick, ms (-1: none)."""
        now, earliest, faults = await _RECUR(self._store, self.root, (self.partition, runs))
        for fault in faults:
            _log.error("recurring_broken", cause=self.partition, queue=self.partition, error=fault)
        return now, earliest

    async def promote(self, most: int = 1000) -> tuple[int, int]:
        """Queue what is due and end what is late; return how many, and the ms until the next is either (-1: none)."""
        moved, wait_ms, faults = await _PROMOTE(
            self._store, self.root, (self.partition, self._ttl_ms, self._keep, most)
        )
        self._log_faults(faults)
        return moved, wait_ms

    async def release(self, breaker: str, epoch: int, most: int = 500) -> int:
        """Bring forward jobs that wait for a breaker that has closed; return how many. Fewer than `most` are all."""
        return await _RELEASE(self._store, self.root, (breaker, epoch, most))

    def _send_memos(self, items: list[tuple[str, int, str, str]]) -> "asyncio.Future[list[MemoReply]]":
        return _ONCE(self._store, self.root, (items,))

    async def sweep(self, tiers: list[str], living: list[str], idle_s: float, cursor: str) -> SweepReply:
        """Clear away what dead workers and lost writes left behind, in a part of the partition.

        Args:
            tiers: the streams whose consumers are looked at.
            living: the workers that say they live; their consumers stay.
            idle_s: how long a consumer must not have asked for anything, s.
            cursor: that of the last sweep, at first `0`.

        """
        args = (
            tiers, living, int(idle_s * 1000), self._ttl_ms, cursor, SWEEP_KEYS, self.rules.limits,
            self.partition, self._keep,
        )  # fmt: skip
        return await _SWEEP(self._store, self.root, args)

    def _send_reports(self, reports: list[AttemptReport]) -> "asyncio.Future[tuple[int, list[ReportAnswer]]]":
        limits, items = self._limits, [report.seal() for report in reports]
        args = (
            self.partition, limits.max_log_bytes, limits.max_stream_bytes, self._ttl_ms, MAX_DEAD, self._keep,
            int(limits.compact), items,
        )  # fmt: skip
        return _REPORT(self._store, self.root, args)

    def _log_faults(self, faults: list[str]) -> None:
        """Log jobs that ended because their records hold what no script wrote."""
        for fault in faults:
            job, _, error = fault.partition(" ")
            _log.error("record_broken", cause=self.partition, queue=self.partition, job=job, error=error)

    def _read_reports(self, reply: tuple[int, list[ReportAnswer]]) -> list[ReportAnswer]:
        self.reported_ms, answers = reply
        return answers


def _start_items(entries: list[ReadyEntry], unserved: Mapping[int, Unserved]) -> list[tuple[Any, ...]]:
    items: list[tuple[Any, ...]] = [(entry.tier, entry.entry, entry.id) for entry in entries]
    for index, one in unserved.items():
        items[index] += one
    return items


def _entry(tier: str, need: str, raw: tuple[bytes, list[bytes] | None]) -> ReadyEntry:
    entry, fields = raw
    place = f"{entry.decode()}/{need}" if need else entry.decode()
    # The scripts write `id` first and `env` second, and read them so too. An entry of another form is no job.
    job, envelope = (fields[1], fields[3]) if fields is not None and len(fields) >= 4 else (b"", b"")
    return ReadyEntry(tier, place, job.decode(errors="replace"), envelope)
