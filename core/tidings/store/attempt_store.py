"""The store as a worker uses it: take entries, start attempts, report, keep leases, promote."""

import asyncio
import itertools
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis

from tidings.logging.log_limit import LogLimiter
from tidings.protocol.states import State
from tidings.protocol.timestamps import whole_ms

from .availability.retry_delay import store_retry_delay
from .keys import GROUP, StoreKeys
from .redis.batcher import Batcher, Batchers
from .redis.script import Script
from .redis.store_client import command_pool_of

SWEEP_KEYS = 1_000
"""Keys of the store that one sweep looks at, about; a script holds the store while it runs."""

MAX_DEAD = 100_000
"""Dead letters kept in one partition, approximately."""


class ReadyEntry(NamedTuple):
    """One entry of a ready stream that this worker holds."""

    tier: str
    entry: str
    """Where it lies: the stream's id of it, `ms-n`; in a lane `ms-n/lane`."""
    id: str
    """The job's id; `/` and a lane: no job, but that lane's turn."""
    envelope: bytes

    @property
    def is_turn(self) -> bool:
        """Whether it is a lane's turn: what is started for it comes from the lane."""
        return self.id.startswith("/")


_log = LogLimiter()


class ClaimedEntry(msgspec.Struct, array_like=True, frozen=True):
    """An entry as a script gives it."""

    tier: str
    entry: str
    id: str
    envelope: msgspec.Raw
    """A text of MessagePack, taken as it is: what it holds may not be one."""

    def held(self) -> ReadyEntry:
        """Return it as what `take` gives."""
        return ReadyEntry(self.tier, self.entry, self.id, _text_bytes(bytes(self.envelope)))


class Started(msgspec.Struct, array_like=True, frozen=True):
    """The answer to the start of an attempt."""

    go: int
    """1: run it. 0: it must not run, and has been dealt with. 2: see `hold` of `start`."""
    fence: int
    attempt: int
    remaining_ms: int
    """Until the job's deadline; 0: it has none, -1: it is a saga that unwinds, and none counts."""
    submitted_ms: int
    lost: int
    """How many workers were lost while they ran this job."""
    waited_ms: int = 0
    """Since it was queued, by the store's clock."""
    started_ms: int = 0
    """When the attempt started, ms since the epoch by the store's clock: the job's milestone."""
    drawn: ReadyEntry | None = None
    """The entry, where a lane gave it; not on the wire."""

    @property
    def unwinding(self) -> bool:
        """Whether it is a saga that has to undo its work; its journal says why."""
        return self.remaining_ms < 0


class LaneStart(ClaimedEntry, array_like=True, frozen=True, kw_only=False):
    """A job that a lane gave, and its start."""

    started: Started

    def told(self) -> Started:
        """Return the answer about it."""
        return msgspec.structs.replace(self.started, drawn=self.held())


class AttemptOutcome(msgspec.Struct, array_like=True, frozen=True):
    """How an attempt ended, as `report.lua` takes it."""

    state: State
    field: str
    """`result`, `problem` or empty."""
    value: str
    """JSON text for `field`; of a retry, the problem, for the job's history."""
    tail: str
    """The event's frame from `"event"` on."""
    delay_ms: int = 0
    """Of one that leaves to wait: until its timer; -1: it has none."""
    uncounted: int = 0
    """1: the attempt does not count (handed back)."""
    note: str = ""
    """JSON text for the dead letter: traceback and the like, never shown to clients."""
    woken: int = 0
    """Of one that leaves to wait: how often it had been woken when it last looked."""
    awaits: str = ""
    """The signals it waits for, each between spaces."""
    compensation: str = ""
    """Of a saga that undid its work: `complete` or `incomplete`."""
    held: str = ""
    """The breaker for which it waits in the schedule; empty: for none."""


