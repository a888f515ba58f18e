"""The watches of one client that stand by a grant: each ends with its grant, after a warning.

A client may have several grants for one job, and bring a later one while it watches: what counts is the last end of all
that allow the watch. That is found when a watch begins, when the client shows another grant, and when the end has come.
"""

import math
import time
from collections.abc import Callable, Collection

from tidings.protocol.problems import Problem, problem
from tidings_server.auth.grant import Grant
from tidings_server.auth.identity import Identity

from .job_listener import GrantedUntil, JobListener

NOTICE_SHARE = 5
"""The client is warned when this part of the time is left, if that is later than the notice."""


class GrantedWatch(GrantedUntil):
    """A watch that stands by a grant."""

    __slots__ = ("_watches", "ends_at", "grants", "listener", "notice_at", "owner", "tags")

    def __init__(
        self,
        listener: JobListener,
        owner: str,
        tags: Collection[str],
        grants: Collection[Grant],
        watches: "GrantedWatches",
    ) -> None:
        self.listener = listener
        self.owner = owner
        self.tags = tags
        self.grants = grants
        """The grants that came with the watch itself."""
        self.ends_at = 0.0
        """When the last grant that allows it ends, s since the epoch."""
        self.notice_at = 0.0
        """When the client is warned; infinite: it has been."""
        self._watches = watches

    def over(self) -> bool:
        """Return whether no grant allows the watch any more; the watch has then ended."""
        now = time.time()
        return now >= self.ends_at and self._watches.end(self, now)


class GrantedWatches:
    """All such watches of one client."""

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
            tell: sends a problem that concerns a watch.
            leave: ends a watch.

        """
        self._identity = identity
        self._notice_s = notice_s
        self._tell = tell
        self._leave = leave
        self._watches: dict[JobListener, GrantedWatch] = {}
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
        watch = listener.granted = GrantedWatch(listener, owner, tags, grants, self)
        self._watches[listener] = watch
        self._renew(watch, time.time())
        self.due_at = min(self.due_at, watch.notice_at)

    def discard(self, listener: JobListener) -> None:
        """Take note that a watch has ended."""
        self._watches.pop(listener, None)

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
                detail = f"the grant runs out in {left:.0f} s; watch the job again with a fresh one"
                self._tell(watch.listener, problem("grant_expiring", detail, retry_after=round(left, 3)))
            due_at = min(due_at, watch.notice_at, watch.ends_at)
        self.due_at = due_at

    def end(self, watch: GrantedWatch, now: float) -> bool:
        """End a watch whose time is over, unless the client has brought another grant; return whether it has ended."""
        self._renew(watch, now)
        if now < watch.ends_at:
            return False
        if self._watches.pop(watch.listener, None) is not None:
            detail = "the grant has expired, and the watch has ended: watch the job again with a fresh one"
            self._tell(watch.listener, problem("grant_expired", detail))
            self._leave(watch.listener)
        return True

    def _renew(self, watch: GrantedWatch, now: float) -> None:
        """Find out when a watch ends by now."""
        token = str(watch.listener.token)
        ends_at = max(
            (
                grant.expires_at
                for grant in (*watch.grants, *self._identity().grants)
                if "watch" in grant.may and grant.scope.covers(token, watch.owner, watch.tags)
            ),
            default=0.0,
        )
        if ends_at > watch.ends_at:
            watch.ends_at = ends_at
            watch.notice_at = ends_at - min(self._notice_s, (ends_at - now) / NOTICE_SHARE)
