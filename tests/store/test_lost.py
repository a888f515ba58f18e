"""A store that is away for a while: few calls, few log lines, and every job stays with its worker."""

import time
from functools import partial
from pathlib import Path

import anyio
import httpx
import psutil

from support.peer import Peer, peer
from support.system import Process, System, running_system, system_fixture
from support.timeouts import scaled
from support.waiting import until_async

QUICK = {"TIDINGS_LEASE_S": "2", "TIDINGS_HEARTBEAT_S": "0.4", "TIDINGS_GRACE_S": "1"}

OUTAGE_S = 5.0
"""Longer than two leases, and than the longest pause between two tries."""

MOST_LINES = 10
"""Log lines of one process about one outage."""


system = system_fixture(servers=2, workers=2, scope="function", both=QUICK, worker={"TIDINGS_SLOTS": "12"})


def cpu_s(process: Process) -> float:
    """Return the CPU time that a process has used, s."""
    times = psutil.Process(process.process.pid).cpu_times()
    return times.user + times.system


async def until_refused(client: Peer) -> None:
    """Return when a submission has been refused for want of a store, as it must be."""
    refused = await client.submit("noop")
    assert refused["problem"]["code"] == "store_unavailable", refused
    assert refused["problem"]["retry_after"] > 0


async def until_accepted(client: Peer) -> None:
    """Return when a submission is accepted again, and has succeeded."""
    with anyio.fail_after(scaled(30)):
        while (answer := await client.submit("noop"))["type"] == "error":
            assert answer["problem"]["code"] == "store_unavailable"
            await anyio.sleep(answer["problem"]["retry_after"] / 10)
    assert await client.ends(answer["token"]) == {answer["token"]: "succeeded"}


async def until_all_run(system: System, tokens: list[str]) -> None:
    """Return when all jobs run; each of the two workers runs some then, if they are more than one has slots."""
    async with httpx.AsyncClient(base_url=system.server.url) as http:
        with anyio.fail_after(scaled(30)):
            for token in tokens:
                await until_async(
                    partial(http.get, f"/v1/jobs/{token}"), lambda found: found.json()["status"] == "running"
                )


async def test_an_outage_costs_little_and_moves_no_job(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    first, second = system.servers
    processes = [*system.servers, *system.workers]
    async with peer(first.socket_url) as one, peer(second.socket_url) as two, httpx.AsyncClient() as http:
        running = [(await one.submit("wait_for_file", {"path": str(path)}))["token"] for _ in range(20)]
        await anyio.sleep(2 * float(QUICK["TIDINGS_HEARTBEAT_S"]))  # every worker has been heard of
        lines = [len(process.text().splitlines()) for process in processes]
        used = [cpu_s(process) for process in processes]

        system.store.kill()
        begun = time.monotonic()
        tries = 0
        while time.monotonic() - begun < OUTAGE_S:
            for client in (one, two):
                await until_refused(client)
            for server in system.servers:
                assert (await http.get(server.url + "/readyz")).status_code == 503
            tries += 1
            await anyio.sleep(0.1)
        lasted = time.monotonic() - begun
        spent = [cpu_s(process) - before for process, before in zip(processes, used, strict=True)]
        system.store.start()

        for client in (one, two):
            await until_accepted(client)
        for server in system.servers:
            server.wait_until_ready()
        await anyio.sleep(2 * float(QUICK["TIDINGS_LEASE_S"]))  # time to take over what is not one's own
        path.touch()
        ends = await one.ends(*running)
        assert set(ends.values()) == {"succeeded"}
        for token in running:
            snapshot = (await http.get(f"{first.url}/v1/jobs/{token}")).json()
            assert (snapshot["status"], snapshot["attempt"]) == ("succeeded", 1), snapshot

    print(f"{tries} refused submits on each server in {lasted:.1f} s; CPU s: {[round(one, 2) for one in spent]}")  # noqa: T201
    for process, before, cpu in zip(processes, lines, spent, strict=True):
        text = process.text()
        said = text.splitlines()[before:]
        assert len(said) <= MOST_LINES, text
        assert sum('"store_lost"' in line for line in said) == 1, text
        assert sum('"store_back"' in line for line in said) == 1, text
        assert not any("taken_over" in line or "attempt_lost" in line for line in said), text
        assert cpu < lasted / 2, text


async def test_a_job_whose_worker_died_in_the_outage_is_taken_over_after_it(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    async with peer(system.server.socket_url) as client:
        tokens = [(await client.submit("wait_again", {"path": str(path)}))["token"] for _ in range(20)]
        await until_all_run(system, tokens)
        system.store.kill()
        system.workers[0].close()
        await anyio.sleep(float(QUICK["TIDINGS_LEASE_S"]))
        system.store.start()
        path.touch()
        ends = await client.ends(*tokens)
    assert set(ends.values()) == {"succeeded"}
    assert "taken_over" in system.workers[1].text()


async def test_a_store_that_hangs_is_no_reason_to_take_over(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    assert system.store.process is not None
    store = psutil.Process(system.store.process.pid)
    async with peer(system.server.socket_url) as client, httpx.AsyncClient() as http:
        tokens = [(await client.submit("wait_for_file", {"path": str(path)}))["token"] for _ in range(20)]
        await anyio.sleep(2 * float(QUICK["TIDINGS_HEARTBEAT_S"]))
        store.suspend()
        await anyio.sleep(2 * float(QUICK["TIDINGS_LEASE_S"]))
        store.resume()
        await until_accepted(client)
        await anyio.sleep(float(QUICK["TIDINGS_LEASE_S"]))
        path.touch()
        assert set((await client.ends(*tokens)).values()) == {"succeeded"}
        for token in tokens:
            snapshot = (await http.get(f"{system.server.url}/v1/jobs/{token}")).json()
            assert snapshot["attempt"] == 1, snapshot
    assert not any("taken_over" in worker.text() for worker in system.workers)


async def test_a_worker_that_is_slow_to_notice_that_the_store_is_back_keeps_its_jobs(tmp_path: Path) -> None:
    path = tmp_path / "go"
    patient = {**QUICK, "TIDINGS_LEASE_S": "6"}
    with running_system(servers=1, workers=2, **patient) as system:
        slow = psutil.Process(system.workers[0].process.pid)
        async with peer(system.server.socket_url) as client, httpx.AsyncClient() as http:
            tokens = [(await client.submit("wait_again", {"path": str(path)}))["token"] for _ in range(20)]
            await anyio.sleep(2 * float(patient["TIDINGS_HEARTBEAT_S"]))
            slow.suspend()
            system.store.kill()
            await anyio.sleep(7)
            system.store.start()
            await until_accepted(client)
            await anyio.sleep(3)  # half a lease, and more than the other's longest pause
            slow.resume()
            await anyio.sleep(4)  # the truce is over
            path.touch()
            assert set((await client.ends(*tokens)).values()) == {"succeeded"}
            for token in tokens:
                snapshot = (await http.get(f"{system.server.url}/v1/jobs/{token}")).json()
                assert snapshot["attempt"] == 1, snapshot
        assert not any("taken_over" in worker.text() for worker in system.workers)


def test_a_worker_leaves_in_an_outage_too(tmp_path: Path) -> None:
    with running_system(servers=1, workers=1, **QUICK) as system:
        system.store.kill()
        (worker,) = system.workers
        for process in (worker, system.server):
            process.process.terminate()
        for process in (worker, system.server):
            assert process.wait(20) == 0, process.text()
        assert worker.text().count('"not_left"') == 1, worker.text()
        assert "Traceback" not in worker.text() + system.server.text()