class AttemptReport:
    """What one attempt has to say since its last report; may be added to until it is sealed."""

    __slots__ = ("events", "fence", "id", "number", "outcome", "progress", "sealed")

    def __init__(self, job: str, fence: int, number: int) -> None:
        self.id = job
        self.fence = fence
        self.number = number
        """Counts the reports of one attempt from 1; one sent twice counts once."""
        self.progress = ""
        """JSON text of the newest progress."""
        self.events: list[tuple[int, str, str]] = []
        """(class, tail of the frame, JSON text of a log chunk or empty)."""
        self.outcome: AttemptOutcome | None = None
        self.sealed = False
        """Whether it has left: what comes now belongs to the next report."""

    def size(self) -> int:
        """Return about how many bytes it comes to."""
        outcome = self.outcome
        size = len(self.progress) if outcome is None else len(self.progress) + len(outcome.value) + len(outcome.tail)
        for _, tail, chunk in self.events:
            size += len(tail) + len(chunk)
        return size

    def seal(self) -> tuple[object, ...]:
        """Return the item of `report.lua`; nothing may be added after this."""
        self.sealed = True
        return self.id, self.fence, self.number, self.progress, self.events, self.outcome or False


class StartRules(msgspec.Struct, frozen=True):
    """What keeps jobs of some kinds from starting."""

    limits: dict[str, int] = {}
    """Kind → how many of its jobs, or of those with one value, may run at a time."""
    rates: dict[str, tuple[float, int]] = {}
    """Kind → ms between two starts, and how many may start at once."""
    needs: dict[str, str] = {}
    """Kind → `thread` or `process`: what each of its jobs needs one of."""


class LeaseRenewal(msgspec.Struct, array_like=True, frozen=True):
    """One job a worker runs, for its heartbeat."""

    id: str
    fence: int
    tier: str
    entry: str


class MemoReply(msgspec.Struct, array_like=True, frozen=True):
    """The answer about a memoised step."""

    answer: str
    """`ok`, or `lost`: the job is not this attempt's any more."""
    value: str
    """JSON text of the recorded result; empty: nothing is recorded."""


class SweepReply(msgspec.Struct, array_like=True, frozen=True):
    """What one sweep cleared away."""

    cursor: str
    """Where the next one goes on; `0`: everything has been looked at."""
    consumers: int = 0
    """Consumers of dead workers that were removed."""
    logs: int = 0
    """Logs without their job that were deleted."""
    records: int = 0
    """Records of ended jobs that got the expiry they lacked."""
    lost: int = 0
    """Live jobs that lay nowhere any more, and were put back or ended."""


class NextRun(msgspec.Struct, array_like=True, frozen=True):
    """One item of `recur.lua`: the next run of a recurring kind."""

    kind: str
    tick_ms: int = 0
    """Since the epoch."""
    spec: str = ""
    """Its schedule in words; empty: it recurs no longer, and its next run is taken back."""
    id: str = ""
    """Of the job, if one has to be made."""
    tier: str = ""
    envelope: str = ""
    correlation_id: str = ""


