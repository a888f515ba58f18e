"""The identity of a client: who it is, and what it may do."""

import math
import time
from typing import Literal, get_args

import msgspec

from tidings.protocol.problems import ProblemError, problem_error

Scope = Literal["submit", "watch", "cancel", "admin"]
"""What a credential allows. `admin` allows all of it, on the jobs of every owner."""

SCOPES: frozenset[str] = frozenset(get_args(Scope))

ADMIN = "admin"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The client that presented a credential."""

    owner: str
    """The owner of the client's jobs: a JWT's `sub`, or an API key's name. Empty: the server asks for no credential."""
    scopes: frozenset[str]
    kinds: frozenset[str] | None = None
    """The kinds it may submit; None: all."""
    since: float = 0.0
    """When the credential was issued or, if it does not say, first presented; s since the epoch."""
    expires_at: float | None = None
    """When the credential expires, s since the epoch; None: never."""

    @property
    def admin(self) -> bool:
        """Whether it may see the jobs of every owner."""
        return ADMIN in self.scopes

    def allows(self, scope: Scope) -> bool:
        """Return whether it may do what `scope` allows."""
        return self.admin or scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Refuse an identity that may not do what `scope` allows.

        Raises:
            ProblemError: `forbidden`, naming the scope.

        """
        if not self.allows(scope):
            raise self.lack(scope)

    def lack(self, scope: Scope) -> ProblemError:
        """Return the refusal for the lack of `scope`."""
        return problem_error("forbidden", f"the credential lacks the scope {scope!r}")

    def require_kind(self, kind: str) -> None:
        """Refuse an identity that may not submit jobs of `kind`.

        Raises:
            ProblemError: `forbidden`, naming the kind.

        """
        if not self.may_submit(kind):
            raise problem_error("forbidden", f"the credential does not allow the kind {kind!r}", field="/kind")

    def may_submit(self, kind: str) -> bool:
        """Return whether it may submit jobs of `kind`."""
        return self.kinds is None or kind in self.kinds

    def require_watch(self, owner: str) -> None:
        """Refuse to continue a watch of a job of `owner` that began under an earlier credential.

        Raises:
            ProblemError: `forbidden`, saying why.

        """
        self.require("watch")
        if not self.may_see(owner):
            raise problem_error(
                "forbidden", "the credential does not open this job: it is another's; the watch has ended"
            )

    def may_see(self, owner: str) -> bool:
        """Return whether it may see a job of `owner`. Only the scope `admin` may see a job without an owner."""
        return self.admin or (owner != "" and owner == self.owner)

    def expired(self, now: float | None = None) -> bool:
        """Return whether the credential has expired, at `now` (s since the epoch) or this moment."""
        return self.expires_at is not None and self.expires_at <= (time.time() if now is None else now)

    def left(self) -> float:
        """Return how long the credential is still valid, s; infinite if it never expires."""
        return math.inf if self.expires_at is None else max(0.0, self.expires_at - time.time())

    def require_valid(self) -> None:
        """Refuse a request that came while the credential was valid and would be answered after it has expired.

        Raises:
            ProblemError: `unauthenticated`.

        """
        if self.expired():
            raise unauthenticated("the credential has expired: come back with a fresh one")


ANYONE = Identity(owner="", scopes=SCOPES)
"""The identity of every client of a server that asks for no credential."""


def unauthenticated(why: str) -> ProblemError:
    """Return the refusal of a client that presented no credential, or one that the server does not accept."""
    return problem_error("unauthenticated", why)
