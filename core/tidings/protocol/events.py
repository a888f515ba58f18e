"""Events: what happens to a job, as its watchers see it.

An event is born in a Lua script, which gives it its number and its time, and travels as the bytes
of the frame that the client will get (`EventFrame`); no process between parses it again. Beside the
frame travels its *class*, which says what a slow or broken connection may do with it.
"""

from enum import IntEnum, StrEnum

from .states import State


class EventName(StrEnum):
    """The names of events; clients ignore names they do not know."""

    QUEUED = "queued"
    """The job is in line, or goes back into it. `data` is empty."""
    STARTED = "started"
    """An attempt has begun. `data`: `attempt`, its number from 1."""
    PROGRESS = "progress"
    """The handler reports how far it is. `data`: `fraction` (0 to 1, or null), `message`, `data`."""
    LOG = "log"
    """The handler has written a chunk to the log. `data` is the chunk, any JSON."""
    STEP = "step"
    """A step of a saga has begun, ended or been undone. `data`: `path`, `name`, `type`, `status`, `child`."""
    RETRYING = "retrying"
    """An attempt failed, and another follows. `data`: `attempt` that failed, `after` (s), `problem`."""
    WAITING = "waiting"
    """A saga has left its worker, and waits for a signal, a time or a child. `data` is empty."""
    SUCCEEDED = "succeeded"
    """The job has ended with a result. `data`: `result`."""
    FAILED = "failed"
    """The job has failed for good. `data`: `problem`."""
    CANCELLED = "cancelled"
    """The job was cancelled. `data` is empty."""
    EXPIRED = "expired"
    """The deadline passed before the job had ended. `data` is empty."""


class StreamEvent(StrEnum):
    """The names of the events of streams: only those who watch a job get them, no webhook and no group."""

    CHUNK = "chunk"
    CHUNKS = "chunks"
    RESET = "reset"


class EventClass(IntEnum):
    """What a reader may do with an event it cannot take at once. The Lua scripts use the numbers."""

    PROGRESS = 0
    """The newest wins: an older one of the same job that is still waiting may be dropped."""
    LOG = 1
    """A log chunk, or an event of a stream; never skipped."""
    CHANGE = 2
    """A change of state that is not the last; never skipped."""
    FINAL = 3
    """The terminal event; nothing follows it."""


FINAL_STATE: dict[str, State] = {
    EventName.SUCCEEDED: State.SUCCEEDED,
    EventName.FAILED: State.FAILED,
    EventName.CANCELLED: State.CANCELLED,
    EventName.EXPIRED: State.EXPIRED,
}
"""The terminal events and the states they announce."""
