"""Plain requests for jobs are answered without ASGI, byte for byte as with it, and all others take ASGI's way."""

import json
import re
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.system import System, system_fixture
from support.timeouts import scaled
from support.waiting import until
from support.wire.server_thread import server_in_thread
from tidings_server.auth.api_key import new_key, setting_line
from tidings_server.run import Server
from tidings_server.web.direct_exchange import DirectExchange
from tidings_server.web.uvicorn_config import ServerConfig

system = system_fixture(servers=0)

KEY, WATCHER, SUBMITTER = new_key(), new_key(), new_key()
AUTH = {
    "TIDINGS_AUTH": "api_key",
    "TIDINGS_API_KEYS": ",".join(
        setting_line(name, key, scopes)
        for name, key, scopes in (("one", KEY, ()), ("two", WATCHER, ["watch"]), ("three", SUBMITTER, ["submit"]))
    ),
    "TIDINGS_ROOT_PATH": "/mine",
}
SMALL = {"TIDINGS_MAX_FRAME_BYTES": "2000", "TIDINGS_MAX_HEADER_BYTES": "2000", "TIDINGS_MAX_DEPTH": "5"}
JOB = b'{"kind":"echo","input":{"text":"a"}}'
NEXT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
"""Asked behind each request: both ways must leave the connection as it was."""


class Ways(NamedTuple):
    """Two servers on one store: one answers plain requests directly, and the other never does."""

    short: int
    long: int
    taken: list[DirectExchange]
    """The exchanges that the first has answered directly."""
    token: str
    """Of a job that has ended."""
    credential: bytes
    server: Server
    """The first."""


@pytest.fixture(scope="module", params=["nobody asks", "keys"])
def ways(request: pytest.FixtureRequest, system: System) -> Iterator[Ways]:
    asked = request.param == "keys"
    taken: list[DirectExchange] = []
    environment = {**SMALL, **(AUTH if asked else {})}
    credential = b"Authorization: Bearer %b\r\n" % KEY.encode() if asked else b""

    def count_direct(config: ServerConfig) -> None:
        direct = config.direct
        assert direct is not None

        def submit(exchange: DirectExchange) -> bool:
            taken.append(exchange)
            return direct.submit(exchange)

        def events(exchange: DirectExchange) -> bool:
            taken.append(exchange)
            return direct.events(exchange)

        config.direct = direct._replace(submit=submit, events=events)

    def never_direct(config: ServerConfig) -> None:
        config.direct = None

    with (
        server_in_thread(system, count_direct, **environment) as (server, short),
        server_in_thread(system, never_direct, **environment) as (_, long),
    ):
        answer = said(long, post(credential, body=b'{"kind":"steps","input":{"count":2}}'))
        token = json.loads(body_of(answer))["token"]
        until(lambda: b"event: succeeded" in said(long, events(token, credential)))
        taken.clear()
        yield Ways(short, long, taken, token, credential, server)


def post(fields: bytes = b"", body: bytes = JOB) -> bytes:
    return b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, len(body), body)


def events(token: str, fields: bytes = b"") -> bytes:
    return b"GET /v1/jobs/%b/events HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (token.encode(), fields)


def said(port: int, request: bytes) -> bytes:
    """Return all that a server says to a request, and to the one behind it on a connection that is kept."""
    with socket.create_connection(("127.0.0.1", port), timeout=scaled(20)) as connection:
        connection.sendall(request)
        answer = b""
        while not whole(answer):
            more = connection.recv(65_536)
            if not more:
                return answer
            answer += more
        if b"\r\nconnection: close\r\n" not in answer:
            connection.sendall(NEXT)
            while more := connection.recv(65_536):
                answer += more
        return answer


def whole(answer: bytes) -> bool:
    """Return whether one response has come, to its end."""
    head, end, rest = answer.partition(b"\r\n\r\n")
    if not end or head.startswith(b"HTTP/1.1 100"):
        return bool(end) and whole(rest)
    if size := re.search(rb"content-length: (\d+)", head):
        return len(rest) >= int(size[1])
    return rest.endswith(b"0\r\n\r\n") if b"transfer-encoding: chunked" in head else True


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2].partition(b"HTTP/1.1")[0]


VARYING = (
    (rb"date: [^\r]+", b"date: NOW"),
    (rb"[a-z]{1,20}\.[A-Za-z0-9_-]{22}", b"TOKEN"),
    (rb"[0-9a-f]{1,8}\r\nretry: \d+", b"SIZE retry: SOME"),
    (rb'"(position|eta|retry_after)":(?:null|[0-9.]+)', rb'"\1":SOME'),
    (rb"content-length: \d+", b"content-length: SOME"),
    (rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]+"', b'"TIME"'),
    (rb"tdg_[A-Za-z0-9_.-]+", b"GRANT"),
    (rb"\d+ bytes", b"SOME bytes"),
)


