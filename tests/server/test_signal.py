"""Signals, and the steps of a snapshot, over the socket and over HTTP, against a real store; a saga is played."""

import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.peer import Peer, peer
from support.system import System, system_fixture
from support.timeouts import scaled

NOBODY = "default." + "a" * 22
KINDS = Path(__file__).parents[1] / "support/handlers/saga_kinds.py"


system = system_fixture(str(KINDS))


@pytest.fixture
async def client(system: System) -> AsyncIterator[Peer]:
    async with peer(system.server.socket_url) as client:
        yield client


async def started(client: Peer, kind: str = "ask", **input: Any) -> str:
    ack = await client.submit(kind, input)
    assert ack["type"] == "ack", ack
    return str(ack["token"])


async def result_of(client: Peer, token: str) -> Any:
    return (await client.until(token))[-1]["data"]["result"]


def post(
    system: System, token: str, name: str = "approved", body: bytes = b"", key: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Send a signal by HTTP; return the status and the problem, if any."""
    headers = {"content-type": "application/json"} | ({} if key is None else {"idempotency-key": key})
    url = f"{system.server.url}/v1/jobs/{token}/signals/{name}"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, body, headers, method="POST"), timeout=scaled(15)
        ) as answer:
            assert answer.read() == b""
            return answer.status, {}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, msgspec.json.decode(error.read())


# Over the socket.


@pytest.mark.parametrize("value", [None, True, 0, "é", [1, {"by": "ann"}], {"a": "b" * 65_000}])
async def test_a_saga_gets_what_a_signal_says(client: Peer, value: Any) -> None:
    token = await started(client)
    await client.until(token, "waiting")
    ref = await client.send("signal", token=token, name="approved", input=value)
    assert await result_of(client, token) == [value]
    assert await client.answer(ref) == {"type": "done", "ref": ref}


async def test_a_signal_without_a_value_says_null(client: Peer) -> None:
    token = await started(client)
    await client.send("signal", token=token, name="approved")
    assert await result_of(client, token) == [None]


async def test_signals_wait_for_the_saga_that_will_wait_for_them_and_come_in_order(client: Peer) -> None:
    token = await started(client, times=3)
    for number in range(3):
        await client.send("signal", token=token, name="approved", input=number)
    assert await result_of(client, token) == [0, 1, 2]


async def test_a_signal_sent_again_with_its_key_counts_once(client: Peer) -> None:
    token = await started(client, times=2)
    for number, key in enumerate(["a", "a", "b", "b"]):
        answer = await client.ask("signal", token=token, name="approved", input=number, key=key)
        assert answer["type"] == "done"
    snapshot = await client.ask("watch", token=token)
    if snapshot["status"] != "succeeded":
        await client.until(token)
        snapshot = await client.ask("watch", token=token)
    assert snapshot["result"] == [0, 2]
    again = await client.ask("signal", token=token, name="approved", input=9, key="b")
    assert again["type"] == "done"  # whoever did not hear the answer may ask when it is all over


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"name": "a b"}, "invalid_frame", "/name"),
        ({"name": ""}, "invalid_frame", "/name"),
        ({"name": "a" * 129}, "invalid_frame", "/name"),
        ({"name": 3}, "invalid_frame", "/name"),
        ({}, "invalid_frame", "/name"),
        ({"name": "approved", "key": ""}, "invalid_frame", "/key"),
        ({"name": "approved", "key": "a b"}, "invalid_frame", "/key"),
        ({"name": "approved", "input": "x" * 65_535}, "too_large", "/input"),
        ({"name": "approved", "token": NOBODY}, "unknown_token", "/token"),
        ({"name": "approved", "token": "nonsense"}, "unknown_token", "/token"),
    ],
)
async def test_what_is_no_signal_is_refused_and_the_saga_waits_on(
    client: Peer, fields: dict[str, Any], code: str, field: str
) -> None:
    token = await started(client)
    answer = await client.ask("signal", **{"token": token, **fields})
    assert (answer["type"], answer["problem"]["code"], answer["problem"]["field"]) == ("error", code, field)
    await client.send("signal", token=token, name="approved", input="good")
    assert await result_of(client, token) == ["good"]


async def test_a_signal_whose_text_no_worker_could_read_is_refused(client: Peer) -> None:
    token = await started(client)
    lone = f'{{"type":"signal","ref":77,"token":"{token}","name":"approved","input":"\\ud800"}}'
    await client.connection.send(lone)
    while (frame := await client.receive())["type"] != "error":
        pass
    # The frame cannot be read as JSON, but its ref can.
    assert (frame["ref"], frame["problem"]["code"]) == (77, "invalid_frame")
    await client.cancel(token)


async def test_a_signal_to_a_job_that_has_finished_is_refused(client: Peer) -> None:
    token = await started(client, "plain")
    await client.until(token)
    answer = await client.ask("signal", token=token, name="approved")
    assert answer["problem"]["code"] == "already_finished"


async def test_a_job_takes_a_thousand_signals_and_no_more(client: Peer) -> None:
    token = await started(client, times=1001)
    refs = [await client.send("signal", token=token, name="other") for _ in range(1000)]
    assert all([(await client.answer(ref))["type"] == "done" for ref in refs])
    answer = await client.ask("signal", token=token, name="other")
    assert (answer["problem"]["code"], answer["problem"]["limit"]) == ("too_large", 1000)
    await client.cancel(token)


# Over HTTP.


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"", None), (b"true", True), (b' {"by": "ann"} ', {"by": "ann"}), (b'"' + b"x" * 65_534 + b'"', "x" * 65_534)],
    ids=["none", "true", "object", "largest"],
)
async def test_a_post_gives_a_signal(client: Peer, system: System, body: bytes, value: Any) -> None:
    token = await started(client)
    assert post(system, token, body=body) == (202, {})
    assert await client.ends(token) == {token: "succeeded"}
    assert system.server.get(f"/v1/jobs/{token}")[1]["result"] == [value]


async def test_a_post_repeated_with_its_key_counts_once(client: Peer, system: System) -> None:
    token = await started(client, times=2)
    for body, key in ((b"1", "k"), (b"2", "k"), (b"3", "l")):
        assert post(system, token, body=body, key=key)[0] == 202
    assert await result_of(client, token) == [1, 3]


@pytest.mark.parametrize(
    ("name", "body", "key", "status", "code"),
    [
        ("approved", b"{", None, 400, "invalid_frame"),
        ("approved", b"1 2", None, 400, "invalid_frame"),
        ("approved", b'"\xff"', None, 400, "invalid_frame"),
        ("approved", b'"\\ud800"', None, 400, "invalid_frame"),
        ("approved", b"[" * 100, None, 400, "invalid_frame"),
        ("approved", b"x" * 65_537, None, 413, "too_large"),
        ("a%20b", b"1", None, 400, "invalid_frame"),
        ("a" * 129, b"1", None, 400, "invalid_frame"),
        ("approved", b"1", "a b", 400, "invalid_frame"),
        ("approved", b"1", "a" * 256, 400, "invalid_frame"),
    ],
)
async def test_a_post_that_is_no_signal_is_refused(
    client: Peer, system: System, name: str, body: bytes, key: str | None, status: int, code: str
) -> None:
    token = await started(client)
    answered, problem = post(system, token, name, body, key)
    assert (answered, problem["code"]) == (status, code)
    assert post(system, token, body=b"1") == (202, {})
    assert await result_of(client, token) == [1]


async def test_a_post_to_no_job_and_to_one_that_has_finished(client: Peer, system: System) -> None:
    for token in (NOBODY, "nonsense"):
        status, problem = post(system, token)
        assert (status, problem["code"]) == (404, "unknown_token")
    token = await started(client, "plain")
    await client.until(token)
    status, problem = post(system, token)
    assert (status, problem["code"]) == (409, "already_finished")


# What is told of steps.


async def test_a_snapshot_tells_the_steps_of_a_saga_in_the_order_of_the_program(client: Peer, system: System) -> None:
    token = await started(client, "build")
    assert await result_of(client, token) == "brick"
    snapshot = await client.ask("watch", token=token)
    assert [(step["name"], step["type"], step["status"]) for step in snapshot["steps"]] == [
        ("lay", "step", "succeeded"),
        ("paint", "call", "succeeded"),
        ("paint", "call", "succeeded"),
    ]
    lay, red, blue = snapshot["steps"]
    assert (lay["input"], lay["result"], lay["undo"]) == ({"what": "brick"}, "brick", "lift")
    assert lay["began"] <= lay["ended"]
    assert (red["input"], red["result"], red["kind"], red["undo"]) == ({"colour": "red"}, "red", "paint", "strip")
    assert "undo" not in blue
    assert (await client.ask("watch", token=red["child"]))["result"] == "red"
    status, over_http = system.server.get(f"/v1/jobs/{token}")
    assert (status, over_http["steps"]) == (200, snapshot["steps"])


async def test_a_job_without_steps_tells_of_none(client: Peer, system: System) -> None:
    token = await started(client, "plain")
    await client.until(token)
    assert "steps" not in await client.ask("watch", token=token)
    assert "steps" not in system.server.get(f"/v1/jobs/{token}")[1]


async def test_every_step_taken_and_undone_is_an_event_and_the_problem_says_that_all_is_undone(client: Peer) -> None:
    token = await started(client, "build", fail=True)
    events = await client.until(token)
    steps = [(one["data"]["name"], one["data"]["status"]) for one in events if one["event"] == "step"]
    assert steps[:2] == [("lay", "running"), ("lay", "succeeded")]
    assert steps[-2:] == [("lay", "compensating"), ("lay", "compensated")]
    assert steps.count(("paint", "succeeded")) == 2
    assert steps.count(("paint", "compensated")) == 1
    assert steps.index(("paint", "compensated")) < steps.index(("lay", "compensating"))
    problem = events[-1]["data"]["problem"]
    assert (events[-1]["event"], problem["code"], problem["compensation"]) == ("failed", "rejected", "complete")
    numbers = [one["seq"] for one in events]
    assert numbers == sorted(set(numbers))
