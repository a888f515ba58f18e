"""What is known of many jobs in flight on one socket, and how long each took since somebody wanted it.

No I/O and no clock. Durations count from the moment a job was meant to be submitted, not from when it was: else
a system that stalls would be measured by those only whom it did not keep waiting.
"""

from tidings.protocol.states import TERMINAL

from .frame import Frame
from .tally import Tally


class Job:
    """One job in flight."""

    __slots__ = ("counted", "intended", "over_at", "progress", "seq")

    def __init__(self, intended: float, *, counted: bool) -> None:
        self.intended = intended
        """When it was meant to be submitted, s."""
        self.counted = counted
        """Whether its durations are."""
        self.seq = 0
        self.progress = 0
        self.over_at: float | None = None
        """When it succeeded before its ack came; None: it did not."""


class Book:
    """The jobs of one socket."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._ref = 0
        self._unacked: dict[int, Job] = {}
        self._running: dict[str, Job] = {}
        self._early: dict[str, Job] = {}
        """Jobs that were heard of before their ack."""
        self._over: set[str] = set()

    @property
    def unacked(self) -> int:
        """How many submits wait for their ack."""
        return len(self._unacked)

    @property
    def unfinished(self) -> int:
        """How many jobs are not over, as far as has been heard."""
        return len(self._unacked) + len(self._running)

    def submit(self, intended: float, *, counted: bool) -> int:
        """Take note of a submit that was meant for the moment `intended`; return the ref to give it."""
        self._ref += 1
        self._unacked[self._ref] = Job(intended, counted=counted)
        return self._ref

    def receive(self, frame: Frame, now: float) -> None:
        """Count a frame."""
        match frame.type:
            case "event":
                self._event(frame, now)
            case "ack":
                self._ack(frame, now)
            case "error":
                self._tally.errors += 1
                self._unacked.pop(frame.ref or 0, None)
            case "goaway" | "snapshot":  # neither was asked for
                self._tally.errors += 1

    def _ack(self, frame: Frame, now: float) -> None:
        job = self._unacked.pop(frame.ref or 0, None)
        if job is None or frame.token is None:
            self._tally.errors += 1
            return
        if job.counted:
            self._tally.ack.add(now - job.intended)
        early = self._early.pop(frame.token, None)
        if early is not None:
            job.seq, job.progress, job.over_at = early.seq, early.progress, early.over_at
        if frame.token not in self._over:
            self._running[frame.token] = job
        elif job.over_at is not None:
            self._end(job, job.over_at)

    def _event(self, frame: Frame, now: float) -> None:
        token = frame.token or ""
        if token in self._over:  # nothing may follow the last event of a job
            self._tally.errors += 1
            return
        job = self._running.get(token)
        acked = job is not None
        if job is None:
            self._tally.early += 1
            job = self._early.setdefault(token, Job(now, counted=False))
        if frame.seq <= job.seq:
            self._tally.errors += 1
        job.seq = frame.seq
        if frame.event == "progress":
            job.progress += 1
        if frame.event not in TERMINAL:
            return
        self._over.add(token)
        self._running.pop(token, None)
        if frame.event != "succeeded":
            self._tally.errors += 1
        elif acked:
            self._end(job, now)
        else:
            job.over_at = now

    def _end(self, job: Job, now: float) -> None:
        if job.counted:
            self._tally.reply.add(now - job.intended)
        self._tally.finished(job.progress)


class Quota:
    """What one socket has to submit of a burst, as much at a time as may wait for its ack."""

    def __init__(self, count: int) -> None:
        self.left = count
        """How many have not been submitted."""

    def take(self, unacked: int, most: int) -> int:
        """Return how many to submit now, while `unacked` wait for their ack and `most` may."""
        now = max(0, min(self.left, most - unacked))
        self.left -= now
        return now
