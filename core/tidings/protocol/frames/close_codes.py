"""Why a socket closes, and whether to come back: one table for server, clients, docs and tests.

Codes below 4000 are those of RFC 6455, section 7.4; 4000 and above are ours.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class CloseCode(NamedTuple):
    """What one close code means to a client."""

    name: str
    reconnect: bool
    """Whether the client should open another socket by itself."""
    meaning: str


CLOSE_CODES: Mapping[int, CloseCode] = MappingProxyType(
    {
        1000: CloseCode("normal", False, "the client asked for it"),
        1001: CloseCode("going_away", True, "the server or the page went away"),
        1006: CloseCode("abnormal", True, "the connection broke without a word"),
        1009: CloseCode("too_large", False, "a frame was larger than `max_frame_bytes`"),
        1012: CloseCode("draining", True, "the server restarts; come back after the time it gave"),
        4000: CloseCode("maximal_age", True, "the connection reached its maximal age: routine"),
        4008: CloseCode("too_slow", True, "events would have had to be dropped; resume where you were"),
        4029: CloseCode("rate_limited", True, "a rate limit was broken repeatedly; wait the time given"),
        4400: CloseCode("bad_protocol", False, "what was sent is not this protocol"),
        4401: CloseCode("unauthenticated", False, "not, or no longer, authenticated: fetch a credential first"),
        4403: CloseCode("forbidden", False, "this origin or caller is not allowed"),
    }
)
"""Every close code of contract version 1."""

TOO_LARGE = 1009
DRAINING = 1012
MAXIMAL_AGE = 4000
TOO_SLOW = 4008
RATE_LIMITED = 4029
BAD_PROTOCOL = 4400
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
