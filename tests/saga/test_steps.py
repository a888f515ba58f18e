"""Sagas from the socket to the journal, with real workers: what goes well."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from saga.desk import Desk
from support.peer import Peer


async def outcome(client: Peer, kind: str, **fields: Any) -> dict[str, Any]:
    """Submit, and return the last event."""
    ack = await client.submit(kind, fields)
    assert ack["type"] == "ack", ack
    return (await client.until(ack["token"]))[-1]


async def test_a_saga_calls_functions_here_and_jobs_elsewhere(client: Peer, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "done"
    ack = await client.submit("order", {"path": str(path)})
    events = await client.until(ack["token"])
    token = ack["token"]
    assert events[-1]["data"]["result"] == {"hold": "hold on book", "paid": 5, "key": f"{token}/2"}
    assert path.read_text().splitlines() == ["reserve book", "charge 5"]
    told = [event["data"] for event in events if event["event"] == "step"]
    assert [(step["path"], step["status"]) for step in told] == [
        ("1", "running"), ("1", "succeeded"), ("2", "running"), ("2", "succeeded"),
    ]  # fmt: skip
    assert [event["seq"] for event in events] == list(range(events[0]["seq"], events[-1]["seq"] + 1))
    first, second = await desk.steps(token)
    assert isinstance(first.input, msgspec.Raw)
    assert isinstance(first.result, msgspec.Raw)
    assert (first.name, first.type, first.status, first.undo) == ("reserve", "step", "succeeded", "release")
    assert bytes(first.input) == b'{"path":"%s","item":"book"}' % str(path).encode()
    assert bytes(first.result) == b'"hold on book"'
    assert (second.kind, second.child, second.undo) == ("charge", told[2]["child"], "refund")


async def test_local_steps_stay_in_one_attempt(client: Peer) -> None:
    ack = await client.submit("five_steps")
    events = await client.until(ack["token"])
    assert events[-1]["data"]["result"] == 5
    assert [event["event"] for event in events].count("started") == 1


async def test_children_run_beside_each_other(client: Peer, tmp_path: Path) -> None:
    assert (await outcome(client, "fan", path=str(tmp_path / "f"), count=20))["data"]["result"] == list(range(20))
    assert len((tmp_path / "f").read_text().splitlines()) == 20


async def test_branches_have_places_of_their_own(client: Peer, desk: Desk, tmp_path: Path) -> None:
    ack = await client.submit("branches", {"path": str(tmp_path / "b")})
    end = (await client.until(ack["token"]))[-1]
    assert end["data"]["result"] == [["hold on a", 1], ["hold on bb", 2]]
    assert [path for path, *_ in await desk.statuses(ack["token"])] == ["1.1.1", "1.1.2", "1.2.1", "1.2.2"]


async def test_a_branch_goes_on_while_another_keeps_the_saga_in_its_worker(client: Peer, tmp_path: Path) -> None:
    path, go = tmp_path / "m", tmp_path / "go"
    ack = await client.submit("mixed", {"path": str(path), "go": str(go)})
    for number in range(3):
        while (await client.until(ack["token"], "step"))[-1]["data"].get("path") != f"2.2.{number + 1}":
            pass
    go.touch()
    events = await client.until(ack["token"])
    assert events[-1]["data"]["result"] == [None, [0, 1, 2]]


async def test_a_signal_wakes_a_saga_that_waits(client: Peer, desk: Desk) -> None:
    ack = await client.submit("approve")
    await client.until(ack["token"], "waiting")
    assert await desk.signal(ack["token"], "approved", {"by": "me"}) == "ok"
    assert (await client.until(ack["token"]))[-1]["data"]["result"] == {"by": "me"}
    assert await desk.signal(ack["token"], "approved") == "finished"


async def test_signals_are_taken_in_the_order_of_their_coming(client: Peer, desk: Desk) -> None:
    ack = await client.submit("two_signals")
    for name, value, key in (("go", 1, "a"), ("go", 1, "a"), ("stop", "s", ""), ("go", 2, "b")):
        assert await desk.signal(ack["token"], name, value, key) == "ok"
    assert (await client.until(ack["token"]))[-1]["data"]["result"] == [1, 2, "s"]


async def test_a_signal_that_does_not_come_in_time(client: Peer, desk: Desk) -> None:
    ack = await client.submit("approve", {"timeout": 1.2})
    assert (await client.until(ack["token"]))[-1]["data"]["result"] == "nobody"
    assert await desk.statuses(ack["token"]) == [("1", "approved", "failed")]


@pytest.mark.parametrize("seconds", [0, 0.05, 1.2])
async def test_sleep(client: Peer, seconds: float) -> None:
    assert (await outcome(client, "nap", seconds=seconds))["data"]["result"] == "rested"


async def test_a_failed_step_may_be_caught(client: Peer, tmp_path: Path) -> None:
    assert (await outcome(client, "other_way", path=str(tmp_path / "p")))["data"]["result"] == "rejected at 1"


async def test_a_step_has_retries_of_its_own(client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "p"
    end = await outcome(client, "stubborn", path=str(path), until=3, retries=2)
    assert end["data"]["result"] == 3
    path.unlink()
    end = await outcome(client, "stubborn", path=str(path), until=3, retries=1)
    assert end["data"]["problem"]["code"] == "attempts_exhausted"
    assert end["data"]["problem"]["errors"][0]["path"] == "1"
    assert len(path.read_text().splitlines()) == 2


async def test_a_handler_that_is_repeated_does_not_repeat_its_steps(client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "p"
    end = await outcome(client, "stumble", path=str(path), flag=str(tmp_path / "flag"))
    assert end["data"]["result"] == "hold on two"
    assert path.read_text().splitlines() == ["reserve one", "reserve two"]


async def test_the_key_inside_a_step_is_its_own(client: Peer) -> None:
    ack = await client.submit("keys")
    token = ack["token"]
    assert (await client.until(token))[-1]["data"]["result"] == [token, f"{token}/1", token]
