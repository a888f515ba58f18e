"""What an attempt is about."""

from typing import Any, NamedTuple

from tidings.declare.job import Job
from tidings.protocol.frames.envelope import Envelope
from tidings.store.attempts.attempt_store import Started


class StartedJob(NamedTuple):
    """One job that this worker has started."""

    id: str
    """The job's id."""
    job: Job[Any, Any]
    """Its kind."""
    envelope: Envelope
    """What it was queued with."""
    started: Started
    """What the store answered to the start."""

    @property
    def fence(self) -> int:
        """The number under which the store takes what this attempt reports and records."""
        return self.started.fence
