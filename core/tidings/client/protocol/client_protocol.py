"""The client's side of the protocol: frames in, frames out, and what has become of the jobs. No I/O.

The connection gives every frame to `receive`, sends what `take` returns, and says when a socket can be used or is gone.
What is asked becomes JSON when it is asked: a mistake is raised there, and never when the frame is repeated.

`Calls` keeps what has no answer yet, `Watches` the jobs that are followed; the JavaScript client has both too.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from tidings.protocol.frames.follow_messages import Following
from tidings.protocol.frames.limits import Limits
from tidings.protocol.frames.messages import Ack, Done, Error, EventFrame, ServerFrame, SnapshotFrame
from tidings.protocol.grants import Granted
from tidings.protocol.problems import Problem

from .calls import Calls
from .follows import Follows, TagFollow
from .request_text import request_text
from .tracked_job import JobCommand, TrackedJob, WatchRequest
from .watches import Watches

UNREADABLE_PROBLEMS = frozenset({"invalid_frame", "too_large"})
"""Problems of a call that the server could not read, perhaps not even its ref."""


class ClientProtocol:
    """All jobs of one client."""

    def __init__(self) -> None:
        self._calls = Calls(self._refused)
        self._watches = Watches(self._calls)
        self.follows: Follows = Follows()

    @property
    def resuming(self) -> bool:
        """Whether the snapshot of some job that was followed on the last socket has not come on this one."""
        return self._watches.resuming

    @property
    def unsent(self) -> bool:
        """Whether there are frames to send."""
        return self._calls.unsent

    def next_ref(self) -> int:
        """Return a ref that no frame of this client has used."""
        return self._calls.next_ref()

    # What the client asks.

    def submit(self, fields: dict[str, Any]) -> TrackedJob:
        """Ask for work; `fields` are those of the frame, with a key, and with an input that `codec.encode` has made.

        Raises:
            ProblemError: `invalid_frame`: the server could not read it.

        """
        assert "key" in fields, "a submit without a key could not be repeated"
        job = TrackedJob(request_text({"type": "submit", **fields}, checked=True), watched=fields.get("watch", True))
        job.delegated = "owner" in fields
        self._calls.add(job)
        return job

    def watch(self, token: str, after: int, grant: str | None = None) -> TrackedJob:
        """Ask for a job's events after a number, by a grant or (None) by the client's credential.

        Raises:
            ProblemError: `invalid_frame`: the server could not read it.

        """
        request_text({"type": "watch", "token": token, "after": after, "grant": grant})
        job = TrackedJob(None, token, after)
        job.grant = grant
        self._watches.add(job)
        self._watches.start(token)
        return job

    def cancel(self, job: TrackedJob) -> JobCommand:
        """Ask that a job stop."""
        return self._command({"type": "cancel", "token": _token_of(job), **_grant_of(job)})

    def signal(self, job: TrackedJob, name: str, value: bytes, key: str) -> JobCommand:
        """Give a job a signal; `value` is JSON.

        Raises:
            ProblemError: `invalid_frame`: the server could not read it.

        """
        frame = {"type": "signal", "token": _token_of(job), "name": name, "input": msgspec.Raw(value), "key": key}
        return self._command(frame | _grant_of(job))

    def ask_grant(self, fields: dict[str, Any]) -> JobCommand:
        """Ask for a grant; `fields` are those of the frame.

        Raises:
            ProblemError: `invalid_frame`: the server could not read it.

        """
        return self._command({"type": "grant", **fields})

    def follow(self, tag: str) -> TagFollow:
        """Ask for all jobs with a tag.

        Raises:
            ProblemError: `invalid_frame`: the server could not read it.
            ValueError: the client follows the tag already.

        """
        follow = self.follows.add(tag)
        self._calls.add(follow.command)
        return follow

    def follow_again(self, follow: TagFollow) -> None:
        """Ask once more for a tag whose follow was refused for now."""
        self._calls.add(follow.again())

    def unfollow(self, follow: TagFollow, found: Iterable[TrackedJob]) -> JobCommand:
        """Ask for no more jobs of a tag.

        Args:
            follow: the tag's.
            found: its jobs that the client still holds: the server would end their watches with the follow.

        """
        self.follows.remove(follow)
        self._calls.withdraw(follow.command)
        for token in {_token_of(job) for job in found if not job.ended}:
            self._watches.start(token)
        return self._command({"type": "unfollow", "tag": follow.tag})

    def watch_again(self, token: str) -> None:
        """Ask once more for a job whose watch was refused for now, or that has a fresh grant."""
        self._watches.start(token)

    def send_again(self, call: TrackedJob | JobCommand) -> None:
        """Send once more what the store's replicas had not confirmed, unless that has happened or is not wanted now."""
        self._calls.send_again(call)

    def forget(self, job: TrackedJob) -> None:
        """Follow a job no more; a submit that was not sent never will be."""
        self._calls.withdraw(job)
        self._watches.remove(job)

    def withdraw(self, command: JobCommand) -> None:
        """Send a command no more; the server may have it already."""
        self._calls.withdraw(command)

    # What the socket does.

    def connected(self, limits: Limits) -> None:
        """Take a new socket: watch what goes on, and ask again what has no answer yet."""
        for command in self.follows.resume():
            self._calls.add(command)
        self._calls.connected(limits)
        self._watches.resume()
        self._calls.pump()

    def disconnected(self, *, broke: bool = False) -> None:
        """Take note that the socket is gone, and with it what it was asked.

        Args:
            broke: it ended abruptly, perhaps because one of the calls was too much for the server.

        """
        self._calls.requeue(broke=broke)
        self._watches.interrupt()

    def take(self) -> list[bytes]:
        """Return the frames to send, and forget them."""
        return self._calls.take_frames()

    def receive(self, frame: ServerFrame) -> None:
        """Take a frame; what is not about jobs changes nothing."""
        match frame:
            case EventFrame():
                self._watches.event(frame)
                if self.follows:
                    self.follows.heard(frame.at)
            case Ack():
                self._ack(frame)
            case SnapshotFrame():
                self._snapshot(frame)
            case Error():
                self._error(frame)
            case Following():
                self.follows.following(frame.tag, frame.at)
                self._calls.done(frame.ref)
            case Done():
                self._calls.done(frame.ref)
            case Granted():
                self._calls.done(frame.ref, frame)
        self._calls.settle()
        self._calls.pump()

    # What has been learned, each time since the last call.

    def take_updated_jobs(self) -> list[TrackedJob]:
        """Return the jobs that have got `news`."""
        return self._watches.take_updated_jobs()

    def take_answered_commands(self) -> list[JobCommand]:
        """Return the commands that have been answered."""
        return self._calls.take_answered_commands()

    def take_jobs_without_grant(self) -> list[TrackedJob]:
        """Return the jobs that need a fresh grant: to be put into each, before its token goes to `watch_again`."""
        return self._watches.take_jobs_without_grant()

    def take_postponed_watches(self) -> list[tuple[str, Problem]]:
        """Return the tokens whose watch was refused for now: to be passed to `watch_again` after a while."""
        return self._watches.take_postponed_watches()

    def take_postponed_calls(self) -> list[tuple[TrackedJob | JobCommand, Problem]]:
        """Return what the store's replicas have not confirmed: to be passed to `send_again` after a while."""
        return self._calls.take_postponed()

    # Private.

    def _command(self, frame: dict[str, Any]) -> JobCommand:
        command = JobCommand(frame)
        self._calls.add(command)
        return command

    def _snapshot(self, frame: SnapshotFrame) -> None:
        if self.follows:
            for job in self.follows.snapshot(frame):
                self._watches.add(job)
        request = self._calls.take(frame.ref)
        self._watches.snapshot(frame, request if isinstance(request, WatchRequest) else None)

    def _ack(self, frame: Ack) -> None:
        job = self._calls.acked(frame)
        if job is None:
            return
        if not job.ended:
            self._watches.acked(job, frame)
        elif job.watched:  # it was forgotten meanwhile, which the server cannot know
            self._watches.end_unused(frame.token)

    def _error(self, frame: Error) -> None:
        if frame.ref is not None:
            self._calls.refuse(frame.ref, frame.problem)
        elif frame.token is not None and frame.problem.code == "grant_expiring":
            self._watches.renew(frame.token)
        elif frame.token is not None:
            self._watches.vanished(frame.token, frame.problem)
        elif frame.problem.code in UNREADABLE_PROBLEMS:
            self._calls.unread(frame.problem)

    def _refused(self, call: TrackedJob | WatchRequest, why: Problem) -> None:
        if isinstance(call, WatchRequest):
            self._watches.watch_refused(call, why)
        else:
            self._watches.refuse([call], why)


def _grant_of(job: TrackedJob) -> dict[str, str]:
    return {} if job.grant is None else {"grant": job.grant}


def _token_of(job: TrackedJob) -> str:
    assert job.token is not None, "a handle is given out when the job has a token"
    return job.token
