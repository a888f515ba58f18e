"""Whether the client of one socket has authenticated, and how long its credential is valid.

Plain code without a clock. The server's deadlines are by the monotonic clock (`now`), a credential's end is by the wall
clock (`wall`), which is the issuer's; both s.
"""

import math
from enum import Enum, auto

from tidings.protocol.problems import Problem, ProblemError, problem_error
from tidings_server.auth.identity import Identity, bearer_of, unauthenticated

NOTICE_SHARE = 5
"""The client is warned of its credential's end when this part of the lifetime is left, if that is later than the
notice."""


class AuthDue(Enum):
    """What is due by the clocks."""

    NOTHING = auto()
    LATE = auto()
    """No credential came in time."""
    EXPIRING = auto()
    """The credential expires soon; due once for each credential."""
    EXPIRED = auto()


class AuthState:
    """The authentication of one client."""

    __slots__ = (
        "_identity",
        "_late_at",
        "_max_grants",
        "_notice_s",
        "_noticed",
        "asks",
        "checking",
        "refusal",
        "within_s",
    )

    def __init__(
        self,
        identity: Identity | None,
        *,
        asks: bool,
        within_s: float,
        notice_s: float,
        now: float,
        refusal: Problem | None = None,
        max_grants: int = 1,
    ) -> None:
        """Begin.

        Args:
            identity: whose credential came with the handshake, or anyone's where the server asks for none.
            asks: whether the server asks for credentials at all.
            within_s: how long a client may take to send one.
            notice_s: how long before its end the client is warned.
            now: the time.
            refusal: why the credential of the handshake was refused.
            max_grants: how many grants a client without another credential may hold.

        """
        self.asks = asks
        self.within_s = within_s
        self.checking = False
        """Whether a credential is being checked."""
        self.refusal = refusal
        self._identity = identity
        self._notice_s = notice_s
        self._max_grants = max_grants
        self._late_at = now + within_s
        self._noticed = False

    @property
    def known(self) -> bool:
        """Whether the client has authenticated."""
        return self._identity is not None

    @property
    def identity(self) -> Identity:
        """Who the client is.

        Raises:
            ProblemError: `unauthenticated`: the client has not authenticated.

        """
        if self._identity is None:
            raise unauthenticated("send an `auth` frame first, and wait for its `done`")
        return self._identity

    def begin_check(self) -> None:
        """Take note that a credential is being checked.

        Raises:
            ProblemError: `invalid_frame`: the server asks for no credential, or checks another.

        """
        if not self.asks:
            raise problem_error("invalid_frame", "this server asks for no credential (auth is none)", field="/type")
        if self.checking:
            raise problem_error("invalid_frame", "a credential is being checked; wait for the answer", field="/type")
        self.checking = True

    def accept(self, identity: Identity) -> None:
        """Take the identity of a credential, the first or a renewed one; a grant joins those that came before.

        Raises:
            ProblemError: `forbidden`: it is another owner's; `too_large`: the client holds as many grants as it may.
                The credential before stays valid.

        """
        known = self._identity
        if known is not None:
            if identity.owner != known.owner or bool(identity.grants) != bool(known.grants):
                detail = "this credential is of another subject; open another connection for it"
                raise problem_error("forbidden", detail)
            if identity.grants:
                identity = self._joined(known, identity)
        self._identity = identity
        self._noticed = False

    def _joined(self, known: Identity, fresh: Identity) -> Identity:
        """Return the identity of a client that shows another grant; what that one replaces, and what is over, goes.

        Raises:
            ProblemError: `too_large`.

        """
        kept = [grant for grant in known.grants if not grant.expired(fresh.since)]
        for new in fresh.grants:
            kept = [old for old in kept if not (old.scope == new.scope and old.may <= new.may)]
        grants = (*kept, *fresh.grants)
        if len(grants) > self._max_grants:
            detail = (
                f"this connection holds {len(kept)} grants; at most {self._max_grants} may be (max_grants): give them "
                "in the `watch` frames, or ask for one for several jobs"
            )
            raise problem_error("too_large", detail, field="/credential", limit=self._max_grants)
        return bearer_of(grants)

    def due(self, now: float, wall: float) -> AuthDue:
        """Return what is due by now."""
        if self._identity is None:
            return AuthDue.LATE if now >= self._late_at and not self.checking else AuthDue.NOTHING
        if self._identity.expires_at is None:
            return AuthDue.NOTHING
        if self._identity.expired(wall):
            return AuthDue.EXPIRED
        if not self._noticed and self.left(wall) <= self._notice(self._identity.expires_at - self._identity.since):
            self._noticed = True
            return AuthDue.EXPIRING
        return AuthDue.NOTHING

    @property
    def due_at(self) -> float:
        """When the credential runs out or, unless the client has been warned, is about to; s since the epoch."""
        identity = self._identity
        if identity is None or identity.expires_at is None:
            return math.inf
        if self._noticed:
            return identity.expires_at
        return identity.expires_at - self._notice(identity.expires_at - identity.since)

    def left(self, wall: float) -> float:
        """Return for how long the credential is valid, s; 0 for one that has no end."""
        end = None if self._identity is None else self._identity.expires_at
        return 0.0 if end is None else max(0.0, end - wall)

    def _notice(self, lifetime: float) -> float:
        return min(self._notice_s, lifetime / NOTICE_SHARE)


def late(within_s: float) -> ProblemError:
    """Return the refusal of a client that sent no credential in time."""
    return unauthenticated(f"no credential came within {within_s:g} s")


def expired() -> ProblemError:
    """Return the refusal of a client whose credential has expired."""
    return unauthenticated("the credential has expired: come back with a fresh one")
