"""Handlers of events in real workers."""

import signal
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from groups.fleet import Fleet, run, running_fleet, stop
from support.peer import peer
from support.system import WorkerProcess
from support.timeouts import scaled


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("groups")) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def worker(fleet: Fleet) -> WorkerProcess:
    return fleet.ready(fleet.start())


async def said(worker: WorkerProcess, event: str) -> None:
    """Return when a worker's log has an event."""
    with anyio.fail_after(scaled(10)):
        while event not in worker.text():
            await anyio.sleep(0.02)


@pytest.mark.usefixtures("worker")
async def test_each_group_gets_the_events_it_names_in_order(fleet: Fleet) -> None:
    token = await fleet.end(text="hello")
    await fleet.until(handler="billed", token=token)
    (found,) = await fleet.until(handler="index", token=token)
    assert (found["kind"], found["name"], found["group"], found["result"]) == ("order.placed", "succeeded", "search", 5)
    audits = await fleet.until(4, handler="audit", token=token)
    assert [one["name"] for one in audits] == ["queued", "started", "progress", "succeeded"]
    assert [int(one["id"].rpartition(":")[2]) for one in audits] == [1, 2, 3, 4]


@pytest.mark.usefixtures("worker")
async def test_a_handler_has_the_state_of_its_lifespan(fleet: Fleet) -> None:
    token = await fleet.end()
    (found,) = await fleet.until(handler="index", token=token)
    assert found["state"] == "by the lifespan"


@pytest.mark.usefixtures("worker")
async def test_an_event_goes_to_the_handler_of_the_group_that_names_its_kind(fleet: Fleet) -> None:
    token = await fleet.end("order.refused")
    (found,) = await fleet.until(handler="refund", token=token)
    assert (found["name"], found["problem"]) == ("failed", "rejected")
    assert fleet.noted(handler="bill", token=token) == []


@pytest.mark.usefixtures("worker")
async def test_a_result_too_large_for_an_event_is_read_from_the_job(fleet: Fleet) -> None:
    token = await fleet.end("order.large", size=100_000)
    (found,) = await fleet.until(handler="index", token=token)
    assert (found["result"], found["truncated"]) == (100_000, False)


@pytest.mark.usefixtures("worker")
async def test_a_try_that_fails_is_repeated_and_delays_no_other_job(fleet: Fleet) -> None:
    slow = await fleet.end(text="retry:2")
    fast = await fleet.end(text="fine")
    await fleet.until(handler="billed", token=slow)
    assert [one["attempt"] for one in fleet.noted(handler="bill", token=slow)] == [1, 2, 3]
    assert fleet.noted(handler="billed", token=fast)


async def test_an_event_that_cannot_be_handled_becomes_a_letter(fleet: Fleet, worker: WorkerProcess) -> None:
    token = await fleet.end(text="reject:")
    await fleet.until(handler="bill", token=token)
    await said(worker, "event_rejected")
    assert len(fleet.noted(handler="bill", token=token)) == 1


@pytest.mark.usefixtures("worker")
async def test_a_handler_that_cancels_itself_has_failed_and_the_worker_goes_on(fleet: Fleet) -> None:
    token = await fleet.end(text="cancel:")
    found = await fleet.until(2, handler="bill", token=token)
    assert [one["attempt"] for one in found] == [1, 2]
    other = await fleet.end(text="after")
    await fleet.until(handler="billed", token=other)


@pytest.mark.usefixtures("worker")
async def test_a_handler_submits_each_job_once_though_its_event_comes_again(fleet: Fleet) -> None:
    token = await fleet.end(text="invoice:")
    (found,) = await fleet.until(handler="submitted", token=token)
    first, second, other = found["tokens"]
    assert first == second != other
    async with peer(fleet.system.server.socket_url) as client:
        snapshot = await client.ask("watch", token=other)
        while snapshot["status"] != "succeeded":
            snapshot = await client.ask("watch", token=other)
        assert snapshot["result"] == 4


async def test_two_workers_share_a_group_and_the_events_of_each_job_stay_in_order(
    fleet: Fleet, worker: WorkerProcess
) -> None:
    other = fleet.start()
    try:
        fleet.ready(other)
        async with peer(fleet.system.server.socket_url) as client:
            tokens = [await run(client, "order.placed", text="x") for _ in range(60)]
        for token in tokens:
            audits = await fleet.until(4, handler="audit", token=token)
            assert [one["name"] for one in audits] == ["queued", "started", "progress", "succeeded"]
        pids = {one["pid"] for one in fleet.noted(handler="audit") if one["token"] in tokens}
        assert pids == {worker.process.pid, other.process.pid}
    finally:
        stop(other)


async def test_a_worker_that_is_killed_loses_no_event(fleet: Fleet, worker: WorkerProcess, tmp_path: Path) -> None:
    assert worker.process.poll() is None
    go = tmp_path / "go"
    token = await fleet.end(text=f"wait:{go}")
    (first,) = await fleet.until(handler="bill", token=token)
    victim = next(one for one in fleet.system.workers if one.process.pid == first["pid"])
    replacement = fleet.start()
    victim.signal(signal.SIGKILL)
    go.touch()
    await fleet.until(handler="billed", token=token)
    notes = fleet.noted(handler="bill", token=token)
    assert [one["attempt"] for one in notes] == [1, 2]
    assert notes[-1]["pid"] == replacement.process.pid


async def test_a_worker_that_leaves_finishes_what_it_has_in_hand_or_hands_it_back(fleet: Fleet, tmp_path: Path) -> None:
    go = tmp_path / "go"
    worker = fleet.system.workers[-1]
    token = await fleet.end(text=f"wait:{go}")
    await fleet.until(handler="bill", token=token)
    worker.signal(signal.SIGTERM)
    await said(worker, "stopping")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.text()
    other = fleet.start()
    go.touch()
    await fleet.until(handler="billed", token=token)
    notes = fleet.noted(handler="bill", token=token)
    assert [one["attempt"] for one in notes] == [1, 1], "what was handed back counts as no try"
    assert notes[-1]["pid"] == other.process.pid
