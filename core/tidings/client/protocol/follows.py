"""The tags that the client follows, over all its sockets. No I/O.

The server sends a snapshot without a ref of each job that has the tag. The first of a job begins a tracked job, which
goes on as any other. After a break the client follows the tag again, from the newest time that it has heard: the server
then also sends the jobs that ended meanwhile. What it has sent before is dropped here.
"""

from tidings.protocol.frames.messages import SnapshotFrame
from tidings.protocol.problems import Problem

from .tracked_job import JobCommand, TrackedJob

MAX_SEEN = 10_000
"""Jobs that a follow remembers."""


class TagFollow:
    """One tag that the client follows."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.command: JobCommand = JobCommand({"type": "follow", "tag": tag})
        """The `follow` that is under way, or was the last."""
        self.answered = False
        """Whether the server has accepted it once."""
        self.at = ""
        """The newest time heard (RFC 3339, the store's clock)."""
        self.news: list[TrackedJob] = []
        """Jobs found that its reader has not taken."""
        self.problem: Problem | None = None
        """Why it has ended; None: it goes on."""
        self._seen: dict[str, None] = {}

    def again(self) -> JobCommand:
        """Return a `follow` for another socket."""
        since = {"since": self.at} if self.at else {}
        self.command = JobCommand({"type": "follow", "tag": self.tag, **since})
        return self.command

    def find(self, frame: SnapshotFrame) -> TrackedJob | None:
        """Return the tracked job of a snapshot that is the first of a job with the tag."""
        if self.tag not in frame.tags or frame.token in self._seen:
            return None
        self._seen[frame.token] = None
        if len(self._seen) > MAX_SEEN:
            del self._seen[next(iter(self._seen))]
        job = TrackedJob(None, frame.token)
        job.awaits_snapshot = False  # this snapshot is the one
        self.news.append(job)
        return job


class Follows:
    """The follows of one client."""

    def __init__(self) -> None:
        self._follows: dict[str, TagFollow] = {}

    def __bool__(self) -> bool:
        return bool(self._follows)

    def add(self, tag: str) -> TagFollow:
        """Follow a tag.

        Raises:
            ProblemError: `invalid_frame`: the server could not read it.
            ValueError: the client follows the tag already.

        """
        if tag in self._follows:
            raise ValueError(f"this client follows the tag {tag!r} already")
        follow = self._follows[tag] = TagFollow(tag)
        return follow

    def remove(self, follow: TagFollow) -> None:
        """Follow a tag no more."""
        self._follows.pop(follow.tag, None)

    def resume(self) -> list[JobCommand]:
        """Return what a new socket is asked: to follow each tag that the last one followed."""
        return [follow.again() for follow in self._follows.values() if follow.answered]

    def heard(self, at: str) -> None:
        """Take note of the time of an event."""
        for follow in self._follows.values():
            follow.at = max(follow.at, at)

    def following(self, tag: str, at: str) -> None:
        """Take the answer to a `follow`."""
        follow = self._follows.get(tag)
        if follow is not None:
            follow.answered, follow.at = True, max(follow.at, at)

    def snapshot(self, frame: SnapshotFrame) -> list[TrackedJob]:
        """Return the jobs that a snapshot begins."""
        found = (follow.find(frame) for follow in self._follows.values())
        return [job for job in found if job is not None]

    def of(self, command: JobCommand) -> TagFollow | None:
        """Return the follow that a command asks for."""
        return next((follow for follow in self._follows.values() if follow.command is command), None)

    def take_found(self) -> list[tuple[TagFollow, TrackedJob]]:
        """Return the jobs that were found since the last call."""
        found = [(follow, job) for follow in self._follows.values() for job in follow.news]
        for follow in self._follows.values():
            follow.news = []
        return found
