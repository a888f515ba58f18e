"""Which requests are plain: what is found in them is what the parser of all requests finds."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings_server.http.connection.plain_head import PlainHeads, PlainRequest
from tidings_server.settings import ServerSettings
from tidings_server.web.direct_exchange import DirectEndpoints, DirectExchange

JOB = b"{}"
SUBMIT = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
EVENTS = b"GET /v1/jobs/a.b-_~/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 3\r\n\r\n"


def submit(exchange: DirectExchange) -> bool:
    return True


def events(exchange: DirectExchange) -> bool:
    return True


def heads() -> PlainHeads:
    endpoints = DirectEndpoints(submit, events, lambda hosts: "page.example" not in hosts)
    return PlainHeads(endpoints, ServerSettings(max_header_bytes=1_000))


class Parsed:
    """What the parser of all requests finds."""

    def __init__(self, data: bytes) -> None:
        self.found: list[tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]] = []
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = self._body = b""
        self._fields: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.found.append((self._parser.get_method(), self._url, self._fields, self._body))


def test_a_submission_and_a_stream_of_events_are_plain() -> None:
    found = heads()
    plain = {"host": "localhost"}
    assert found.read(SUBMIT) == PlainRequest(submit, {**plain, "content-length": "2"}, "", JOB)
    assert found.read(EVENTS) == PlainRequest(events, {**plain, "last-event-id": "3"}, "a.b-_~", b"")
    assert found.read(SUBMIT) == PlainRequest(submit, {**plain, "content-length": "2"}, "", JOB)


def test_the_same_fields_with_a_body_of_another_length_are_not_plain() -> None:
    found = heads()
    assert found.read(SUBMIT) is not None
    assert found.read(SUBMIT + b" ") is None
    assert found.read(SUBMIT[:-1]) is None


@pytest.mark.parametrize("size", range(len(SUBMIT)))
def test_a_part_of_a_request_is_not_plain(size: int) -> None:
    assert heads().read(SUBMIT[:size]) is None


@pytest.mark.parametrize(
    "field",
    [
        b"Connection: close",
        b"Connection: Upgrade",
        b"Connection: keep-alive, te",
        b"Content-Length: 2",
        b"Expect: 100-continue",
        b"Host: page.example",
        b"Origin: http://localhost",
        b"Prefer: wait=1\r\nPrefer: respond-async",
        b"Transfer-Encoding: chunked",
        b"Upgrade: websocket",
        b"X-Forwarded-For: 10.0.0.1",
        b"X-Forwarded-Proto: https",
        b"X-Bad: \x01",
        b"X-Bad : 1",
        b" folded",
        b"A: b\nC: d",
        b"A: b\n",
        b"X-Long: " + b"x" * 1_000,
        b"\r\n".join([b"A: b"] * 256),
    ],
)
def test_fields_that_need_more_than_the_endpoint_are_not_plain(field: bytes) -> None:
    assert heads().read(SUBMIT.replace(b"\r\n\r\n", b"\r\n%b\r\n\r\n" % field)) is None


PIECES = (
    *(
        b"POST /v1/jobs HTTP/1.1\r\n",
        b"GET /v1/jobs/a.b/events HTTP/1.1\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"{}",
    ),
    *(
        b"Host: localhost\r\n",
        b"Content-Length: 2\r\n",
        b"content-length: 0\r\n",
        b"Content-Length: +2\r\n",
        b"A: b\r\n",
    ),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: keep-alive\r\n",
        b"connection: keep-alive\n",
        b": c\r\n",
        b"\x00",
    ),
)
pieces = st.lists(st.sampled_from(PIECES), max_size=5).map(b"".join)


@given(line=st.sampled_from([SUBMIT[:24], EVENTS[:37]]), between=pieces, end=st.sampled_from([b"\r\n", b"\r\n{}"]))
def test_what_is_plain_is_one_request_and_the_parser_finds_the_same(line: bytes, between: bytes, end: bytes) -> None:
    data = line + between + end
    request = heads().read(data)
    if request is None:
        return
    ((method, url, fields, body),) = Parsed(data).found
    first = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(fields)}
    assert request.headers == first
    if method == b"POST":
        assert (request.endpoint, url, request.body) == (submit, b"/v1/jobs", body)
    else:
        assert (request.endpoint, method, url) == (events, b"GET", b"/v1/jobs/%b/events" % request.token.encode())
