"""The whole trip over the socket: submit, ack, work, push; and what bad input gets."""

import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.peer import Peer, peer
from support.system import System
from tidings.protocol.frames.messages import SUBPROTOCOL


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in events]


async def test_hello_comes_first_and_tells_the_limits(client: Peer) -> None:
    assert client.hello["type"] == "hello"
    assert client.hello["version"] == 1
    assert client.hello["limits"]["max_frame_bytes"] == 1_048_576


async def test_a_job_is_acked_started_and_succeeds_with_its_result(client: Peer) -> None:
    ack = await client.submit("echo", {"text": "ab", "times": 2})
    assert ack["status"] == "queued"
    assert ack["duplicate"] is False
    events = await client.until(ack["token"])
    assert names(events) == ["started", "succeeded"]
    assert numbers(events) == [ack["seq"] + 1, ack["seq"] + 2]
    assert events[-1]["data"] == {"result": "abab"}
    assert events[-1]["status"] == "succeeded"


async def test_progress_and_log_arrive_in_order_with_rising_numbers(client: Peer) -> None:
    events = await client.run("steps", {"count": 3})
    assert names(events) == ["started", "progress", "progress", "progress", "succeeded"]
    assert [event["data"]["fraction"] for event in events[1:4]] == [0.333333, 0.666667, 1.0]
    events = await client.run("count", {"chunks": 500})
    assert [event["data"] for event in events if event["event"] == "log"] == list(range(500))
    assert numbers(events) == list(range(2, 504))


async def test_progress_beyond_its_pace_is_thinned_and_ends_with_the_newest(client: Peer) -> None:
    events = await client.run("steps", {"count": 500})
    progress = [event for event in events if event["event"] == "progress"]
    assert len(progress) <= 25
    assert progress[-1]["data"]["fraction"] == 1.0


async def test_many_jobs_on_one_socket_each_end_once(client: Peer) -> None:
    refs = [await client.send("submit", kind="echo", input={"text": str(n)}) for n in range(200)]
    tokens: dict[str, int] = {}
    results: dict[str, str] = {}
    while len(results) < 200:
        frame = await client.receive()
        if frame["type"] == "ack":
            tokens[frame["token"]] = refs.index(frame["ref"])
        elif frame["event"] == "succeeded":
            assert frame["token"] not in results
            results[frame["token"]] = frame["data"]["result"]
    assert {token: str(n) for token, n in tokens.items()} == results


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        ("echo", {}, "/input/text"),
        ("echo", {"text": 3}, "/input/text"),
        ("echo", {"text": "a", "times": 0}, "/input/times"),
        ("echo", {"text": "a", "tmes": 1}, "/input/tmes"),
        ("echo", [], "/input"),
        ("reject", {"why": "best"}, "/input/why"),
        (
            "order",
            {"lines": [{"article": "a", "count": 0}], "address": {"street": "s", "zip": "12345"}},
            "/input/lines/0/count",
        ),
        ("order", {"lines": [], "address": {"street": "s", "zip": "x"}}, "/input/address/zip"),
        ("model", {"names": ["a", 1]}, "/input/names/1"),
        ("nope", {}, "/kind"),
    ],
)
async def test_bad_input_is_refused_at_submit_with_its_place(client: Peer, kind: str, value: Any, field: str) -> None:
    error = await client.ask("submit", kind=kind, input=value)
    assert error["type"] == "error"
    assert error["problem"]["field"] == field
    assert error["problem"]["code"] in ("invalid_input", "unknown_kind")


async def test_structured_inputs_and_results_of_every_family_work(client: Peer) -> None:
    order = {
        "lines": [{"article": "a"}, {"article": "b", "count": 2.0}],
        "address": {"street": "s", "zip": "12345"},
    }
    assert (await client.run("order", order))[-1]["data"] == {"result": 3}
    answer = (await client.run("model", {"names": ["b", "a"]}))[-1]
    assert answer["data"] == {"result": {"names": ["a", "b"], "size": 2}}


async def test_handlers_that_fail_say_so_without_their_secrets(client: Peer) -> None:
    events = await client.run("raises", {"secret": "s3cret"})
    assert names(events) == ["started", "failed"]
    assert events[-1]["data"]["problem"]["code"] == "handler_error"
    assert "s3cret" not in json.dumps(events)
    events = await client.run("reject", {"why": "worse"})
    assert events[-1]["data"]["problem"]["code"] == "rejected"
    assert events[-1]["data"]["problem"]["detail"] == "this is worse"
    for kind in ("exits", "unserialisable"):
        assert (await client.run(kind))[-1]["data"]["problem"]["code"] == "handler_error"
    assert (await client.run("too_long"))[-1]["data"]["problem"]["code"] == "timeout"
    problem = (await client.run("big", {"size": 2_000_000}))[-1]["data"]["problem"]
    assert (problem["code"], problem["limit"]) == ("result_too_large", 1_048_576)
    assert (await client.run("noop"))[-1]["event"] == "succeeded"


async def test_a_retry_is_announced_and_then_made(client: Peer) -> None:
    events = await client.run("flaky")
    assert names(events) == [
        "started", "retrying", "queued", "started", "retrying", "queued", "started", "succeeded",
    ]  # fmt: skip
    assert [event["data"]["attempt"] for event in events if event["event"] == "retrying"] == [1, 2]
    events = await client.run("flaky", {"succeed_at": 9})
    assert names(events)[-1] == "failed"
    assert events[-1]["data"]["problem"]["code"] == "attempts_exhausted"


async def test_a_result_too_large_to_publish_arrives_all_the_same(client: Peer) -> None:
    ack = await client.submit("big", {"size": 500_000})
    events = await client.until(ack["token"])
    assert names(events) == ["started", "succeeded"]
    assert events[-1]["data"] == {"result": "x" * 500_000}


