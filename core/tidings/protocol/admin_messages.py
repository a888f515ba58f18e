"""What operators ask over HTTP under `/v1/admin`, and are answered. All of it needs the scope `admin`."""

from typing import Annotated, Any, Literal

import msgspec

from .messages import Snapshot
from .overview import Percentiles
from .problems import CODES
from .text_types import CodeText, MomentText, StateText, one_of

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
    """`retrying`, `failed` or `lost`: its worker gave no sign of life."""
    problem: Any = None
    """The problem document; null for one that was lost."""


class JobDetail(Snapshot, frozen=True, kw_only=True):
    """All that the store knows of a job: what its owner may see, and what only operators may.

    A snapshot leaves out the fields that have their defaults. The fields of its own have none, so that each is in
    every answer, whatever the job has lived through; `input` alone may be absent.
    """

    queue: str
    """The queue it waits or waited in."""
    tier: str
    """The tier there."""
    owner: str
    """Whose credential submitted it; empty: nobody was asked."""
    caller: str
    """Among whose jobs it counts: the owner, or an address."""
    worker: str | None
    """Who runs it."""
    entry: str | None
    """Where it lies in its ready stream."""
    due: MomentText | None
    """When it leaves the schedule (RFC 3339), if it lies there."""
    deadline: MomentText | None
    """When it is not worth finishing any more (RFC 3339)."""
    cancel_asked: bool
    """Whether somebody asked that it stop, and its worker has not obeyed yet."""
    input: Any = msgspec.UNSET
    """What was submitted; there only while the store keeps it: until the job has ended, and in its dead letter."""
    error: str
    """Of one that failed: the exception, which clients are never shown."""
    traceback: str
    """Of one that failed: where the exception came from, which clients are never shown."""
    history: list[PastAttempt]
    """The attempts that did not succeed, the first first."""
    letter: str | None
    """The id of its dead letter."""
    parent: str | None
    """The token of the saga that called it."""


