"""How much has come of a request: what has no end is measured as it comes, lest it be kept whole.

Every measure returns a problem once a limit is passed, and None before.
"""

from collections.abc import Iterable
from http import HTTPStatus

from tidings.protocol.problems import Problem
from tidings_server.settings import ServerSettings

from .http_refusal import refusal

MAX_FIELDS = 256
"""Fields in the head of a request, and as many in its trailer."""

CHUNK_OVERHEAD = 16
"""Bytes of framing that each byte of a chunked body may have, besides the size of a head; tiny chunks have six."""

_FIELDS_TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class RequestMeter:
    """The measures of the request that a connection reads at the moment."""

    __slots__ = ("_dropped_bytes", "_fields", "_framing_bytes", "_head_bytes", "_settings", "body_bytes", "in_head")

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self.begin()

    def begin(self) -> None:
        """Begin with a request of which nothing has come."""
        self.in_head = True
        """Whether the head has not come whole."""
        self.body_bytes = 0
        self._fields = self._head_bytes = self._framing_bytes = self._dropped_bytes = 0

    def add_field(self) -> Problem | None:
        """Count a field of the head or the trailer."""
        self._fields += 1
        if self._fields <= MAX_FIELDS:
            return None
        where = "head" if self.in_head else "trailer"
        return refusal(_FIELDS_TOO_LARGE, "too_large", f"{where} of more than {MAX_FIELDS} fields")

    def end_head(self, url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Problem | None:
        """Measure a head that has come whole."""
        self.in_head = False
        self._fields = 0
        most = self._settings.max_url_bytes
        if len(url) > most:
            return _too_long(HTTPStatus.REQUEST_URI_TOO_LONG, "URL", len(url), most)
        size = sum(len(name) + len(value) for name, value in headers)
        most = self._settings.max_header_bytes
        return _too_long(_FIELDS_TOO_LARGE, "headers", size, most) if size > most else None

    def add_head(self, size: int) -> Problem | None:
        """Count bytes of a head that has not come whole."""
        self._head_bytes += size
        most = self._settings.max_url_bytes + self._settings.max_header_bytes
        return _too_long(_FIELDS_TOO_LARGE, "head", self._head_bytes, most) if self._head_bytes > most else None

    def add_framing(self, size: int) -> Problem | None:
        """Count what a chunked body has besides its bytes: sizes and extensions of chunks, and the trailer."""
        self._framing_bytes += size
        most = self._settings.max_header_bytes
        if self._framing_bytes > most + CHUNK_OVERHEAD * self.body_bytes:
            return refusal(_FIELDS_TOO_LARGE, "too_large", f"trailer of more than {most} bytes", most)
        return None

    def drop(self, size: int) -> bool:
        """Count bytes of a body that came after the response; return whether they are too many."""
        self._dropped_bytes += size
        return self._dropped_bytes > self._settings.max_batch_bytes


def _too_long(status: HTTPStatus, what: str, size: int, most: int) -> Problem:
    return refusal(status, "too_large", f"{what} of {size} bytes; at most {most} are taken", most)