_RECUR = Script("recur", tuple[int, int, list[str]])
_JOIN = Script("join", list[str])
_SWEEP = Script("sweep", SweepReply)
_TAKE_OVER = Script("take_over", list[ClaimedEntry | str])
_START = Script("start", tuple[list[Started], list[LaneStart], list[tuple[str, str, int]], list[str]])
_REPORT = Script("report", tuple[int, list[str]])
_BEAT = Script("beat", list[str])
_ONCE = Script("once", list[MemoReply])
_PROMOTE = Script("promote", tuple[int, int, list[str]])
_LEAVE = Script("leave", list[int])
_RELEASE = Script("release", int)


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
        max_log_bytes: int = 4_194_304,
        rules: "StartRules | None" = None,
    ) -> None:
        """Bind the operations to a store, a partition and a worker.

        Args:
            store: a client of the store; it stays the caller's to close.
            keys: the names of the namespace.
            partition: whose jobs these are.
            worker: this worker's id, also its name as a consumer.
            result_ttl_s: how long the record of a finished job is kept, s.
            chronicle: ended jobs that the partition's chronicle keeps; 0: those that end here are not told in it.
            max_log_bytes: a longer log of one job loses its older half.
            rules: limits and rates of the kinds served.

        """
        super().__init__()
        self.partition = partition
        self.worker = worker
        self.rules = rules or StartRules()
        self._store = store
        self._caller = command_pool_of(store)
        self._keys = keys
        self._root = keys.root(partition)
        self._ttl_ms = whole_ms(result_ttl_s)
        self._keep = chronicle
        self._max_log_bytes = max_log_bytes
        self._call_prefix = secrets.token_hex(4)  # a worker that is started anew may have the same name
        self._calls = itertools.count()
        self.reported_ms = 0
        """The store's time when it last took reports; for the callbacks of what `report` returned."""
        self.apart: list[tuple[str, str, int]] = []
        """Where the last start set something apart: tier, need, jobs that wait there; for those who await `start`."""

    async def join(self, tiers: list[str]) -> None:
        """See that the consumer group exists on the streams of `tiers`."""
        await _JOIN(self._store, self._root, (tiers,))

    async def leave(self, tiers: list[str]) -> int:
        """Remove this worker's consumers, so that none stay behind; return the entries it still held.

        What it held is at once free for any other worker to take over.
        """
        return sum(await _LEAVE(self._store, self._root, (self.worker, tiers)))

    async def take(self, tiers: Sequence[str], most: int, wait_ms: int) -> list[ReadyEntry]:
        """Take up to `most` new entries of each tier, waiting up to `wait_ms` for the first; 0: not at all.

        A tier may be named with a need (`standard/thread`): that is what was set apart in it until a worker has one.

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
        """Have takes that wait fail (`StoreClosedError`) at once."""
        self._caller.interrupt(self._root)

    async def take_over(self, tier: str, idle_ms: int, most: int, unread: Sequence[str] = ()) -> list[ReadyEntry]:
        """Take up to `most` entries of a tier and its lanes whose holder has not renewed their lease for `idle_ms`.

        Args:
            tier: the tier.
            idle_ms: the lease, ms.
            most: how many at the most.
            unread: needs for which the tier is not read here (see `take`): what lies apart for them is taken too.

        """
        claimed = await _TAKE_OVER(self._store, self._root, (self.worker, tier, idle_ms, most, unread))
        return [entry.held() for entry in claimed if isinstance(entry, ClaimedEntry)]

    def new_call(self) -> str:
        """Return a name for one call of `start`."""
        return f"{self._call_prefix}{next(self._calls)}"

    async def start(
        self,
        entries: list[ReadyEntry],
        call: str = "",
        spare: Mapping[str, int] | None = None,
        free: Mapping[str, int] | None = None,
        *,
        hold: bool = False,
    ) -> list[Started]:
        """Start an attempt for each entry this worker holds, and for jobs of the lanes whose turn is among them.

        Args:
            entries: what `take` or `take_over` gave.
            call: a name from `new_call`: asked again under it, because the reply was lost, this starts nothing
                anew; empty: a name of its own.
            spare: tier → jobs beyond the entries that its lanes may give; none by default.
            free: need → how many jobs of kinds that have it may start; the others are set apart (see `apart`).
            hold: what lies apart already, and has others behind it, stays in this worker's hand (`go` is 2).

        Returns:
            An answer for each entry, then one for each job that a lane gave: those say which it is (`drawn`).

        """
        items = [(entry.tier, entry.entry, entry.id) for entry in entries]
        rules = self.rules
        args = (
            self.partition, self.worker, self._ttl_ms, self._keep, call or self.new_call(), spare or {}, rules.limits,
            rules.rates, rules.needs, free or dict.fromkeys(rules.needs.values(), 0), int(hold), items,
        )  # fmt: skip
        answers, drawn, self.apart, faults = await _START(self._store, self._root, args)
        if faults:
            self._tell(faults)
        return [*answers, *(one.told() for one in drawn)] if drawn else answers

    def report(self, report: AttemptReport, *, apart: bool = False) -> "asyncio.Future[str]":
        """Write a report with the next batch: `ok`, `cancel`, `lost`, `done` or `turned`.

        The report may still be added to until the batch leaves. One that failed may be put again at
        once: the batches leave a lost store alone for a while.

        Args:
            report: what to write.
            apart: write it without others; for one that has been refused with them.

        """
        return self.gather(
            ("report", self.partition), self._send_reports, pause=store_retry_delay,
            read=self._read_reports, apart=apart,
            size=AttemptReport.size, form=AttemptReport.seal,
        ).put(report)  # fmt: skip

    def once(
        self, job: str, fence: int, name: str, value: str = "", *, apart: bool = False
    ) -> "asyncio.Future[MemoReply]":
        """Recall a memoised step of a job, or record its result: the first record stands.

        Args:
            job: the job's id.
            fence: that of the attempt; under another nothing is recorded.
            name: the step.
            value: JSON text; empty: recall only.
            apart: ask without others; for what has been refused with them.

        """
        batcher: Batcher[Any, MemoReply] = self.gather(
            ("once", self.partition), self._send_memos, pause=store_retry_delay, apart=apart, size=_memo_size
        )
        return batcher.put((job, fence, name, value))

    async def beat(self, beats: list[LeaseRenewal]) -> list[str]:
        """Renew the leases of all jobs this worker runs: `ok`, `cancel` or `lost` for each."""
        answers = await _BEAT(self._store, self._root, (self.worker, beats))
        faults = [f"{beat.id} {answer[1:]}" for beat, answer in zip(beats, answers, strict=True) if answer[:1] == "!"]
        if faults:
            self._tell(faults)
            return ["lost" if answer[:1] == "!" else answer for answer in answers]
        return answers

    async def recur(self, runs: list[NextRun]) -> tuple[int, int]:
        """See that the next runs lie in the schedule, once each.

        Returns:
            The store's time, and the earliest tick of these kinds, ms since the epoch; -1: there is none.

        """
        now, earliest, faults = await _RECUR(self._store, self._root, (self.partition, runs))
        for fault in faults:
            _log.error("recurring_broken", cause=self.partition, queue=self.partition, error=fault)
        return now, earliest

    async def promote(self, most: int = 1000) -> tuple[int, int]:
        """Queue what is due and end what is late; return how many, and the ms until the next is either (-1: none)."""
        moved, wait_ms, faults = await _PROMOTE(
            self._store, self._root, (self.partition, self._ttl_ms, self._keep, most)
        )
        self._tell(faults)
        return moved, wait_ms

    async def release(self, breaker: str, epoch: int, most: int = 500) -> int:
        """Bring forward jobs that wait for a breaker that has closed; return how many; fewer than `most`: all."""
        return await _RELEASE(self._store, self._root, (breaker, epoch, most))

    def _send_memos(self, items: list[tuple[str, int, str, str]]) -> "asyncio.Future[list[MemoReply]]":
        return _ONCE(self._store, self._root, (items,))

    async def sweep(self, tiers: list[str], living: list[str], idle_s: float, cursor: str) -> SweepReply:
        """Clear away what nobody needs any more, of a part of the partition.

        Args:
            tiers: the streams whose consumers are looked at.
            living: the workers that live, by their word; their consumers are left alone.
            idle_s: how long a consumer must not have asked for anything, s.
            cursor: that of the last sweep, at first `0`.

        """
        args = (
            tiers, living, int(idle_s * 1000), self._ttl_ms, cursor, SWEEP_KEYS, self.rules.limits,
            self.partition, self._keep,
        )  # fmt: skip
        return await _SWEEP(self._store, self._root, args)

    def _send_reports(self, reports: list[AttemptReport]) -> "asyncio.Future[tuple[int, list[str]]]":
        args = (
            self.partition,
            self._max_log_bytes,
            self._ttl_ms,
            MAX_DEAD,
            self._keep,
            [report.seal() for report in reports],
        )
        return _REPORT(self._store, self._root, args)

    def _tell(self, faults: list[str]) -> None:
        """Log jobs that ended because the store holds of them what nothing of ours has written."""
        for fault in faults:
            job, _, error = fault.partition(" ")
            _log.error("record_broken", cause=self.partition, queue=self.partition, job=job, error=error)

    def _read_reports(self, told: tuple[int, list[str]]) -> list[str]:
        self.reported_ms, answers = told
        return answers


def _entry(tier: str, need: str, raw: tuple[bytes, list[bytes] | None]) -> ReadyEntry:
    entry, fields = raw
    place = f"{entry.decode()}/{need}" if need else entry.decode()
    # The scripts add `id` first and `env` second, and read them so too. What else has been put there is no job.
    job, envelope = (fields[1], fields[3]) if fields is not None and len(fields) >= 4 else (b"", b"")
    return ReadyEntry(tier, place, job.decode(errors="replace"), envelope)


def _text_bytes(raw: bytes) -> bytes:
    """Return the bytes of a text of MessagePack, which need not be UTF-8.

    Source: https://github.com/msgpack/msgpack/blob/master/spec.md#str-format-family
    """
    head = {0xD9: 2, 0xDA: 3, 0xDB: 5}.get(raw[0], 1)
    return raw[head:]


def _memo_size(memo: tuple[str, int, str, str]) -> int:
    return len(memo[3])
