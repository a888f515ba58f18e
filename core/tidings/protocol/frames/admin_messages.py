"""The requests of operators over HTTP under `/v1/admin`, and the answers. All of them need the scope `admin`."""

from typing import Annotated, Any, Literal

import msgspec

from tidings.protocol.partial_answer import PartialAnswer
from tidings.protocol.problems import CODES
from tidings.protocol.text_types import CodeText, MomentText, StateText, one_of

from .messages import Snapshot
from .overview import Percentiles

MAX_LETTERS_PER_REQUEST = 1_000
"""Dead letters that one request may replay or drop."""


class PastAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that did not succeed."""

    attempt: int
    """Its number, from 1."""
    at: MomentText
    """When it ended (RFC 3339)."""
    worker: str
    """The worker that ran it."""
    event: Annotated[str, one_of("retrying", "failed", "lost")]
    """`retrying`, `failed`, or `lost`: the worker's heartbeats stopped."""
    problem: Any = None
    """The problem document; null if the attempt was lost."""


class JobDetail(Snapshot, frozen=True, kw_only=True):
    """All that the store holds of a job: the snapshot that its owner may see, and fields that only operators may see.

    A snapshot leaves out fields that have their defaults. The fields added here have no defaults, so every answer
    contains them; only `input` may be absent.
    """

    queue: str
    """The queue that the job waits or waited in."""
    tier: str
    """The tier of that queue."""
    owner: str
    """The owner of the credential that submitted it; empty: the server asked for none."""
    caller: str
    """The caller whose share the job counts in: the owner, or else an address."""
    worker: str | None
    """The worker that runs it."""
    entry: str | None
    """The id of its entry in the ready stream."""
    due: MomentText | None
    """When it leaves the schedule (RFC 3339); null: it is not scheduled."""
    deadline: MomentText | None
    """When the store expires it (RFC 3339); null: it has no deadline."""
    cancel_asked: bool
    """Whether a client or an operator has asked that it stop, and its worker has not stopped it yet."""
    input: Any = msgspec.UNSET
    """The input; present while the store keeps it: until the job has ended, and in its dead letter."""
    error: str
    """Of a failed job: the exception, which clients never see."""
    traceback: str
    """Of a failed job: the exception's traceback, which clients never see."""
    history: list[PastAttempt]
    """The attempts that did not succeed, oldest first."""
    letter: str | None
    """The id of its dead letter."""
    parent: str | None
    """The token of the saga that submitted it as a step; null: it is no step."""


