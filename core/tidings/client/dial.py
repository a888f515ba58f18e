"""Opening one socket, and saying why there is none."""

import logging

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from tidings.contract.close import BAD_PROTOCOL
from tidings.contract.frame import SUBPROTOCOL

from .pause import ABNORMAL, End

FAREWELL_S = 2.0
"""How long to wait for the server's half of a close."""

DIAL_ERRORS = (OSError, InvalidHandshake, InvalidURI, msgspec.MsgspecError)
"""Whatever keeps a socket from being used, and is no defect of this client; time limits are among the first."""

_log = logging.getLogger("tidings.client.socket")
# At DEBUG the library that carries the socket prints every frame, and one of them holds the credential.
_log.setLevel(logging.INFO)


class _Dial(connect):
    """Opens a socket where it was told to and nowhere else: a redirect would carry the credential away."""

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
        close_timeout=FAREWELL_S,
        logger=_log,
    )


def failure(error: Exception, timeout_s: float) -> End:
    """Return what one of `DIAL_ERRORS` means."""
    match error:
        case InvalidURI():
            return End(BAD_PROTOCOL, str(error), error=error)
        case InvalidStatus():
            reason = f"the server refused the socket with HTTP status {error.response.status_code}"
            return End(ABNORMAL, reason, given_s=_retry_after(error), error=error)
        case ConnectionRefusedError():
            reason = "connection refused"
        case TimeoutError():
            reason = f"no answer within {timeout_s:g} s"
        case OSError():
            reason = error.strerror or str(error)
        case _:
            reason = str(error)
    return End(ABNORMAL, reason, error=error)


def _retry_after(error: InvalidStatus) -> float | None:
    """Return the seconds that the answer gives; its other form, a date, is not ours (RFC 9110, section 10.2.3)."""
    text = error.response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None
