"""What a saga must not do, and what it is told: each fails in its own way, and nothing hangs."""

from pathlib import Path
from typing import Any

import pytest

from saga.desk import Desk
from support.peer import Peer
from tidings.protocol.tokens import split_token
from tidings.store.keys import StoreKeys


async def failure(client: Peer, kind_: str, **fields: Any) -> dict[str, Any]:
    """Submit, and return the problem."""
    ack = await client.submit(kind_, fields)
    end = (await client.until(ack["token"]))[-1]
    assert end["event"] == "failed", end
    problem: dict[str, Any] = end["data"]["problem"]
    return problem


async def test_a_kind_that_no_worker_serves(client: Peer) -> None:
    problem = await failure(client, "calls_kind", kind="nobody", fields={})
    assert problem["code"] == "unknown_kind"
    assert "'nobody'" in problem["detail"]
    assert problem["errors"][0]["path"] == "1"


@pytest.mark.parametrize("text", [b"\xff", b"no head of a step"])
async def test_a_journal_that_cannot_be_read(client: Peer, desk: Desk, text: bytes) -> None:
    token = (await client.submit("two_signals", {}))["token"]
    while (await client.receive()).get("event") != "waiting":
        pass
    partition, job = split_token(token)
    await desk.store.hset(StoreKeys().steps(partition, job), "1", text)
    await desk.signal(token, "go")
    end = (await client.until(token))[-1]
    assert (end["event"], end["data"]["problem"]["code"]) == ("failed", "internal_error")


async def test_an_input_that_does_not_fit_the_child(client: Peer) -> None:
    problem = await failure(client, "calls_kind", kind="charge", fields={"amount": "much"})
    assert (problem["code"], problem["errors"][0]["step"]) == ("invalid_input", "charge")


async def test_a_result_that_is_too_large_here(client: Peer) -> None:
    ack = await client.submit("large_step", {"size": 65_534})
    assert (await client.until(ack["token"]))[-1]["data"]["result"] == 65_534
    problem = await failure(client, "large_step", size=65_535)
    assert (problem["code"], problem["limit"]) == ("result_too_large", 65_536)


async def test_a_result_that_is_too_large_there(client: Peer) -> None:
    problem = await failure(client, "calls_kind", kind="large", fields={"size": 70_000})
    assert (problem["code"], problem["limit"]) == ("result_too_large", 65_536)


async def test_a_result_that_json_has_no_form_for(client: Peer) -> None:
    problem = await failure(client, "unserialisable")
    assert problem["code"] == "handler_error"
    assert "no form in JSON" in problem["detail"]


@pytest.mark.parametrize("kind", ["wrong_task", "nested", "twice"])
async def test_steps_where_no_replay_could_repeat_them(client: Peer, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "p"
    assert (await failure(client, kind, **({"path": str(path)} if kind == "wrong_task" else {})))["code"] == (
        "handler_error"
    )
    assert not path.exists()


async def test_every_task_of_its_own_that_takes_a_step_gets_the_same_error(client: Peer, tmp_path: Path) -> None:
    ack = await client.submit("wrong_created_task", {"path": str(tmp_path / "p")})
    end = (await client.until(ack["token"]))[-1]
    assert end["event"] == "succeeded", end
    assert len(end["data"]["result"]) == 3
    assert all("not in a task of your own" in one for one in end["data"]["result"])
    assert not (tmp_path / "p").exists()


async def test_a_handler_that_takes_other_steps_than_before(client: Peer, desk: Desk, tmp_path: Path) -> None:
    ack = await client.submit("changeable", {"flag": str(tmp_path / "flag")})
    await client.until(ack["token"], "waiting")
    await desk.signal(ack["token"], "go")
    problem = (await client.until(ack["token"]))[-1]["data"]["problem"]
    assert problem["code"] == "saga_diverged"
    assert "step 'one'" in problem["detail"]
    assert "step 'other'" in problem["detail"]
    assert problem["errors"] == [{"path": "1"}]


async def test_twenty_sagas_deep(client: Peer) -> None:
    ack = await client.submit("descend", {"depth": 20})
    assert (await client.until(ack["token"]))[-1]["data"]["result"] == 20


async def test_a_saga_that_calls_itself_without_end(client: Peer) -> None:
    assert (await failure(client, "endless"))["code"] == "saga_too_deep"


async def test_too_many_steps(client: Peer) -> None:
    problem = await failure(client, "many_steps", count=10_001)
    assert (problem["code"], problem["limit"]) == ("saga_too_long", 10_000)


async def test_signals_for_no_job_or_too_many_of_them(client: Peer, desk: Desk) -> None:
    assert await desk.signal("orders." + "x" * 22, "go") == "unknown"
    ack = await client.submit("approve")
    await client.until(ack["token"], "waiting")
    for _ in range(1_000):
        assert await desk.signal(ack["token"], "other") == "ok"
    assert await desk.signal(ack["token"], "other") == "full"
    assert (await desk.record(ack["token"])).state == "waiting"  # none of them woke it
    assert await desk.cancel(ack["token"]) == "cancelled"


async def test_a_child_whose_unique_value_is_held_waits_for_it(client: Peer, tmp_path: Path) -> None:
    path, go = tmp_path / "p", tmp_path / "go"
    fields = {"path": str(path), "go": str(go)}
    holder = await client.submit("one_at_a_time", fields)
    await client.until(holder["token"], "started")
    ack = await client.submit("calls_kind", {"kind": "one_at_a_time", "fields": fields})
    await client.until(ack["token"], "waiting")
    go.touch()
    assert (await client.until(ack["token"]))[-1]["data"]["result"] == "done"
    assert path.read_text().splitlines() == ["alone", "alone"]
