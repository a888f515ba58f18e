"""What one grant allows: which acts, on which jobs, until when."""

import time
from collections.abc import Collection

import msgspec

from tidings.protocol.grants import GrantAct


class JobScope(msgspec.Struct, frozen=True, tag="jobs"):
    """A grant's scope: one job, or the jobs of a batch, each by its token."""

    tokens: frozenset[str]

    def covers(self, token: str, owner: str, tags: Collection[str]) -> bool:
        """Return whether a job is among them."""
        return token in self.tokens


class TagScope(msgspec.Struct, frozen=True, tag="tag"):
    """A grant's scope: the jobs of one owner with one tag, those that are yet to be submitted among them."""

    owner: str
    """As records of jobs name it."""
    tag: str

    def covers(self, token: str, owner: str, tags: Collection[str]) -> bool:
        """Return whether a job is among them."""
        return owner == self.owner and self.tag in tags


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What the bearer of one grant may do. Its signature has been checked, its time has not."""

    scope: JobScope | TagScope
    may: frozenset[GrantAct]
    expires_at: float
    """When it ends, s since the epoch by the server's clock; whole ms."""

    def expired(self, now: float | None = None) -> bool:
        """Return whether its time is over, at `now` (s since the epoch) or this moment."""
        return self.expires_at <= (time.time() if now is None else now)

    def left(self) -> float:
        """Return how long it is still valid, s."""
        return max(0.0, self.expires_at - time.time())

    def covers(self, token: str, owner: str, tags: Collection[str] = (), now: float | None = None) -> bool:
        """Return whether it is valid, and for a job.

        Args:
            token: the job's.
            owner: the job's owner, as its record says.
            tags: the job's tags, as its record says.
            now: s since the epoch; None: this moment.

        """
        return not self.expired(now) and self.scope.covers(token, owner, tags)

    def covers_tag(self, tag: str) -> bool:
        """Return whether it is valid, and for all jobs of its owner (`scope.owner`) with a tag."""
        return isinstance(self.scope, TagScope) and self.scope.tag == tag and not self.expired()


def last_end(grants: Collection[Grant]) -> float:
    """Return when the last of some grants ends, s since the epoch; 0 if there is none."""
    return max((grant.expires_at for grant in grants), default=0.0)
