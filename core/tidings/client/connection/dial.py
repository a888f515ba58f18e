"""Opening one socket, and saying why there is none."""

import logging
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from tidings.protocol.frames.close_codes import BAD_PROTOCOL
from tidings.protocol.frames.messages import SUBPROTOCOL

from .reconnect_delay import ABNORMAL, SocketEnd

CLOSE_TIMEOUT_S = 2.0
"""How long to wait for the server's half of a close."""

DIAL_ERRORS = (OSError, InvalidHandshake, InvalidURI, msgspec.MsgspecError, UnicodeDecodeError)
"""Errors that keep a socket from being used and are no defect of this client; `OSError` includes time limits."""

LONGEST_AWAY_S = 3_600.0
"""The longest that a client stays away because a date says so: the two clocks may disagree."""

_DIGITS = 6
"""Digits of a number of seconds that is believed: a week."""

_log = logging.getLogger("tidings.client.socket")
# At DEBUG the library that carries the socket prints every frame, and one of them holds the credential.
_log.setLevel(logging.INFO)


class _Dial(connect):
    """Opens a socket at the given address and follows no redirect, which could carry the credential away."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow none."""
        return exc


def dial(address: str, timeout_s: float) -> connect:
    """Return what opens a socket, as a context manager; it raises one of `DIAL_ERRORS`."""
    return _Dial(
        address,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        max_size=None,
        open_timeout=timeout_s,
        close_timeout=CLOSE_TIMEOUT_S,
        logger=_log,
    )


def end_of_failed_dial(error: Exception, timeout_s: float) -> SocketEnd:
    """Return what one of `DIAL_ERRORS` means."""
    match error:
        case InvalidURI():
            return SocketEnd(BAD_PROTOCOL, str(error), error=error)
        case InvalidStatus():
            reason = f"the server refused the socket with HTTP status {error.response.status_code}"
            return SocketEnd(ABNORMAL, reason, server_delay_s=_retry_after(error), error=error)
        case ConnectionRefusedError():
            reason = "connection refused"
        case TimeoutError():
            reason = f"no answer within {timeout_s:g} s"
        case OSError():
            reason = error.strerror or str(error)
        case _:
            reason = str(error)
    return SocketEnd(ABNORMAL, reason, error=error)


def _retry_after(error: InvalidStatus) -> float | None:
    """Return the seconds that the answer gives, in either form (RFC 9110, section 10.2.3)."""
    text = error.response.headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) <= _DIGITS:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": RFC 5322, section 3.3
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), LONGEST_AWAY_S)
