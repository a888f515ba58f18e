"""Workers that are killed, and a store that is restarted, in every phase of a saga: it goes on elsewhere."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from saga.conftest import CHILDREN, QUICK, SAGAS, running_sagas
from saga.desk import Desk
from support.peer import Peer, peer
from support.system import System
from support.timeouts import scaled
from support.waiting import until_async
from tidings import Client
from tidings.protocol.tokens import split_token

BOUND_S = 20.0


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


@pytest.fixture
def system() -> Iterator[System]:
    """One of its own for each test, with a second worker for each queue."""
    with running_sagas() as system:
        system.add_worker(SAGAS, **QUICK)
        system.add_worker(CHILDREN, **QUICK)
        yield system


async def until_ended(client: Peer, kind: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    ack = await client.submit(kind, fields)
    return ack["token"], (await client.until(ack["token"]))[-1]


async def test_the_worker_dies_between_two_steps(client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "p"
    _, end = await until_ended(client, "dies_between", path=str(path), flag=str(tmp_path / "flag"))
    assert end["data"]["result"] == "hold on two"
    assert lines(path) == ["reserve one", "reserve two"]


async def test_the_worker_of_a_child_dies(client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "p"
    _, end = await until_ended(client, "calls_mortal", path=str(path))
    assert end["data"]["result"] == "paid"
    assert lines(path) == ["charge", "charge"]


async def test_the_worker_dies_while_it_undoes(client: Peer, tmp_path: Path) -> None:
    path = tmp_path / "p"
    _, end = await until_ended(client, "crash_unwinding", path=str(path), flag=str(tmp_path / "flag"))
    problem = end["data"]["problem"]
    assert (problem["code"], problem["compensation"]) == ("rejected", "complete")
    assert lines(path) == ["reserve first", "done", "undoing", "undoing", "undone", "release first known"]


async def test_every_worker_of_sagas_dies_while_they_wait(
    client: Peer, desk: Desk, system: System, tmp_path: Path
) -> None:
    path, go = tmp_path / "p", tmp_path / "go"
    ack = await client.submit("calls_slow", {"path": str(path), "go": str(go)})
    await client.until(ack["token"], "waiting")
    for worker in (system.workers[0], system.workers[2]):
        worker.signal(signal.SIGKILL)
        worker.wait()
    go.touch()
    await client.until(ack["token"], "queued")  # the relay of the child's worker told it, with no worker of its own
    system.add_worker(SAGAS, **QUICK)
    assert (await client.until(ack["token"]))[-1]["data"]["result"] == 1


async def test_a_step_that_is_cut_off_by_the_death_of_its_worker_is_done_again(
    client: Peer, desk: Desk, tmp_path: Path
) -> None:
    path, go = tmp_path / "p", tmp_path / "go"
    ack = await client.submit("long_step", {"path": str(path), "go": str(go)})
    while (await client.until(ack["token"], "step"))[-1]["data"]["path"] != "2":
        pass
    await until_async(
        lambda: "cut_off begins" in lines(path), seconds=BOUND_S
    )  # its beginning is told before it begins
    os.kill(await worker_of(desk, ack["token"]), signal.SIGKILL)
    while (await client.until(ack["token"], "step"))[-1]["data"]["path"] != "2":
        pass
    go.touch()
    assert (await client.until(ack["token"]))[-1]["event"] == "succeeded"
    assert lines(path) == ["reserve x", "cut_off begins", "cut_off begins"]
    assert (await desk.steps(ack["token"]))[1].attempts == 2


async def worker_of(desk: Desk, token: str) -> int:
    """Return the process that runs a job."""
    partition, job = split_token(token)
    worker = await desk.store.hget(f"t:{{{partition}}}:job:{job}", "worker")
    assert isinstance(worker, bytes)
    return int(worker.decode().rsplit("-", 2)[1])


async def test_a_deploy_moves_sagas_that_work(client: Peer, desk: Desk, system: System, tmp_path: Path) -> None:
    path, go = tmp_path / "p", tmp_path / "go"
    ack = await client.submit("long_step", {"path": str(path), "go": str(go)})
    while (await client.until(ack["token"], "step"))[-1]["data"]["path"] != "2":
        pass
    pid = await worker_of(desk, ack["token"])
    (worker,) = (worker for worker in system.workers if worker.process.pid == pid)
    worker.signal(signal.SIGTERM)
    assert await anyio.to_thread.run_sync(worker.wait) == 0
    go.touch()
    assert (await client.until(ack["token"]))[-1]["event"] == "succeeded"
    assert lines(path)[0] == "reserve x"
    assert set(lines(path)[1:]) == {"cut_off begins"}


async def test_the_store_is_restarted_under_sagas_in_every_phase(system: System, tmp_path: Path) -> None:
    """Orders that charge and wait, while the store dies twice and comes back on its data."""
    async with Client(system.server.url) as client:
        paths = [tmp_path / f"p{number}" for number in range(20)]
        handles = [
            await client.submit("order", path=str(path), fail=number % 2 == 1) for number, path in enumerate(paths)
        ]
        for _ in range(2):
            system.store.kill()
            system.store.start()
        for number, handle in enumerate(handles):
            if number % 2 == 0:
                assert (await handle.result(timeout=scaled(40)))["paid"] == 5
            else:
                with pytest.raises(Exception, match="changed our mind"):
                    await handle.result(timeout=scaled(40))
    for number, path in enumerate(paths):
        done = lines(path)
        assert {"reserve book", "charge 5"} <= set(done)
        assert ("refund 5 known" in done) == (number % 2 == 1)


@pytest.fixture
async def client(system: System) -> Any:
    async with peer(system.server.socket_url) as client:
        yield client
