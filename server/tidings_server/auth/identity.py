"""The identity of a client: who it is, and what it may do."""

import math
import time
from collections.abc import Collection
from typing import Literal, get_args

import msgspec

from tidings.protocol.grants import GrantAct
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token

from .grant import Grant, last_end

Scope = Literal["submit", "watch", "cancel", "delegate", "feed", "admin"]
"""What a credential allows. `delegate`: to submit for others. `feed`: to read the events of all owners' jobs. `admin`
allows all of it, on the jobs of every owner."""

SCOPES: frozenset[str] = frozenset(get_args(Scope))

ADMIN = "admin"

OWN_SCOPES = frozenset({"submit", "watch", "cancel"})
"""What a client needs for jobs of its own."""

SCOPES_OF_ACTS: dict[GrantAct, Scope] = {"watch": "watch", "cancel": "cancel", "signal": "submit"}
"""The scope that allows an act that a grant may allow too."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The client that presented a credential."""

    owner: str
    """The owner of the client's jobs: a JWT's `sub`, or an API key's name. Empty: the server asks for no credential, or
    the client has shown nothing but grants."""
    scopes: frozenset[str] = OWN_SCOPES
    """What it may do: some of `submit`, `watch`, `cancel`, `delegate`, `feed` and `admin`."""
    kinds: frozenset[str] | None = None
    """The kinds it may submit; None: all."""
    since: float = 0.0
    """When the credential was issued or, if it does not say, first presented; s since the epoch."""
    expires_at: float | None = None
    """When the credential expires, s since the epoch; None: never."""
    grants: tuple[Grant, ...] = ()
    """What it may do besides, to jobs that may be of others."""

    @property
    def admin(self) -> bool:
        """Whether it may see the jobs of every owner."""
        return ADMIN in self.scopes

    def allows(self, scope: Scope) -> bool:
        """Return whether it may do what `scope` allows."""
        return scope in self.scopes or ADMIN in self.scopes

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

    def require_act(self, act: GrantAct) -> None:
        """Refuse an identity that may do `act` to no job at all: neither a scope nor a grant allows it.

        Raises:
            ProblemError: `forbidden`.

        """
        if self.allows(SCOPES_OF_ACTS[act]) or any(act in grant.may for grant in self.grants):
            return
        if self.grants:
            raise problem_error("forbidden", f"the grant does not allow {act!r}", field="/grant")
        raise self.lack(SCOPES_OF_ACTS[act])

    def require_watch(self, token: Token, owner: str, tags: Collection[str] = ()) -> None:
        """Refuse to continue a watch of a job that began under an earlier credential.

        Args:
            token: the job's.
            owner: the job's owner.
            tags: the job's tags.

        Raises:
            ProblemError: `forbidden`, saying why.

        """
        self.require_act("watch")
        if not self.permits("watch", token, owner, tags):
            raise problem_error(
                "forbidden", "the credential does not open this job: it is another's; the watch has ended"
            )

    def owns(self, owner: str) -> bool:
        """Return whether a job of `owner` is its own, or it is an administrator's, whom all jobs are open to."""
        return (owner != "" and owner == self.owner) or ADMIN in self.scopes

    def may_see(self, token: Token, owner: str, tags: Collection[str] = ()) -> bool:
        """Return whether it may know of a job. Only the scope `admin` and grants open a job without an owner.

        Args:
            token: the job's.
            owner: the job's owner.
            tags: the job's tags.

        """
        return self.owns(owner) or any(grant.covers(str(token), owner, tags) for grant in self.grants)

    def permits(self, act: GrantAct, token: Token, owner: str, tags: Collection[str] = ()) -> bool:
        """Return whether it may do `act` to a job."""
        if self.owns(owner) and self.allows(SCOPES_OF_ACTS[act]):
            return True
        return any(act in grant.may and grant.covers(str(token), owner, tags) for grant in self.grants)

    def with_grants(self, grants: Collection[Grant]) -> "Identity":
        """Return the same identity with more grants."""
        return msgspec.structs.replace(self, grants=(*self.grants, *grants)) if grants else self

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


def bearer_of(grants: Collection[Grant]) -> Identity:
    """Return the identity of a client that has shown nothing but grants; it ends with the last of them."""
    return Identity(owner="", scopes=frozenset(), grants=tuple(grants), since=time.time(), expires_at=last_end(grants))


def unauthenticated(why: str) -> ProblemError:
    """Return the refusal of a client that presented no credential, or one that the server does not accept."""
    return problem_error("unauthenticated", why)
