"""What glues the other queues to a socket: a mistake there would be held against them."""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from bench.glue.queue import batches
from bench.glue.story import KINDS, is_last, own_channel, posts
from bench.harness.system import ROOT, Children, answers
from bench.load.wire import SUBPROTOCOL
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from support.store import StoreProcess
from support.timeouts import scaled
from tidings.process.port import free_port

TIMEOUT_S = 10.0


@pytest.fixture(scope="module", params=["0", "1"], ids=["a channel for each job", "a shared channel"])
def glued(request: pytest.FixtureRequest, store_process: StoreProcess) -> Iterator[str]:
    port = free_port()
    path = os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    settings = {"STORE_URL": store_process.url, "SHARED_CHANNEL": request.param, "PYTHONPATH": path}
    with Children() as children:
        children.start(
            "server", [sys.executable, "-m", "bench.glue.server", "support.applications.immediate", str(port)], settings
        )
        children.wait_until(lambda: answers(port))
        yield f"ws://127.0.0.1:{port}/"


@pytest.fixture
def socket(glued: str) -> Iterator[ClientConnection]:
    with connect(glued, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None) as socket:
        yield socket


def submit(socket: ClientConnection, ref: int, kind: str) -> None:
    socket.send(json.dumps({"type": "submit", "ref": ref, "kind": kind, "input": {}}))


def receive(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    return [json.loads(socket.recv(scaled(TIMEOUT_S))) for _ in range(count)]


def test_the_ack_comes_before_the_events_and_these_are_numbered(socket: ClientConnection) -> None:
    submit(socket, 7, "three_steps")
    ack, *events = receive(socket, 6)
    assert (ack["type"], ack["ref"], ack["seq"]) == ("ack", 7, 1)
    assert [event["event"] for event in events] == ["started", "progress", "progress", "progress", "succeeded"]
    assert [event["seq"] for event in events] == [2, 3, 4, 5, 6]
    assert {event["token"] for event in events} == {ack["token"]}


def test_each_of_two_jobs_on_a_socket_hears_its_own(socket: ClientConnection) -> None:
    submit(socket, 1, "three_steps")
    submit(socket, 2, "noop")
    frames = receive(socket, 9)  # two acks, five events, two events
    tokens = {frame["ref"]: frame["token"] for frame in frames if frame["type"] == "ack"}
    told = {ref: sum(frame["token"] == token for frame in frames) - 1 for ref, token in tokens.items()}
    assert told == {1: 5, 2: 2}


def test_a_kind_that_is_not_known_is_refused(socket: ClientConnection) -> None:
    submit(socket, 3, "sleeper")
    assert receive(socket, 1) == [{"type": "error", "ref": 3, "problem": {"code": "unknown_kind"}}]


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_job_tells_its_begin_its_steps_and_its_end(kind: str) -> None:
    told = list(posts(kind, "t", shared=False))
    frames = [json.loads(post.message) for post in told]
    assert [frame["event"] for frame in frames] == ["started", *["progress"] * KINDS[kind].steps, "succeeded"]
    assert [frame["seq"] for frame in frames] == list(range(2, 4 + KINDS[kind].steps))
    assert [is_last(post.message) for post in told] == [*[False] * (len(told) - 1), True]
    assert {post.channel for post in told} == {own_channel("t")}
    assert sum(post.pause_s for post in told) == pytest.approx(KINDS[kind].steps * KINDS[kind].pause_s)


def test_on_a_shared_channel_each_message_says_whose_it_is() -> None:
    shared, own = list(posts("three_steps", "t", shared=True)), list(posts("three_steps", "t", shared=False))
    assert [post.message for post in shared] == [f"t {post.message}" for post in own]
    assert len({post.channel for post in shared}) == 1


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (5, [5]), (10, [10]), (25, [10, 10, 5])])
def test_batches_add_up(count: int, sizes: list[int]) -> None:
    assert batches(count, 10) == sizes
