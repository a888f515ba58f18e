"""Sagas in a worker that serves their children's queue as well: each queue's words reach the right jobs."""

from pathlib import Path

from saga.conftest import CHILDREN, QUICK, SAGAS
from saga.desk import Desk
from support.peer import Peer
from support.system import system_fixture

# One worker for all queues.
system = system_fixture(SAGAS, CHILDREN, worker=QUICK)


async def test_a_signal_wakes_a_saga_that_waits(client: Peer, desk: Desk, tmp_path: Path) -> None:
    ack = await client.submit("hold_and_wait", {"path": str(tmp_path / "p")})
    token = ack["token"]
    while (await desk.record(token)).state != "waiting" or len(await desk.steps(token)) < 3:
        await client.until(token, "waiting")
    assert await desk.signal(token, "done", "well") == "ok"
    assert (await client.until(token))[-1]["data"]["result"] == "well"


async def test_a_signal_reaches_a_branch_while_another_works(client: Peer, desk: Desk, tmp_path: Path) -> None:
    path, go = tmp_path / "p", tmp_path / "go"
    ack = await client.submit("told_beside_work", {"path": str(path), "go": str(go)})
    token = ack["token"]
    while (await client.until(token, "step"))[-1]["data"]["path"] != "2.2.1":
        pass
    assert await desk.signal(token, "go", "now") == "ok"
    step: dict[str, str] = {}
    while (step.get("path"), step.get("status")) != ("2.2.2", "succeeded"):
        step = (await client.until(token, "step"))[-1]["data"]
    go.touch()  # the other branch has worked all the while
    events = await client.until(token)
    assert events[-1]["data"]["result"] == [None, ["now", 1]]
    assert "waiting" not in [event["event"] for event in events]