def shown(answer: bytes, token: str) -> bytes:
    """Return an answer without what is another one each time; of the job that has ended the name stays."""
    answer = answer.replace(token.encode(), b"ENDED")
    for pattern, text in VARYING:
        answer = re.sub(pattern, text, answer)
    return answer


keys = count()

FIELDS = (
    b"Accept: */*",
    b"Accept-Encoding: gzip",
    b"Authorization: Bearer nonsense",
    b"Authorization: Basic bm9ib2R5Og==",
    b"Authorization: Bearer %b" % WATCHER.encode(),
    b"Authorization: Bearer %b" % SUBMITTER.encode(),
    b"Connection: keep-alive",
    b"Connection: Keep-Alive",
    b"Connection: close",
    b"Connection: upgrade",
    b"Content-Type: application/json",
    b"Content-Type: text/plain",
    b"Cookie: a=b",
    b"Expect: 100-continue",
    b"Host: localhost:80",
    b"Host: page.example",
    b"Idempotency-Key: KEYKEYK",
    b'Idempotency-Key: "KEYKEYK"',
    b"Idempotency-Key: \xe4",
    b"Idempotency-Key:",
    b"If-None-Match: *",
    b"Last-Event-ID: 0",
    b"Last-Event-ID: 1",
    b"Last-Event-ID: 4",
    b"Last-Event-ID: 99",
    b"Last-Event-ID: -1",
    b"Last-Event-ID:",
    b"last-event-id: 1,2",
    b"Origin: http://localhost",
    b"Origin: http://page.example",
    b"Prefer: respond-async",
    b"Prefer: wait=0",
    b"Prefer: wait=30",
    b"Prefer: respond-async, wait=30",
    b"Prefer: wait=nonsense",
    b"Range: bytes=0-3",
    b"Sec-Fetch-Site: cross-site",
    b"Transfer-Encoding: chunked",
    b"Upgrade: h2c",
    b"X-Forwarded-For: 10.0.0.1",
    b"X-Long: " + b"x" * 1_990,
    b"X-Bad: \x01",
    b"X Bad: 1",
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"traceparent: nonsense",
    b"tracestate: a=b",
)

BODIES = (
    JOB,
    JOB,
    b'{"kind":"echo","input":{"text":"a"},"type":"submit","ref":1}',
    b'{"kind":"echo","input":{"text":1}}',
    b'{"kind":"echo","input":{"text":"a"},"delay":-1}',
    b'{"kind":"echo","input":{"text":"a"},"nonsense":1}',
    b'{"kind":"echo","input":{"text":"a"},"owner":"other"}',
    b'{"kind":"echo","input":{"text":"a"},"grant":{"may":["watch"]}}',
    b'{"kind":"nothing","input":{}}',
    b'{"kind":"echo","input":{"text":"' + b"a" * 3_000 + b'"}}',
    b'{"kind":"echo","input":[[[[[[[]]]]]]]}',
    b"{",
    b"\xff",
    b"",
)

fields = st.lists(st.sampled_from(FIELDS), max_size=4)
PLAIN = (b"Content-Type: application/json", b"Accept: */*")


def lines(chosen: list[bytes] | tuple[bytes, ...], credential: bytes) -> bytes:
    given_one = any(field.startswith(b"Authorization") for field in chosen)
    return (b"" if given_one else credential) + b"".join(field + b"\r\n" for field in chosen)


def credible(request: bytes, ways: Ways) -> bytes:
    """Return a request with the credential that the servers ask for."""
    return request.replace(b"Host: localhost\r\n", b"Host: localhost\r\n" + ways.credential, 1)


def assert_alike(ways: Ways, request: bytes) -> None:
    """Ask both servers: each with a key of its own, or the second would find the job of the first."""
    short, long = (
        shown(said(port, request.replace(b"KEYKEYK", b"%07d" % next(keys))), ways.token)
        for port in (ways.short, ways.long)
    )
    assert short == long
    assert short.startswith(b"HTTP/1.1 ")


@settings(max_examples=50)
@given(chosen=fields, body=st.sampled_from(BODIES))
@example(chosen=[*PLAIN], body=JOB)
@example(chosen=[b"Idempotency-Key: KEYKEYK", b"traceparent: nonsense"], body=JOB)
@example(chosen=[b"X-Long: " + b"x" * 1_990], body=JOB)
@example(chosen=[b"Authorization: Bearer %b" % WATCHER.encode()], body=JOB)
@example(chosen=[b"Host: page.example"], body=JOB)
def test_submissions_are_answered_alike(ways: Ways, chosen: list[bytes], body: bytes) -> None:
    assert_alike(ways, post(lines(chosen, ways.credential), body))