class LetterView(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter."""

    token: str
    """The job's token."""
    died: MomentText
    """When the job failed (RFC 3339)."""
    kind: str
    """The job's kind."""
    queue: str
    """The job's queue."""
    tier: str
    """The job's tier."""
    attempt: int
    """Attempts since the job was submitted or last replayed."""
    replays: int
    """How often operators had replayed the job before."""
    owner: str
    """The owner of the credential that submitted it; empty: the server asked for none."""
    correlation_id: str | None
    """The correlation id that the client gave; null: none."""
    code: CodeText
    """The problem's code."""
    detail: str
    """The problem's detail."""
    error: str
    """The exception in one line; empty: there was none."""
    tags: list[str] = []
    """Its tags."""


class LetterPage(PartialAnswer, frozen=True, kw_only=True):
    """Dead letters, the newest first."""

    letters: list[LetterView]
    """The dead letters."""
    cursor: str | None
    """The `cursor` of the next page; null: this is the last."""
    incomplete: bool = False
    """Whether the request reached its limit of letters to look at before the page was full; `cursor` continues."""


class LetterFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Selects dead letters; a field that is not given matches all."""

    queue: str | None = None
    """Letters of this queue."""
    kind: str | None = None
    """Letters of this kind."""
    code: str | None = None
    """The problem's code."""
    older_than: Annotated[float, msgspec.Meta(ge=0, le=3_153_600_000)] | None = None
    """The job failed at least so many seconds ago."""
    newer_than: Annotated[float, msgspec.Meta(ge=0, le=3_153_600_000)] | None = None
    """The job failed at most so many seconds ago."""


class LetterChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names the dead letters to replay or drop, by `tokens` or by `filter`."""

    tokens: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_LETTERS_PER_REQUEST)] | None = None
    """The jobs' tokens, 1 to 1,000."""
    filter: LetterFilter | None = None
    """A filter; one request acts on the oldest 1,000 letters it matches, and `more` says whether there are others."""
    dry_run: bool = False
    """Answer what the request would do, and do nothing."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One job that the request left unchanged."""

    token: str
    """The job's token."""
    why: Annotated[str, one_of("gone", "live", "held")]
    """`gone`: the store has no such letter (any more); `live`: the job is not failed; `held`: another job with its
    unique value has not ended."""


class LettersActed(PartialAnswer, frozen=True, kw_only=True):
    """The result of a replay or a drop."""

    done: int
    """How many letters were replayed or dropped; in a dry run: how many would be."""
    dry_run: bool
    """Whether this was a dry run, which changes nothing."""
    refused: list[Refusal]
    """The jobs that were left unchanged."""
    more: bool = False
    """Whether the filter matches further letters: send the request again."""


class BreakerOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operator's order to a breaker."""

    state: Literal["open", "closed", "auto"]
    """`open` and `closed` hold the breaker in that state; `auto` closes it and lets its calls decide again."""
    seconds: Annotated[float, msgspec.Meta(gt=0, le=31_536_000)] | None = None
    """How long it is held, s; null: open until an operator closes it, or closed for an hour."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One open connection of a client."""

    connection: str
    """The connection's name."""
    caller: str
    """The caller whose share its submits count in: the owner of the credential, or else an address."""
    address: str
    """The client's address."""
    kind: Literal["socket", "stream"]
    """`socket`: a WebSocket; `stream`: server-sent events."""
    since: int
    """When the client opened it, ms since the epoch."""
    watches: int
    """How many jobs it watches."""
    waiting_bytes: int
    """Bytes that the client has not read yet."""
    slow: bool
    """Whether so many bytes wait that the server leaves out progress events."""


class ConnectionList(msgspec.Struct, frozen=True, kw_only=True):
    """The connections of the server process that answers; other processes have their own."""

    server: str
    """The name of the process."""
    connections: list[Connection]
    """The connections, the slow ones first."""
    more: int = 0
    """How many further connections the answer leaves out."""


class JobLine(msgspec.Struct, frozen=True, kw_only=True):
    """One job in a list."""

    token: str
    """The job's token."""
    kind: str
    """The job's kind."""
    state: StateText
    """The job's state."""
    queue: str
    """The job's queue."""
    tier: str
    """The job's tier."""
    attempt: int
    """How many attempts have begun."""
    submitted: int
    """When the client submitted it, ms since the epoch."""
    finished: int | None = None
    """When it ended, ms since the epoch; null: it has not ended."""
    total: float | None = None
    """Seconds from its submission to its end; null: it has not ended."""
    correlation_id: str | None = None
    """The correlation id that the client gave; null: none."""
    worker: str | None = None
    """The worker that runs it, or that ran its last attempt."""
    owner: str = ""
    """The owner of the credential that submitted it; empty: the server asked for none."""
    tags: list[str] = []
    """Its tags."""


class JobPage(PartialAnswer, frozen=True, kw_only=True):
    """Jobs: those that have not ended, by their place in the store, then those that have, newest end first."""

    jobs: list[JobLine]
    """The jobs."""
    cursor: str | None
    """The `cursor` of the next page; null: this is the last."""
    incomplete: bool = False
    """Whether the request reached its limit of jobs to look at before the page was full; `cursor` continues."""


class SeriesPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs that ended in one interval of a series."""

    at: int
    """When the interval begins, ms since the epoch."""
    count: int
    """How many jobs ended."""
    failed: int
    """How many of them failed or expired."""
    wait: Percentiles | None
    """Time from when a job was last queued until a worker took it; null: no job ended."""
    run: Percentiles | None
    """Time that the last attempt took; null: no job ended."""
    total: Percentiles | None
    """Time from submission to end; null: no job ended."""
    cells: list[int]
    """How many jobs had a total time below the first of `edges`, between each two, and above the last."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs that ended, interval by interval."""

    step: float
    """The length of an interval, s."""
    points: list[SeriesPoint]
    """The intervals, oldest first; the last one has not ended."""
    edges: list[float]
    """The bounds of the heat map's cells, s."""
    reaches_back: int | None = None
    """Where the chronicle begins after the first interval: from when on the series is complete, ms since the epoch."""


class QueueState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a queue is paused."""

    queue: str
    """The queue."""
    paused: bool
    """Whether its workers take no jobs."""


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """One act of an operator, or one refusal of a caller."""

    at: int
    """When, ms since the epoch, by the store's clock."""
    who: str
    """The owner of the credential, or `user@host` of a command line; empty: the server asked for no credential."""
    address: str
    """The address that the request came from, or the host of the command line."""
    action: str
    """The action: `pause`, `resume`, `cancel`, `breaker`, `replay`, `drop`, `objectives`, `partitions` or
    `remove_kinds`."""
    target: str
    """The job, queue, breaker or kinds that the action was for; empty: `detail` says."""
    detail: str
    """What the operator asked, as JSON; of a refusal the body of the request. Cut at 1,000 characters."""
    outcome: Annotated[str, one_of("done", *CODES)]
    """`done`, or the code of the problem."""
    unrecorded: int = 0
    """Refusals of the same caller since its previous entry that the server did not record."""


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the audit log, newest first."""

    entries: list[AuditLine]
    """The entries."""
    cursor: str | None
    """The `cursor` of the next page; null: this is the last."""


class ObjectiveRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The objective of a kind's jobs."""

    total_p99: Annotated[float, msgspec.Meta(gt=0, le=31_536_000)] | None = None
    """Seconds from submission to end within which 99 of 100 jobs shall end."""
    success: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    """The share of jobs that shall succeed."""


class Objective(ObjectiveRule, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The objective of a kind's jobs, and how the jobs in the chronicle met it."""

    kind: str
    """The kind."""
    count: int
    """Jobs that ended, without cancelled ones."""
    failed: int
    """How many of them failed or expired."""
    slow: int
    """How many of them took longer than `total_p99`."""
    rate: float | None
    """The share that succeeded; null: no job ended."""
    budget: float | None
    """The rest of the failures that `success` allows: 1 all, 0 none, below 0 exceeded; null: no such objective."""
    since: int | None
    """When the first of the jobs ended, ms since the epoch; null: no job ended."""


class ObjectiveList(msgspec.Struct, frozen=True, kw_only=True):
    """All objectives."""

    objectives: list[Objective]
    """The objectives."""
