"""Who a client is, and what it may do."""

import math
import time
from typing import Literal, get_args

import msgspec

from tidings.protocol.problems import ProblemError, problem_error

Scope = Literal["submit", "watch", "cancel", "admin"]
"""What a credential allows. `admin` allows all of it, on everybody's jobs."""

SCOPES: frozenset[str] = frozenset(get_args(Scope))

ADMIN = "admin"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever presented a credential."""

    owner: str
    """Whose jobs these are: a JWT's `sub`, or an API key's name. Empty: nobody was asked."""
    scopes: frozenset[str]
    kinds: frozenset[str] | None = None
    """The kinds it may submit; None: all."""
    since: float = 0.0
    """When the credential was issued or, where it does not say, shown first; s since the epoch."""
    expires_at: float | None = None
    """When the credential has run out, s since the epoch; None: never."""

    @property
    def admin(self) -> bool:
        """Whether everybody's jobs are open to it."""
        return ADMIN in self.scopes

    def allows(self, scope: Scope) -> bool:
        """Return whether it may do what `scope` stands for."""
        return self.admin or scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Refuse whoever may not do what `scope` stands for.

        Raises:
            ProblemError: `forbidden`, naming the scope.

        """
        if not self.allows(scope):
            raise self.lack(scope)

    def lack(self, scope: Scope) -> ProblemError:
        """Return the refusal of what `scope` stands for."""
        return problem_error("forbidden", f"the credential lacks the scope {scope!r}")

    def require_kind(self, kind: str) -> None:
        """Refuse whoever may not submit jobs of `kind`.

        Raises:
            ProblemError: `forbidden`, naming the kind.

        """
        if not self.may_submit(kind):
            raise problem_error("forbidden", f"the credential does not allow the kind {kind!r}", field="/kind")

    def may_submit(self, kind: str) -> bool:
        """Return whether the kind is among those it may submit."""
        return self.kinds is None or kind in self.kinds

    def require_watch(self, owner: str) -> None:
        """Refuse to go on telling of a job of `owner`, which was watched by the credential before.

        Raises:
            ProblemError: `forbidden`, saying why.

        """
        self.require("watch")
        if not self.may_see(owner):
            raise problem_error(
                "forbidden", "the credential does not open this job: it is another's; the watch has ended"
            )

    def may_see(self, owner: str) -> bool:
        """Return whether a job of `owner` is open to it. A job without one is an admin's to see."""
        return self.admin or (owner != "" and owner == self.owner)

    def expired(self, now: float | None = None) -> bool:
        """Return whether the credential has run out, at `now` (s since the epoch) or this moment."""
        return self.expires_at is not None and self.expires_at <= (time.time() if now is None else now)

    def left(self) -> float:
        """Return for how long the credential holds, s; infinite for one that has no end."""
        return math.inf if self.expires_at is None else max(0.0, self.expires_at - time.time())

    def require_valid(self) -> None:
        """Refuse what was asked while the credential was valid, and would be answered after its end.

        Raises:
            ProblemError: `unauthenticated`.

        """
        if self.expired():
            raise unauthenticated("the credential has expired: come back with a fresh one")


ANYONE = Identity(owner="", scopes=SCOPES)
"""Whoever comes where nobody is asked who they are."""


def unauthenticated(why: str) -> ProblemError:
    """Return the refusal of one who has not said who they are, or not believably."""
    return problem_error("unauthenticated", why)
