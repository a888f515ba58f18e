"""How long to stay away after a socket has ended. Pure; times and the random draw are passed in."""

from typing import NamedTuple

from tidings.backoff import backoff
from tidings.protocol.frames.close_codes import CLOSE_CODES

FIRST_S = 0.5
"""Longest pause after the first failure; it doubles with each further one."""

LONGEST_S = 30.0
"""Longest pause of all."""

STABLE_S = 10.0
"""A connection that lasted so long forgets the failures before it."""

ABNORMAL = 1006
"""RFC 6455, section 7.4.1: the code of a connection that broke without a word."""

_ROUTINE = frozenset({"draining", "maximal_age"})
"""Ends that are no failure: another server takes over at once."""


class SocketEnd(NamedTuple):
    """How a socket ended, or why there was none."""

    code: int
    reason: str
    lasted_s: float = 0.0
    """How long it could be used."""
    server_delay_s: float | None = None
    """How long the server asked to stay away from now."""
    error: Exception | None = None
    """What was raised, where there is more to see than the reason."""

    @property
    def reconnect(self) -> bool:
        """Whether the table of close codes says to come back; one that is not in it is a failure like any other."""
        return self.code not in CLOSE_CODES or CLOSE_CODES[self.code].reconnect

    @property
    def abrupt(self) -> bool:
        """Whether it ended for no reason of the server's own: what was sent on it may be to blame."""
        return self.code == ABNORMAL or self.code not in CLOSE_CODES


class ReconnectBackoff:
    """Remembers how often it has failed lately.

    The pause after a failure is drawn again each time, uniform between nothing and a ceiling that doubles with
    each failure, so that clients that failed together come back apart (full jitter). What the server gave is
    waited for in full. After a routine end the client comes back at once, with the jitter of a first failure;
    but not twice in a row without a connection that lasted, or two draining servers could play ping-pong.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._returned_at_once = False

    def after(self, end: SocketEnd, draw: float) -> float:
        """Return the seconds to wait before the next socket.

        Args:
            end: how the last one ended.
            draw: a random number in [0, 1).

        """
        if end.lasted_s >= STABLE_S:
            self._failures, self._returned_at_once = 0, False
        routine = end.code in CLOSE_CODES and CLOSE_CODES[end.code].name in _ROUTINE
        if routine and not self._returned_at_once:
            self._returned_at_once = True
            return draw * FIRST_S if end.server_delay_s is None else end.server_delay_s
        self._failures += 1
        if end.server_delay_s is not None:
            return end.server_delay_s + draw * FIRST_S
        return backoff(self._failures, draw, first_s=FIRST_S, longest_s=LONGEST_S)
