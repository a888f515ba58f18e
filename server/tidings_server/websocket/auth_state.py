"""Where the client of one socket stands: whether it has said who it is, and how long that holds.

Plain code without a clock. Deadlines of ours are by the monotonic clock (`now`), a credential's end is
by the wall clock (`wall`), which is the issuer's; both s.
"""

from enum import Enum, auto

from tidings.protocol.problems import Problem, ProblemError, problem_error
from tidings_server.auth.identity import Identity, unauthenticated

NOTICE_SHARE = 5
"""A credential's end is told when this part of its lifetime is left, if that is later than the notice."""


class AuthDue(Enum):
    """What time has brought."""

    NOTHING = auto()
    LATE = auto()
    """No credential came in time."""
    EXPIRING = auto()
    """It runs out soon; said once for each credential."""
    EXPIRED = auto()


class AuthState:
    """The auth_state of one client."""

    __slots__ = ("_identity", "_late_at", "_notice_s", "_noticed", "asks", "checking", "refusal", "within_s")

    def __init__(
        self,
        identity: Identity | None,
        *,
        asks: bool,
        within_s: float,
        notice_s: float,
        now: float,
        refusal: Problem | None = None,
    ) -> None:
        """Begin.

        Args:
            identity: who came, if that was said with the handshake, or if nobody is asked.
            asks: whether credentials are asked for at all.
            within_s: how long one may take to say it.
            notice_s: how long before its end a credential's holder is told.
            now: the time.
            refusal: why what came with the handshake is not believed.

        """
        self.asks = asks
        self.within_s = within_s
        self.checking = False
        """Whether a credential is being checked."""
        self.refusal = refusal
        self._identity = identity
        self._notice_s = notice_s
        self._late_at = now + within_s
        self._noticed = False

    @property
    def known(self) -> bool:
        """Whether it is known who this is."""
        return self._identity is not None

    @property
    def identity(self) -> Identity:
        """Who this is.

        Raises:
            ProblemError: `unauthenticated`: nobody knows yet.

        """
        if self._identity is None:
            raise unauthenticated("send an `auth` frame first, and wait for its `done`")
        return self._identity

    def accept(self, identity: Identity) -> None:
        """Take who has been identified, for the first time or anew.

        Raises:
            ProblemError: `forbidden`: somebody else; the credential before goes on.

        """
        if self._identity is not None and identity.owner != self._identity.owner:
            raise problem_error("forbidden", "this credential is of another subject; open another connection for it")
        self._identity = identity
        self._noticed = False

    def due(self, now: float, wall: float) -> AuthDue:
        """Return what is to be done by now."""
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

    def left(self, wall: float) -> float:
        """Return for how long the credential holds, s; 0 for one that has no end."""
        end = None if self._identity is None else self._identity.expires_at
        return 0.0 if end is None else max(0.0, end - wall)

    def _notice(self, lifetime: float) -> float:
        return min(self._notice_s, lifetime / NOTICE_SHARE)


def late(within_s: float) -> ProblemError:
    """Return the refusal of one who has said nothing in time."""
    return unauthenticated(f"no credential came within {within_s:g} s")


def expired() -> ProblemError:
    """Return the refusal of one whose credential has run out."""
    return unauthenticated("the credential has expired: come back with a fresh one")