class LetterView(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter."""

    token: str
    """The job."""
    died: MomentText
    """RFC 3339."""
    kind: str
    """Its kind."""
    queue: str
    """Its queue."""
    tier: str
    """Its tier."""
    attempt: int
    """Attempts since it was submitted or last replayed."""
    replays: int
    """How often it had been replayed before."""
    owner: str
    """Whose credential submitted it; empty: the server asks for none."""
    correlation_id: str | None
    """The client's; null: it gave none."""
    code: CodeText
    """The problem's."""
    detail: str
    """The problem's."""
    error: str
    """The exception, in one line where it has one."""


class LetterPage(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters, the newest first."""

    letters: list[LetterView]
    """The dead letters."""
    cursor: str | None
    """For the page that follows; null: there is none."""
    incomplete: bool = False
    """The request had looked at as many letters as one may before the page was full: others may follow by `cursor`."""


class LetterFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead letters are meant; what is not said does not matter."""

    queue: str | None = None
    """Those of this queue."""
    kind: str | None = None
    """Those of this kind."""
    code: str | None = None
    """The problem's code."""
    older_than: Annotated[float, msgspec.Meta(ge=0, le=3_153_600_000)] | None = None
    """The job died at least so many seconds ago."""
    newer_than: Annotated[float, msgspec.Meta(ge=0, le=3_153_600_000)] | None = None
    """The job died at most so many seconds ago."""


class LetterChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead letters are replayed or dropped: give `tokens` or `filter`."""

    tokens: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_LETTERS_PER_REQUEST)] | None = None
    """The jobs, 1 to 1,000."""
    filter: LetterFilter | None = None
    """Of those that it means, the oldest 1,000 are taken at a time; `more` says whether there are others."""
    dry_run: bool = False
    """Say what would be done, and do nothing."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One job of several that was left alone."""

    token: str
    """The job."""
    why: Annotated[str, one_of("gone", "live", "held")]
    """`gone`: there is no such letter, or not any more; `live`: the job is not failed; `held`: another job with its
    unique value lives."""


class LettersActed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of dead letters."""

    done: int
    """How many were replayed or dropped; of a dry run: would be."""
    dry_run: bool
    """Whether nothing was done."""
    refused: list[Refusal]
    """Those that were left alone."""
    more: bool = False
    """Whether the filter means more than were taken: ask again."""


class BreakerOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a breaker is to do."""

    state: Literal["open", "closed", "auto"]
    """`open` and `closed` hold it there; `auto`: closed, and it goes by its calls again."""
    seconds: Annotated[float, msgspec.Meta(gt=0, le=31_536_000)] | None = None
    """How long it is held; null: open until somebody says otherwise, closed for an hour."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One open connection of a client."""

    connection: str
    """The connection's name."""
    caller: str
    """Among whose jobs its submits count: the owner of the credential, or an address."""
    address: str
    """Where it comes from."""
    kind: Literal["socket", "stream"]
    """How it is carried."""
    since: int
    """When it opened, ms since the epoch."""
    watches: int
    """Jobs that it watches."""
    waiting_bytes: int
    """What it has not read yet."""
    slow: bool
    """Whether what waits is so much that progress is left out."""


class ConnectionList(msgspec.Struct, frozen=True, kw_only=True):
    """The connections of the server process that answers; others hold others."""

    server: str
    """The name of that process."""
    connections: list[Connection]
    """The connections, the slow ones first."""
    more: int = 0
    """How many are left out."""


class JobLine(msgspec.Struct, frozen=True, kw_only=True):
    """One job in a list."""

    token: str
    """The job's name for clients."""
    kind: str
    """Its kind."""
    state: StateText
    """Its state."""
    queue: str
    """Its queue."""
    tier: str
    """Its tier."""
    attempt: int
    """How many attempts have begun."""
    submitted: int
    """ms since the epoch."""
    finished: int | None = None
    """ms since the epoch; null: it lives."""
    total: float | None = None
    """Seconds from its submission to its end; null: it lives."""
    correlation_id: str | None = None
    """The client's; null: it gave none."""
    worker: str | None = None
    """Who runs it, or ran its last attempt."""


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs: those that live, by where they lie, then those that have ended, the last first."""

    jobs: list[JobLine]
    """The jobs."""
    cursor: str | None
    """For the page that follows; null: there is none."""
    incomplete: bool = False
    """The request had looked at as many jobs as one may before the page was full: others may follow by `cursor`."""


class SeriesPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs that ended in one step of time."""

    at: int
    """When it begins, ms since the epoch."""
    count: int
    """How many ended."""
    failed: int
    """Those of them that failed or expired."""
    wait: Percentiles | None
    """From when a job was queued the last time until a worker took it; null: none ended."""
    run: Percentiles | None
    """Of the last attempt; null: none ended."""
    total: Percentiles | None
    """From the submission to the end; null: none ended."""
    cells: list[int]
    """How many had a total below the first of `edges`, between each two, and beyond the last."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs that ended, step by step."""

    step: float
    """Seconds."""
    points: list[SeriesPoint]
    """Oldest first; the last step is still going on."""
    edges: list[float]
    """Of the heat map's cells, s."""
    reaches_back: int | None = None
    """From when on all are there, ms since the epoch, where the chronicle does not reach back to the first step."""


class QueueState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a queue is paused."""

    queue: str
    """The queue."""
    paused: bool
    """Whether its workers take nothing."""


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an operator did, or that a caller was refused."""

    at: int
    """ms since the epoch, by the store's clock."""
    who: str
    """Whose credential it was; empty: nobody was asked."""
    address: str
    """Where the request came from."""
    action: str
    """What was asked for."""
    target: str
    """Of what: a job, a queue, a breaker."""
    detail: str
    """The body of the request, cut at 1,000 characters."""
    outcome: Annotated[str, one_of("done", *CODES)]
    """`done`, or the code of the problem."""
    unrecorded: int = 0
    """Refusals of the same caller since its entry before that left no entry."""


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """The audit log, the newest first."""

    entries: list[AuditLine]
    """The entries."""
    cursor: str | None
    """For the page that follows; null: there is none."""


class ObjectiveRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wanted of a kind's jobs."""

    total_p99: Annotated[float, msgspec.Meta(gt=0, le=31_536_000)] | None = None
    """Seconds from submission to end within which 99 of 100 shall be over."""
    success: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    """The share that shall succeed."""


class Objective(ObjectiveRule, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What is wanted of a kind's jobs, and how those did that the chronicle holds."""

    kind: str
    """The kind."""
    count: int
    """Jobs that ended, without those whose end was asked for."""
    failed: int
    """Those of them that failed or expired."""
    slow: int
    """Those that took longer than `total_p99`."""
    rate: float | None
    """The share that succeeded; null: none ended."""
    budget: float | None
    """What is left of the failures that `success` allows: 1 all, 0 nothing, below 0 overdrawn; null: no objective."""
    since: int | None
    """When the first of them ended, ms since the epoch."""


class ObjectiveList(msgspec.Struct, frozen=True, kw_only=True):
    """All objectives."""

    objectives: list[Objective]
    """The objectives."""