@settings(max_examples=50)
@given(chosen=fields, token=st.sampled_from(["ENDED", "ENDED", "default.0123456789abcdefghijkl", "nothing", "a.b"]))
@example(chosen=[*PLAIN], token="ENDED")
@example(chosen=[b"Authorization: Bearer %b" % SUBMITTER.encode()], token="ENDED")
@example(chosen=[b"Last-Event-ID: 4"], token="ENDED")
@example(chosen=[b"Last-Event-ID: -1"], token="ENDED")
@example(chosen=[], token="default.0123456789abcdefghijkl")
def test_streams_of_events_are_answered_alike(ways: Ways, chosen: list[bytes], token: str) -> None:
    assert_alike(ways, events(token.replace("ENDED", ways.token), lines(chosen, ways.credential)))


def waiting(kind: str, key: str = "", wait: int = 30, **given: object) -> bytes:
    """Return a request that waits for the outcome of a job."""
    body = json.dumps({"kind": kind, "input": given, **({"key": key} if key else {})}).encode()
    return post(b"Prefer: wait=%d\r\n" % wait, body=body)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param([waiting("steps", count=2)], id="a job"),
        pytest.param([waiting("raises")], id="a job that fails"),
        pytest.param([waiting("echo", "KEYKEYK", text="a")] * 2, id="a job that has ended"),
        pytest.param(
            [waiting("echo", "KEYKEYK", text="a"), waiting("echo", "KEYKEYK", text="b")], id="another job's key"
        ),
        pytest.param([waiting("wait_for_file", "KEYKEYK", 1, path="/nowhere")] * 2, id="a job that goes on"),
        pytest.param([waiting("big", size=200_000)], id="a large outcome"),
        pytest.param([waiting("big", "KEYKEYK", size=200_000)] * 2, id="a large outcome again"),
        pytest.param([waiting("big", size=60_000)] * 3, id="outcomes of a piece"),
    ],
)
def test_long_polls_are_answered_alike(ways: Ways, asked: list[bytes]) -> None:
    ways.taken.clear()
    answers = []
    for port in (ways.short, ways.long):
        key = b"%07d" % next(keys)
        requests = [credible(request.replace(b"KEYKEYK", key), ways) for request in asked]
        answers.append([shown(said(port, request), ways.token) for request in requests])
    assert answers[0] == answers[1]
    assert len(ways.taken) == len(asked)
    assert ways.server.runtime.quotas.connections == 0, "a long poll counts as one until it is answered"


def test_plain_requests_are_answered_directly_one_after_the_other(ways: Ways) -> None:
    ways.taken.clear()
    with socket.create_connection(("127.0.0.1", ways.short), timeout=scaled(20)) as connection:
        for _ in range(3):
            for request in (post(ways.credential), events(ways.token, ways.credential)):
                connection.sendall(request)
                answer = b""
                while not whole(answer):
                    answer += connection.recv(65_536)
                assert answer.startswith(b"HTTP/1.1 20")
    assert len(ways.taken) == 6


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(post() + post(), id="two at once"),
        pytest.param(b"\r\n" + post(), id="an empty line before"),
        pytest.param(post(b"Origin: http://localhost\r\n"), id="a page's"),
        pytest.param(post(b"Connection: close\r\n"), id="the last"),
        pytest.param(post(b"Expect: 100-continue\r\n"), id="an expectation"),
        pytest.param(post(b"Prefer: wait=1\r\nPrefer: respond-async\r\n"), id="two preferences"),
        pytest.param(post(b"X-Forwarded-For: 10.0.0.1\r\n"), id="by way of a proxy"),
        pytest.param(post().replace(b"HTTP/1.1", b"HTTP/1.0"), id="an old version"),
        pytest.param(post().replace(b"/v1/jobs", b"/v1/jobs?a=b"), id="a query"),
        pytest.param(post().replace(b"POST", b"PUT"), id="another method"),
        pytest.param(events("a%2eb"), id="an escape"),
    ],
)
def test_requests_that_are_not_plain_take_asgi_s_way(ways: Ways, request_: bytes) -> None:
    ways.taken.clear()
    assert said(ways.short, credible(request_, ways)).startswith(b"HTTP/1.1 ")
    assert ways.taken == []


def test_a_request_behind_a_stream_waits_for_its_end(ways: Ways, tmp_path: Path) -> None:
    path = tmp_path / "go"
    job = json.dumps({"kind": "wait_for_file", "input": {"path": str(path)}}).encode()
    token = json.loads(body_of(said(ways.long, post(ways.credential, body=job))))["token"]
    with socket.create_connection(("127.0.0.1", ways.short), timeout=scaled(20)) as connection:
        connection.sendall(events(token, ways.credential))
        answer = b""
        while b"event: snapshot" not in answer:
            answer += connection.recv(65_536)
        connection.sendall(post(ways.credential))
        path.touch()
        while b"HTTP/1.1 202 Accepted" not in answer:
            answer += connection.recv(65_536)
    stream, _, _ = answer.partition(b"HTTP/1.1 202 Accepted")
    assert b"event: succeeded" in stream
    assert stream.endswith(b"\r\n0\r\n\r\n")
