"""Which jobs the client follows, by token, and what it takes that none of their events is missed. No I/O.

Several handles may follow one job, but a socket watches it once: a second `watch` begins again. So the client asks from
the lowest number that any of them has seen, and the snapshot that answers is for them all. After a break the client
watches each job again from the last number seen, until the job has ended. It drops an event whose number is not above
the last seen; nothing comes after the terminal one.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from tidings.protocol.frames.messages import Ack, EventFrame, SnapshotFrame
from tidings.protocol.problems import Problem

from .job_event import Event, missed_events
from .tracked_job import TrackedJob, WatchRequest

TRANSIENT_PROBLEMS = frozenset({"store_unavailable", "rate_limited", "internal_error"})
"""Problems of the server's, not of the question: a watch so refused is asked again."""


class Asking(Protocol):
    """What asks the server; without a socket both do nothing."""

    def watch(self, token: str, after: int, grant: str | None) -> None:
        """Ask for a job's events after a number, by a grant or (None) by the client's credential."""

    def unwatch(self, token: str) -> None:
        """Ask for no more of them."""


class Watches:
    """The jobs of one client that have a token and have not ended."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._jobs: dict[str, list[TrackedJob]] = {}
        self._resuming: set[str] = set()
        """Tokens that were followed when the socket opened, and of which no snapshot has come on it."""
        self._updated: list[TrackedJob] = []
        self._postponed: list[tuple[str, Problem]] = []
        self._without_grant: list[TrackedJob] = []

    @property
    def resuming(self) -> bool:
        """Whether the snapshot of some job that was followed on the last socket has not come on this one."""
        return bool(self._resuming)

    def take_updated_jobs(self) -> list[TrackedJob]:
        """Return the jobs that have got `news` since the last call."""
        updated, self._updated = self._updated, []
        return updated

    def take_postponed_watches(self) -> list[tuple[str, Problem]]:
        """Return the tokens whose watch was refused for now since the last call: to be passed to `start` later."""
        postponed, self._postponed = self._postponed, []
        return postponed

    def take_jobs_without_grant(self) -> list[TrackedJob]:
        """Return the jobs that need a fresh grant and did not at the last call."""
        wanting, self._without_grant = self._without_grant, []
        return wanting

    # What the client asks.

    def add(self, job: TrackedJob) -> None:
        """Follow a job that has a token."""
        assert job.token is not None
        self._jobs.setdefault(job.token, []).append(job)

    def remove(self, job: TrackedJob) -> None:
        """Follow a job no more, and end its watch at the server if nothing else follows it."""
        job.ended = True
        self._drop(job)
        if job.token is not None:
            self.end_unused(job.token)

    def end_unused(self, token: str) -> None:
        """End the watch of a job at the server if nothing follows it."""
        if token not in self._jobs:
            self._asking.unwatch(token)

    def start(self, token: str) -> None:
        """Ask for a job's events, if anything follows it."""
        jobs = self._jobs.get(token)
        if jobs:
            # The credential comes first at the server: a grant beside one that suffices does no harm.
            grant = next((job.grant for job in reversed(jobs) if job.grant is not None), None)
            self._asking.watch(token, min(job.seq for job in jobs), grant)

    def renew(self, token: str) -> bool:
        """Have the program give a fresh grant for a job; return whether it can."""
        renewing = next((job for job in reversed(self._jobs.get(token, [])) if job.renews), None)
        if renewing is not None and renewing not in self._without_grant:
            self._without_grant.append(renewing)
        return renewing is not None

    # What the socket does.

    def resume(self) -> None:
        """Ask a new socket for every job that is followed."""
        self._resuming = set(self._jobs)
        for token, jobs in list(self._jobs.items()):
            for job in jobs:
                job.awaits_snapshot = True
            if not self.renew(token):  # a grant may have run out since
                self.start(token)

    def interrupt(self) -> None:
        """Take note that the socket is gone: nothing counts until the snapshots that the next one brings."""
        self._without_grant.clear()
        self._resuming.clear()
        self._postponed.clear()

    # What the server tells.

    def acked(self, job: TrackedJob, ack: Ack) -> None:
        """Take the answer to a submit."""
        job.submit, job.token = None, ack.token
        if job.delegated and ack.grant is not msgspec.UNSET:
            job.grant = ack.grant.grant
        if not job.watched:
            job.ended = True
        else:
            self.add(job)
            if not ack.duplicate:
                job.seq, job.status, job.awaits_snapshot = max(job.seq, ack.seq), ack.status, False
        self._tell(job, ack)

    def event(self, frame: EventFrame) -> None:
        """Take an event; the jobs that wait for a snapshot find it in there."""
        jobs = [job for job in self._jobs.get(frame.token, ()) if not job.awaits_snapshot and frame.seq > job.seq]
        if jobs:
            data = msgspec.json.decode(frame.data)
            event = Event(frame.event, data, frame.seq, frame.status, frame.at)
            for job in jobs:
                self._note(job, event)

    def snapshot(self, frame: SnapshotFrame, request: WatchRequest | None) -> None:
        """Take a snapshot; `request` is what it answers."""
        for job in list(self._jobs.get(frame.token, ())):
            if not job.awaits_snapshot or _suffices(request, job):
                self._catch_up(job, frame)
        self._resuming.discard(frame.token)

    def vanished(self, token: str, why: Problem) -> None:
        """Take note that the server does not know a job any more, or that the grant for it has run out."""
        if not (why.code == "grant_expired" and self.renew(token)):
            self.refuse(self._jobs.get(token, ()), why)

    def watch_refused(self, request: WatchRequest, why: Problem) -> None:
        """Take the refusal of a watch."""
        jobs = self._jobs.get(request.token, ())
        if why.code in TRANSIENT_PROBLEMS:
            self._postponed.append((request.token, why))
        elif why.code == "unknown_token":
            self.refuse(jobs, why)
        else:  # what hears events already goes on
            self.refuse([job for job in jobs if _suffices(request, job)], why)

    def refuse(self, jobs: Iterable[TrackedJob], why: Problem) -> None:
        """End what was refused for good."""
        for job in [job for job in jobs if not job.ended]:
            job.ended = True
            self._drop(job)
            self._tell(job, why)

    # Private.

    def _catch_up(self, job: TrackedJob, frame: SnapshotFrame) -> None:
        job.awaits_snapshot = False
        self._tell(job, frame)
        for event in missed_events(frame, job.seq, job.status):
            self._note(job, event)
        # It may be less than was seen: the store lost writes, and what was seen above it no longer happened.
        job.seq, job.status = frame.seq, frame.status

    def _note(self, job: TrackedJob, event: Event) -> None:
        job.seq, job.status = event.seq, event.status
        self._tell(job, event)
        if event.final:
            job.ended = True
            self._drop(job)

    def _tell(self, job: TrackedJob, news: Event | Problem | Ack | SnapshotFrame) -> None:
        if not job.news:
            self._updated.append(job)
        job.news.append(news)

    def _drop(self, job: TrackedJob) -> None:
        jobs = self._jobs.get(job.token or "", [])
        if job in jobs:
            jobs.remove(job)
            if not jobs:
                assert job.token is not None
                del self._jobs[job.token]
                self._resuming.discard(job.token)


def _suffices(request: WatchRequest | None, job: TrackedJob) -> bool:
    """Return whether the answer to a request holds all that a job's follower has not seen."""
    return request is not None and job.awaits_snapshot and request.after <= job.seq
