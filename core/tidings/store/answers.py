"""What the scripts answer about one item: a word each, decoded into these enums by MessagePack.

Each word stands in the head of its script too (`lua/*.lua`, `Reply`), with what it means; a test compares the two.
"""

from enum import IntEnum, StrEnum


class SubmitAnswer(StrEnum):
    """What became of a `NewJob` (`submit.lua`)."""

    NEW = "new"
    """It is accepted."""
    DUPLICATE = "duplicate"
    """The idempotency key, or the unique value, belongs to an earlier job."""
    REUSED = "reused"
    """The idempotency key belongs to an earlier job with another payload."""
    FULL = "full"
    """Too many jobs wait in the tier."""
    CROWDED = "crowded"
    """The caller has too many live jobs."""
    HEAVY = "heavy"
    """The envelopes of the caller's live jobs are too many bytes."""
    OWING = "owing"
    """The receivers of the caller's webhooks take too little: too many deliveries are not over."""
    BUSY = "busy"
    """The job would wait longer than its kind allows."""
    STALE = "stale"
    """By a newer placement of the queue its key lies in another partition: read the placement, and submit it there."""
    CLAIMED = "claimed"
    """The key has no job in this partition, and by an older placement gets none here any more (`claim.lua`)."""


class CancelAnswer(StrEnum):
    """What became of the wish that a job stop (`cancel.lua`)."""

    CANCELLED = "cancelled"
    """It is cancelled."""
    ASKED = "asked"
    """It runs, or has to undo its work first: its worker ends it."""
    FINISHED = "finished"
    """It was over."""
    UNKNOWN = "unknown"
    """There is no such job of that owner."""


class SignalAnswer(StrEnum):
    """What became of a signal (`signal.lua`)."""

    OK = "ok"
    """The job has it."""
    UNKNOWN = "unknown"
    """There is no such job of that owner."""
    FINISHED = "finished"
    """The job is over, or undoes its work."""
    TOO_LARGE = "too_large"
    """Its value is too large."""
    FULL = "full"
    """The job has had as many as it may, or its journal is full."""


class ForgetAnswer(StrEnum):
    """What became of the wish that a job be forgotten (`forget.lua`)."""

    FORGOTTEN = "forgotten"
    """What the store kept of it is gone."""
    LIVE = "live"
    """It has not ended; the store has removed nothing."""
    UNKNOWN = "unknown"
    """There is no such job of that owner."""


class StartAnswer(IntEnum):
    """What a worker is to do with an entry (`start.lua`)."""

    LEAVE = 0
    """Nothing: the job must not run, and the store has dealt with it."""
    RUN = 1
    """Run it."""
    WAIT = 2
    """Keep the entry, and ask again when something is free."""


class ReportAnswer(StrEnum):
    """What became of a report (`report.lua`)."""

    OK = "ok"
    """It is written."""
    CANCEL = "cancel"
    """It is written, and a client or an operator asked that the job stop."""
    LOST = "lost"
    """Another attempt has the job: nothing is written."""
    DONE = "done"
    """It was written before."""
    TURNED = "turned"
    """It is written, and the job, which would have ended, undoes its work first."""


class LeaseAnswer(StrEnum):
    """What became of a lease that was to be renewed (`beat.lua`)."""

    OK = "ok"
    """It is renewed."""
    CANCEL = "cancel"
    """It is renewed, and a client or an operator asked that the job stop."""
    LOST = "lost"
    """Another attempt has the job."""


class FenceAnswer(StrEnum):
    """Whether an attempt may read or write what belongs to its job (`once.lua`)."""

    OK = "ok"
    """It may."""
    LOST = "lost"
    """Another attempt has the job."""


class JournalAnswer(StrEnum):
    """What became of a read or a write of a journal (`step.lua`, `journal.lua`)."""

    OK = "ok"
    """The store has done it."""
    CANCEL = "cancel"
    """The store has written the step; a client or an operator asked that the job stop."""
    LOST = "lost"
    """Another attempt has the job, or it has ended; the store has done nothing."""
    LONG = "long"
    """The journal is full; the store has written nothing."""


class WakeAnswer(StrEnum):
    """What became of the end of a child (`wake.lua`)."""

    OK = "ok"
    """The parent knows it."""
    DONE = "done"
    """The parent knew it before."""
    GONE = "gone"
    """The parent, or that step of it, is no more."""


class BreakerAnswer(StrEnum):
    """What became of an operation on a breaker (`breaker.lua`)."""

    OK = "ok"
    """The store has done it."""
    STALE = "stale"
    """Nothing has changed: the calls are of another epoch, or the call is not the trial."""
    CLOSED = "closed"
    """The call may go on; the breaker counts its result."""
    TRIAL = "trial"
    """The call may go on as the trial; its result decides."""
    REFUSED = "refused"
    """The call may not go on."""
