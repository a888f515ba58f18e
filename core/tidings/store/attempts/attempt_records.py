"""What passes between a worker and the store: entries, starts, reports, leases; as the scripts take and give it."""

from itertools import chain
from typing import Any, Literal, NamedTuple

import msgspec

from tidings.protocol.events import EventClass
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.states import State
from tidings.store.answers import FenceAnswer, StartAnswer
from tidings.store.redis.encoding.script_arguments import LargeText
from tidings.store.redis.encoding.text_bytes import text_bytes
from tidings.store.streams.stream_records import KeepChunks, StreamChunks


class ReadyEntry(NamedTuple):
    """One entry of a ready stream that this worker holds."""

    tier: str
    entry: str
    """Where it lies: the stream's id of it, `ms-n`; in a lane `ms-n/lane`."""
    id: str
    """The job's id; `/` and a lane: it is that lane's turn."""
    envelope: bytes

    @property
    def is_turn(self) -> bool:
        """Whether it is a lane's turn: the jobs that start for it come from the lane."""
        return self.id.startswith("/")


class ClaimedEntry(msgspec.Struct, array_like=True, frozen=True):
    """An entry as a script gives it."""

    tier: str
    entry: str
    id: str
    envelope: msgspec.Raw
    """A text of MessagePack, taken as it is: what the store holds there may not be UTF-8."""

    def held(self) -> ReadyEntry:
        """Return it as what `take` gives."""
        return ReadyEntry(self.tier, self.entry, self.id, text_bytes(bytes(self.envelope)))


class Started(msgspec.Struct, array_like=True, frozen=True):
    """The answer to the start of an attempt."""

    go: StartAnswer
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

    def answer(self) -> Started:
        """Return the answer about it."""
        return msgspec.structs.replace(self.started, drawn=self.held())


class Unserved(NamedTuple):
    """Of which kind and version a job is that its worker does not serve, or serves only by an upcast."""

    kind: str
    version: int
    upcast: int = 0
    """1: it serves the job by an upcast, unless that is a saga which is pinned to its version."""


class AttemptOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an attempt ended. `report.lua` takes it as a map without the defaults, and makes the event's frame of it."""

    state: State
    field: str = ""
    """`result`, `problem`, `held` or empty: under which name the record and the event have the value."""
    value: str = ""
    """JSON text for `field`; of a retry, the problem, for the job's history too; empty where it is `large`."""
    event: str = ""
    """The event's name; empty: the state."""
    data: str = ""
    """The members of the event's data beside the value: JSON text without the braces."""
    delay_ms: int = 0
    """Of an attempt that leaves to wait: until its timer; -1: it has none."""
    uncounted: int = 0
    """1: the attempt does not count (handed back)."""
    note: str = ""
    """JSON text for the dead letter: traceback and the like, never shown to clients."""
    woken: int = 0
    """Of an attempt that leaves to wait: how often its job had been woken when it last looked."""
    awaits: str = ""
    """The signals it waits for, each between spaces."""
    compensation: str = ""
    """Of a saga that undid its work: `complete` or `incomplete`."""
    held: str = ""
    """The breaker for which it waits in the schedule; empty: for none."""
    unserved: Unserved | Literal[False] = False
    """Of a job that this worker does not serve: its kind and version; it waits for a worker that does."""
    code: str = ""
    """Of a saga that is to be held, with the problem as `held`: the digest of the code that does not fit it."""
    large: LargeText | None = None
    """In the place of `value`, the result of a job that succeeded, where it is large."""

    @property
    def result(self) -> str | bytes:
        """The result of a job that succeeded, JSON."""
        return self.value if self.large is None else self.large.data


ReportedEvent = tuple[EventClass, str] | StreamChunks | KeepChunks
"""Progress or a log chunk as class and JSON text; or what an attempt says in a stream."""


class AttemptReport:
    """What one attempt has to say since its last report. Its worker may add to it until it is sealed."""

    __slots__ = ("events", "fence", "has_streams", "history", "id", "number", "outcome", "sealed")

    def __init__(self, job: str, fence: int, number: int) -> None:
        self.id: str = job
        self.fence: int = fence
        self.number: int = number
        """Counts the reports of one attempt from 1; a report that is sent twice counts once."""
        self.events: list[ReportedEvent] = []
        """What the handler said, in its order."""
        self.has_streams: bool = False
        """Whether something of a stream is among the events."""
        self.outcome: AttemptOutcome | None = None
        self.history: str = ""
        """With an outcome: what `history_text` returned; empty: the store reads it in the job's record."""
        self.sealed: bool = False
        """Whether it has left: what comes now belongs to the next report."""

    def size(self) -> int:
        """Return about how many bytes it comes to."""
        outcome = self.outcome
        size = 0 if outcome is None else len(outcome.value) + len(outcome.data) + len(outcome.large or "")
        for event in self.events:
            size += event_size(event)
        return size

    def seal(self) -> tuple[object, ...]:
        """Return the item of `report.lua`; the worker may add nothing after this."""
        self.sealed = True
        events: list[Any] = self.events
        if not self.has_streams:  # class, data, class, data …: to unpack many small arrays costs the store more
            events = [*chain.from_iterable(events)]
        item = self.id, self.fence, self.number, events, self.has_streams
        outcome = self.outcome
        if outcome is None:
            return item
        # A result alone says that the job succeeded: no other outcome is as frequent.
        said = (outcome.large or outcome.value) if outcome.state is State.SUCCEEDED else outcome
        return (*item, said, self.history) if self.history else (*item, said)


def history_text(tier: str, envelope: Envelope, started: Started, worker: str) -> str:
    """Return what the history of finished jobs holds of a job behind its state (`lua/lib/events/history.lua`)."""
    enqueued = started.started_ms - started.waited_ms
    text = (
        f"{tier}\x1f{envelope.kind}\x1f{started.attempt}\x1f{started.submitted_ms}\x1f{enqueued}\x1f"
        f"{started.started_ms}\x1f{envelope.correlation_id}\x1f{worker}"
    )
    return f"{text}\x1e{envelope.owner}\x1e{envelope.tags}" if envelope.owner or envelope.tags else text


def event_size(event: ReportedEvent) -> int:
    """Return about how many bytes an event of a report comes to."""
    if type(event) is tuple:
        return len(event[1])
    return event.bytes if isinstance(event, StreamChunks) else 0


class ReportLimits(msgspec.Struct, frozen=True):
    """What the store keeps of what one job reports, and how."""

    max_log_bytes: int = 4_194_304
    """A longer log loses its older half."""
    max_stream_bytes: int = 16_777_216
    """Of all its streams."""
    compact: bool = False
    """Whether a job that succeeds gets a compact record, where it can have one (`lua/lib/records.lua`)."""


VersionRange = tuple[int, int]
"""The oldest and the newest version of a kind that a worker serves."""


class StartRules(msgspec.Struct, frozen=True):
    """What keeps jobs of some kinds from starting."""

    serves: dict[str, VersionRange] = {}
    """Kind → the versions that the worker serves; jobs of other kinds and versions wait for other workers."""

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

    answer: FenceAnswer
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
    webhook: str = ""
    """As in `NewJob`."""
    version: int = 1
    """Of the kind."""
