"""What one client follows by a grant, jobs and tags: each ends with its grant, after a warning.

A client may have several grants for one job, and bring a later one while it watches: what counts is the last end of all
that allow the watch. That is found when a watch begins, when the client shows another grant, and when the end has come.
"""

import math
import time
from abc import abstractmethod
from collections.abc import Callable, Collection

from tidings.protocol.problems import Problem, problem
from tidings_server.auth.grant import Grant
from tidings_server.auth.identity import Identity

from .job_listener import GrantedUntil, JobListener

NOTICE_SHARE = 5
"""The client is warned when this part of the time is left, if that is later than the notice."""


class GrantedWatch(GrantedUntil):
    """A job or a tag that a client follows by a grant."""

    __slots__ = ("_watches", "ends_at", "grants", "key", "notice_at")

    again = ""
    """What the client may do with a fresh grant, in words."""

    def __init__(self, key: object, grants: Collection[Grant], watches: "GrantedWatches") -> None:
        self.key = key
        """What its end is noted by."""
        self.grants: Collection[Grant] = grants
        """The grants that came with the watch itself."""
        self.ends_at = 0.0
        """When the last grant that allows it ends, s since the epoch."""
        self.notice_at = 0.0
        """When the client is warned; infinite: it has been."""
        self._watches = watches

    @abstractmethod
    def allowed_by(self, grant: Grant) -> bool:
        """Return whether a grant that may be over allows the watch."""

    @abstractmethod
    def tell(self, problem: Problem) -> None:
        """Send a problem that concerns the watch."""

    @abstractmethod
    def leave(self) -> None:
        """End the watch."""

    def over(self) -> bool:
        """Return whether no grant allows the watch any more; the watch has then ended."""
        now = time.time()
        return now >= self.ends_at and self._watches.end(self, now)

    def renew(self, now: float, held: Collection[Grant], notice_s: float) -> None:
        """Find out when the watch ends.

        Args:
            now: s since the epoch.
            held: the grants that the client holds for its whole connection.
            notice_s: how long before the end the client is warned, s.

        """
        allowing = (grant.expires_at for grant in (*self.grants, *held) if self.allowed_by(grant))
        ends_at = max(allowing, default=0.0)
        if ends_at > self.ends_at:
            self.ends_at = ends_at
            self.notice_at = ends_at - min(notice_s, (ends_at - now) / NOTICE_SHARE)


class GrantedJob(GrantedWatch):
    """A job that a client watches by a grant.

    The watch of a job that came by its tag alone ends without a word: the client gets the end of the tag.
    """

    __slots__ = ("_leave", "_tell", "listener", "owner", "tags")

    again = "watch the job again with a fresh one"

    def __init__(
        self,
        listener: JobListener,
        owner: str,
        tags: Collection[str],
        grants: Collection[Grant],
        watches: "GrantedWatches",
    ) -> None:
        super().__init__(listener, grants, watches)
        self.listener = listener
        self.owner = owner
        self.tags = tags
        self._tell = watches.tell
        self._leave = watches.leave

    def allowed_by(self, grant: Grant) -> bool:
        """Return whether a grant that may be over allows the watch."""
        return "watch" in grant.may and grant.scope.covers(str(self.listener.token), self.owner, self.tags)

    def tell(self, problem: Problem) -> None:
        """Send a problem that concerns the watch."""
        if self.listener.asked:
            self._tell(self.listener, problem)

    def leave(self) -> None:
        """End the watch."""
        self._leave(self.listener)


class GrantedWatches:
    """All that one client follows by grants."""

    def __init__(
        self,
        identity: Callable[[], Identity],
        notice_s: float,
        tell: Callable[[JobListener, Problem], None],
        leave: Callable[[JobListener], None],
    ) -> None:
        """Prepare.

        Args:
            identity: returns who the client is, with the grants that it holds.
            notice_s: how long before the end the client is warned, s.
            tell: sends a problem that concerns a job.
            leave: ends the watch of a job.

        """
        self.tell = tell
        self.leave = leave
        self._identity = identity
        self._notice_s = notice_s
        self._watches: dict[object, GrantedWatch] = {}
        self.due_at = math.inf
        """When something is due, s since the epoch."""

    def follow(self, listener: JobListener, owner: str, tags: Collection[str], grants: Collection[Grant]) -> None:
        """Take note of a watch that the client may have; one that needs no grant is none of ours.

        Args:
            listener: the watch.
            owner: of the job.
            tags: of the job.
            grants: those that came with the watch.

        """
        identity = self._identity()
        if identity.owns(owner) and identity.allows("watch"):
            return
        watch = listener.granted = GrantedJob(listener, owner, tags, grants, self)
        self.add(watch)

    def add(self, watch: GrantedWatch) -> None:
        """Take note of a watch that has begun."""
        self._watches[watch.key] = watch
        self._renew(watch, time.time())
        self.due_at = min(self.due_at, watch.notice_at, watch.ends_at)

    def discard(self, key: object) -> None:
        """Take note that the watch with a key has ended."""
        self._watches.pop(key, None)

    def tick(self, now: float) -> None:
        """Warn, and end, what is due at `now`, s since the epoch."""
        if now < self.due_at:
            return
        due_at = math.inf
        for watch in list(self._watches.values()):
            self._renew(watch, now)
            if now >= watch.ends_at:
                self.end(watch, now)
                continue
            if now >= watch.notice_at:
                watch.notice_at = math.inf
                left = watch.ends_at - now
                detail = f"the grant runs out in {left:.3g} s; {watch.again}"
                watch.tell(problem("grant_expiring", detail, retry_after=round(left, 3)))
            due_at = min(due_at, watch.notice_at, watch.ends_at)
        self.due_at = due_at

    def end(self, watch: GrantedWatch, now: float) -> bool:
        """End a watch whose time is over, unless the client has brought another grant; return whether it has ended."""
        self._renew(watch, now)
        if now < watch.ends_at:
            return False
        if self._watches.pop(watch.key, None) is not None:
            watch.tell(problem("grant_expired", f"the grant has expired, and the watch has ended: {watch.again}"))
            watch.leave()
        return True

    def _renew(self, watch: GrantedWatch, now: float) -> None:
        watch.renew(now, self._identity().grants, self._notice_s)
