"""Which requests are plain: they came whole, and nothing in their head asks for more than their endpoint.

Heads are read by the parser that reads all requests, one time for each head: a client sends the same fields with each
request, so a connection keeps the last ones beside what they say. Only the request's line is read here, by a pattern
for the paths of every job. Whatever is not certain is not plain, and takes ASGI's way.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import httptools

from tidings_server.settings import ServerSettings
from tidings_server.web.direct_exchange import DirectEndpoint, DirectEndpoints

from .request_meter import MAX_FIELDS

_LINE = re.compile(rb"(?:POST /v1/jobs|GET /v1/jobs/([A-Za-z0-9._~-]{1,128})/events) HTTP/1\.1\r\n")
"""A request for a new job, or for the events of one."""

_END = b"\r\n\r\n"

_NOT_PLAIN = frozenset(
    {
        b"expect",  # an answer before the answer (RFC 9110, section 10.1.1)
        b"http2-settings",
        b"origin",  # a page, perhaps of another site: CORS
        b"transfer-encoding",
        b"upgrade",
        b"x-forwarded-for",  # the client's address is the proxy's to say
        b"x-forwarded-proto",
    }
)
"""Fields of requests that take ASGI's way."""


class PlainRequest(NamedTuple):
    """A request that is plain."""

    endpoint: DirectEndpoint
    headers: Mapping[str, str]
    """By their names in lower case; of several of one name the first."""
    token: str
    """In the path; empty: there is none."""
    body: bytes


class _Fields(NamedTuple):
    """The fields that one request of a method had, and what they say."""

    raw: bytes = b""
    headers: Mapping[str, str] | None = None
    """None: such a request is not plain."""
    body_bytes: int = 0


class PlainHeads:
    """The heads of one connection's requests."""

    __slots__ = ("_endpoints", "_events", "_settings", "_submit")

    def __init__(self, endpoints: DirectEndpoints, settings: ServerSettings) -> None:
        self._endpoints = endpoints
        self._settings = settings
        self._submit = self._events = _Fields()

    def read(self, data: bytes) -> PlainRequest | None:
        """Return the request that `data` is; None: it is not plain, not whole, or not all of it.

        Args:
            data: what came after a request's end, or at the beginning of the connection.

        """
        line = _LINE.match(data)
        if line is None:
            return None
        end = data.find(_END, line.end() - 2) + len(_END)
        if end < line.end():
            return None  # the head has not come whole
        token: bytes | None = line[1]
        fields = self._submit if token is None else self._events
        raw = data[line.end() : end]
        if fields.raw != raw:
            fields = self._read_fields(data[:end], raw)
            if token is None:
                self._submit = fields
            else:
                self._events = fields
        if fields.headers is None or len(data) != end + fields.body_bytes:
            return None
        if token is None:
            return PlainRequest(self._endpoints.submit, fields.headers, "", data[end:])
        return PlainRequest(self._endpoints.events, fields.headers, token.decode(), b"")

    def _read_fields(self, head: bytes, raw: bytes) -> _Fields:
        reader = _HeadReader()
        parser = httptools.HttpRequestParser(reader)
        try:
            parser.feed_data(head)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return _Fields(raw)
        if not reader.plain(self._settings.max_header_bytes) or parser.should_upgrade():
            return _Fields(raw)
        if not parser.should_keep_alive() or not self._endpoints.open_to(reader.values(b"host")):
            return _Fields(raw)
        headers: dict[str, str] = {}
        for name, value in reader.fields:
            headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        return _Fields(raw, headers, int(headers.get("content-length", "0")))


class _HeadReader:
    """What the parser finds in the head of a request. No field is kept of a second request."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self._requests = 0
        self._bodies = 0
        self._heads = 0

    def on_message_begin(self) -> None:
        """Count a request."""
        self._requests += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field."""
        self.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Count a head that has come whole."""
        self._heads += 1

    def on_body(self, body: bytes) -> None:
        """Count a piece of a body: what was taken for the head was more."""
        self._bodies += 1

    def values(self, name: bytes) -> list[str]:
        """Return the values of a field."""
        return [value.decode("latin-1") for each, value in self.fields if each == name]

    def plain(self, max_bytes: int) -> bool:
        """Return whether the head is one, is no larger than may be, and says nothing that needs ASGI."""
        return (
            (self._requests, self._heads, self._bodies) == (1, 1, 0)
            and len(self.fields) <= MAX_FIELDS
            and sum(len(name) + len(value) for name, value in self.fields) <= max_bytes
            and len(self.values(b"prefer")) <= 1  # several count as one (RFC 7240, section 2)
            and not any(
                name in _NOT_PLAIN or (name == b"connection" and value.lower() != b"keep-alive")
                for name, value in self.fields
            )
        )
