"""One HTTP request of the doctor's, bounded in time and bytes; and the beginning of a stream."""

import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from email.message import Message
from typing import NamedTuple

from tidings_cli.redirect_refusal import RedirectRefusal

WITHIN_S = 10.0
"""How long an answer may take."""
MAX_BYTES = 1_048_576
"""Most bytes of an answer that are read."""


class HttpAnswer(NamedTuple):
    """What came back."""

    status: int
    """0: nothing answered."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes
    error: str = ""
    """Why nothing answered."""


class WebAddress:
    """A server, or the proxy before it, at an address."""

    def __init__(self, url: str, credential: str = "", within_s: float = WITHIN_S) -> None:
        """Prepare.

        Args:
            url: `http://` or `https://`, with the path under which the server is shown.
            credential: an API key or a JWT; empty: none.
            within_s: how long an answer may take, s.

        """
        self.url = url.rstrip("/")
        self.credential = credential
        self._within_s = within_s
        self._opener = urllib.request.build_opener(RedirectRefusal)

    def get(self, path: str, *, authorized: bool = False) -> HttpAnswer:
        """Return the answer to a GET, whatever its status."""
        try:
            with self._opener.open(self._request(path, authorized), timeout=self._within_s) as answer:
                return HttpAnswer(answer.status, _lower(answer.headers), answer.read(MAX_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                return HttpAnswer(error.code, _lower(error.headers), error.read(MAX_BYTES))
        except (OSError, ValueError) as error:
            return HttpAnswer(0, {}, b"", _reason(error))

    def stream(self, path: str, wanted: bytes) -> tuple[HttpAnswer, float]:
        """Return the beginning of a stream, up to bytes that are wanted, and how long it took, s; the stream then ends.

        Where the wanted bytes do not come in time, the body is what came.
        """
        begun = time.monotonic()
        try:
            request = self._request(path, authorized=True)
            request.add_header("accept-encoding", "gzip")  # as browsers do: some proxies then keep streams back
            with self._opener.open(request, timeout=self._within_s) as answer:
                unzip = zlib.decompressobj(wbits=31) if answer.headers.get("content-encoding") == "gzip" else None
                body = b""
                while wanted not in body and len(body) < MAX_BYTES and time.monotonic() - begun < self._within_s:
                    try:
                        piece = answer.read1(65_536)
                    except OSError:  # nothing has come for so long
                        break
                    if not piece:
                        break
                    body += unzip.decompress(piece, MAX_BYTES) if unzip else piece
                return HttpAnswer(answer.status, _lower(answer.headers), body), time.monotonic() - begun
        except urllib.error.HTTPError as error:
            with error:
                return HttpAnswer(error.code, {}, error.read(MAX_BYTES)), time.monotonic() - begun
        except (OSError, ValueError, zlib.error) as error:
            return HttpAnswer(0, {}, b"", _reason(error)), time.monotonic() - begun

    def _request(self, path: str, authorized: bool) -> urllib.request.Request:
        headers = {"user-agent": "tidings-doctor"}
        if authorized and self.credential:
            headers["authorization"] = f"Bearer {self.credential}"
        return urllib.request.Request(self.url + path, headers=headers)  # noqa: S310 - the operator names it


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(reason) or type(error).__name__