async def test_a_running_job_is_cancelled(client: Peer, tmp_path: Path) -> None:
    for kind in ("wait_for_file", "wait_in_thread"):
        path = tmp_path / kind
        ack = await client.submit(kind, {"path": str(path)})
        await client.until(ack["token"], "progress")
        answer, end = await client.cancel(ack["token"])
        assert (answer["type"], end["event"]) == ("done", "cancelled")
        error = await client.ask("cancel", token=ack["token"])
        assert error["problem"]["code"] == "already_finished"


async def test_a_delayed_job_waits_and_can_be_cancelled_meanwhile(client: Peer) -> None:
    ack = await client.submit("noop", delay=0.2)
    assert ack["status"] == "scheduled"
    assert names(await client.until(ack["token"])) == ["queued", "started", "succeeded"]
    ack = await client.submit("noop", delay=3600)
    ref = await client.send("cancel", token=ack["token"])
    assert names(await client.until(ack["token"])) == ["cancelled"]
    assert (await client.answer(ref))["type"] == "done"


async def test_a_job_past_its_deadline_expires(client: Peer, tmp_path: Path) -> None:
    events = await client.run("wait_for_file", {"path": str(tmp_path / "never")}, deadline=0.2)
    assert names(events)[-1] == "expired"


async def test_the_same_key_gives_the_same_job_and_its_snapshot(client: Peer) -> None:
    first = await client.submit("echo", {"text": "a", "times": 2}, key="k-1")
    await client.until(first["token"])
    again = await client.submit("echo", {"times": 2, "text": "a"}, key="k-1")
    assert (again["token"], again["duplicate"], again["status"]) == (first["token"], True, "succeeded")
    snapshot = await client.answer(again["ref"])
    assert (snapshot["type"], snapshot["result"]) == ("snapshot", "aa")
    error = await client.ask("submit", kind="echo", input={"text": "b"}, key="k-1")
    assert error["problem"]["code"] == "key_reused"


async def test_a_late_watcher_gets_the_snapshot_and_what_comes_after(
    system: System, client: Peer, tmp_path: Path
) -> None:
    path = tmp_path / "go"
    ack = await client.submit("wait_for_file", {"path": str(path)})
    await client.until(ack["token"], "log")
    async with peer(system.server.socket_url) as late:
        snapshot = await late.ask("watch", token=ack["token"])
        assert snapshot["status"] == "running"
        assert snapshot["progress"] == {"fraction": 0.5, "message": "waiting", "data": None}
        assert [chunk["data"] for chunk in snapshot["log"]] == ["waiting"]
        assert set(snapshot["milestones"]) == {"submitted", "enqueued", "dequeued", "started"}
        path.touch()
        events = await late.until(ack["token"])
        assert numbers(events) == [snapshot["seq"] + 1]
        assert (await client.until(ack["token"]))[-1] == events[-1]
        snapshot = await late.ask("watch", token=ack["token"], after=snapshot["seq"])
        assert (snapshot["status"], snapshot["result"], snapshot["log"]) == ("succeeded", "found", [])
        assert late.early == []


async def test_unwatch_silences_a_job(system: System, client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "go"
    ack = await client.submit("wait_for_file", {"path": str(path)})
    await client.until(ack["token"], "log")
    assert (await client.ask("unwatch", token=ack["token"]))["type"] == "done"
    path.touch()
    async with peer(system.server.socket_url) as other:
        while (await other.ask("watch", token=ack["token"]))["status"] != "succeeded":
            pass
    await client.send("ping")
    assert (await client.receive())["type"] == "pong"


@pytest.mark.parametrize(
    "token", ["", "nonsense", "default." + "a" * 22, "elsewhere." + "a" * 22, "default." + "a" * 22 + "\n"]
)
async def test_an_unknown_token_is_unknown_to_watch_and_cancel(client: Peer, token: str) -> None:
    for type_ in ("watch", "cancel"):
        error = await client.ask(type_, token=token)
        assert (error["problem"]["code"], error["problem"]["field"]) == ("unknown_token", "/token")


async def test_unreadable_frames_do_not_harm_the_socket_or_its_jobs(client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "go"
    ack = await client.submit("wait_for_file", {"path": str(path)})
    await client.until(ack["token"], "log")
    for text in ("{", "[]", '{"type":"no","ref":1}', b"\x00\xff", '{"type":"ping","ref":1,"x":' + "[" * 200):
        await client.connection.send(text)
        frame = await client.receive()
        assert frame["problem"]["code"] == "invalid_frame", frame
    path.touch()
    assert names(await client.until(ack["token"])) == ["succeeded"]


async def test_a_frame_that_is_too_large_closes_the_socket_with_1009_and_no_other(system: System, client: Peer) -> None:
    async with peer(system.server.socket_url) as rude:
        await rude.connection.send("x" * 1_100_000)
        with pytest.raises(ConnectionClosed) as closed:
            await rude.connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
    assert (await client.run("noop"))[-1]["event"] == "succeeded"


async def test_a_client_of_another_protocol_is_refused_before_the_upgrade(system: System) -> None:
    for offered in (None, ["tidings.v9.json"]):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(system.server.socket_url, subprotocols=offered):  # type: ignore[arg-type]
                pass
        assert refused.value.response.status_code == 400
        problem = json.loads(refused.value.response.body or b"")
        assert problem["code"] == "unsupported_version"
        assert SUBPROTOCOL in problem["detail"]


async def test_a_page_of_another_origin_is_closed_with_4403(system: System) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        async with peer(system.server.socket_url, origin="https://elsewhere.example"):
            pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    async with peer(system.server.socket_url, origin=system.server.url):
        pass
