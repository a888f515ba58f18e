"""Whatever is sent, over the socket or HTTP: the server neither dies nor answers 500, and serves on."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from support.system import System
from support.timeouts import scaled
from tidings.protocol.frames.close_codes import CLOSE_CODES
from tidings.protocol.frames.messages import SUBPROTOCOL
from tidings.protocol.problems import CODES

many = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
near_submits = st.fixed_dictionaries(
    {"type": st.just("submit"), "kind": st.sampled_from(["echo", "order", "noop", "no"]), "input": json_values},
    optional={
        "ref": st.integers(0, 9) | json_values,
        "key": st.text(max_size=4) | json_values,
        "delay": st.sampled_from([0, 3600, -1, 1e300]) | json_values,
        "deadline": st.sampled_from([0, 1e-9, 1e300]) | json_values,
        "queue": json_values,
        "tier": json_values,
        "watch": json_values,
        "correlation_id": st.text(max_size=5) | json_values,
    },
)
near_frames = near_submits | st.fixed_dictionaries(
    {"type": st.sampled_from(["watch", "unwatch", "cancel", "auth", "ping", "x"]) | json_values},
    optional={"ref": st.integers(0, 9) | json_values, "token": st.text(max_size=30), "after": json_values},
)
texts = st.text(max_size=60) | (near_frames | json_values).map(json.dumps)
messages = texts | st.binary(max_size=60)


@pytest.fixture(scope="module")
def line(system: System) -> "Iterator[Line]":
    with ExitStack() as stack:
        yield Line(system.server.socket_url, stack)


class Line:
    """A socket that is opened again whenever the server has closed it for a reason of the contract."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self._url = url
        self._stack = stack
        self._connection: ClientConnection | None = None

    def exchange(self, message: str | bytes) -> list[dict[str, Any]]:
        """Send a message and a ping; return the frames that come before the pong."""
        if self._connection is None:
            subprotocol = Subprotocol(SUBPROTOCOL)
            opening = connect(self._url, subprotocols=[subprotocol], compression=None)
            self._connection = self._stack.enter_context(opening)
        frames: list[dict[str, Any]] = []
        try:
            self._connection.send(message)
            self._connection.send('{"type":"ping","ref":4711}')
            while (frame := json.loads(self._connection.recv(timeout=scaled(10)))) != {"type": "pong", "ref": 4711}:
                frames.append(frame)
        except ConnectionClosed:
            closed = self._connection.protocol.close_code
            self._connection = None
            if closed not in CLOSE_CODES:
                raise
        return frames


@many
@given(message=messages)
def test_the_socket_answers_anything_and_stays_open(line: Line, message: str | bytes) -> None:
    for frame in line.exchange(message):
        assert frame["type"] in {"hello", "ack", "error", "event", "snapshot", "done", "pong"}
        if frame["type"] == "error":
            assert frame["problem"]["code"] in CODES
            assert frame["problem"]["status"] < 500 or frame["problem"]["code"] == "store_unavailable"


@many
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD"]),
    path=st.sampled_from(
        ["/v1/jobs", "/v1/jobs/x", "/v1/jobs/default.aaaaaaaaaaaaaaaaaaaaaa/events", "/v1/events", "/v1/kinds", "/"]
    )
    | st.text(alphabet="/%.abc0v1jobs?&=\\", max_size=30).map(lambda text: "/" + text),
    body=(near_submits.map(json.dumps) | st.text(max_size=80)).map(str.encode) | st.binary(max_size=80),
    headers=st.dictionaries(
        st.sampled_from(["prefer", "if-none-match", "idempotency-key", "last-event-id", "traceparent", "origin"]),
        st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip),
        max_size=3,
    ),
)
def test_http_answers_anything_but_with_500(
    system: System, method: str, path: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = httpx.request(method, system.server.url + path, content=body, headers=headers, timeout=scaled(75))
    assert answer.status_code < 500
    if answer.status_code >= 400 and method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=1, max_size=200))
def test_bytes_that_are_no_http_do_no_harm(system: System, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", system.server.port), timeout=scaled(5)) as raw:
        raw.sendall(data + b"\r\n\r\n")
        raw.shutdown(socket.SHUT_WR)
        raw.settimeout(scaled(5))
        while raw.recv(4096):
            pass


def test_after_all_that_the_server_serves_as_before(system: System) -> None:
    assert system.server.process.poll() is None
    answer = httpx.post(
        system.server.url + "/v1/jobs",
        json={"kind": "echo", "input": {"text": "still here"}},
        headers={"prefer": "wait=10"},
        timeout=scaled(15),
    )
    assert answer.json()["result"] == "still here"
    assert '"unexpected"' not in system.server.text()
    assert "Traceback" not in system.server.text()
