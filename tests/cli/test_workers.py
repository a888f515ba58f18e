"""`--workers N`: equal processes that share a port or serve the same modules, and a parent that restarts them."""

import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from support.peer import peer
from support.store import StoreProcess, running_store
from support.system import Process, ServerProcess, WorkerProcess
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port
from tidings_cli.processes import supervision
from tidings_cli.processes.process_group import ProcessGroup

SOCKETS = 'tidings_connections{transport="socket"}'

JOBS = """
import os
from tidings import job

@job
async def process_id() -> int:
    return os.getpid()
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of a module with jobs."""
    file = tmp_path_factory.mktemp("jobs") / "jobs.py"
    file.write_text(JOBS)
    return str(file)


@pytest.fixture(scope="module")
def store() -> Iterator[StoreProcess]:
    with running_store() as store:
        yield store


def neighbours(count: int) -> int:
    """Return the first of some free ports in a row."""
    while True:
        first = free_port()
        taken = {one.laddr.port for one in psutil.net_connections("tcp") if one.laddr}
        if not taken & set(range(first, first + count)):
            return first


def children(process: Process) -> list[int]:
    return sorted(one.pid for one in psutil.Process(process.process.pid).children())


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=scaled(5)) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def restarts(process: Process, ports: list[int]) -> list[int]:
    """See that a process that is killed comes back; return the ids of all."""
    before = children(process)
    assert len(before) == len(ports)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(set(children(process)) - set(before)) == 1, process.text)
    assert "was ended by SIGKILL" in process.text()
    until(lambda: all(map(healthy, ports)), process.text)
    return children(process)


async def test_servers_share_a_port_and_each_shows_its_own_metrics(store: StoreProcess) -> None:
    first = neighbours(2)
    flags = {"TIDINGS_SERVER_METRICS_PORT": str(first), "TIDINGS_DRAIN_S": "1"}
    server = ServerProcess(store.url, "", "--workers", "2", **flags)
    try:
        until(lambda: healthy(first) and healthy(first + 1), server.text)
        server.wait_until_ready()
        shown = 0.0
        async with (
            peer(server.socket_url),
            peer(server.socket_url),
            peer(server.socket_url),
            httpx.AsyncClient() as http,
        ):
            for port in (first, first + 1):
                page = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
                (line,) = [
                    one for one in page.splitlines() if one.startswith('tidings_connections{transport="socket"}')
                ]
                shown += float(line.split()[-1])
        assert shown == 3
        pids = restarts(server, [first, first + 1])
        server.signal(signal.SIGTERM)
        assert server.wait(30) == 0, server.text()
        assert not any(map(psutil.pid_exists, pids))
    finally:
        server.close()


async def test_workers_serve_the_same_modules_and_end_with_their_parent_however_it_ends(
    store: StoreProcess, jobs: str
) -> None:
    first = neighbours(2)
    worker = WorkerProcess(store.url, jobs, "--workers", "2", "--metrics-port", str(first))
    server = ServerProcess(store.url)
    try:
        until(lambda: healthy(first) and healthy(first + 1), worker.text)
        server.wait_until_ready(kinds=1)
        async with peer(server.socket_url) as client:
            seen: set[int] = set()
            while len(seen) < 2:
                seen.add((await client.run("process_id"))[-1]["data"]["result"])
        pids = restarts(worker, [first, first + 1])
        worker.signal(signal.SIGKILL)
        worker.wait()
        until(lambda: not any(map(psutil.pid_exists, pids)), worker.text)
    finally:
        worker.close()
        server.close()


def test_what_cannot_start_is_said_once_and_not_tried_again(store: StoreProcess, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    done = run_tidings("work", str(tmp_path / "broken.py"), "--workers", "2", TIDINGS_STORE_URL=store.url)
    assert done.returncode == 1
    assert "nothing_of_that_name" in done.stderr
    taken = ServerProcess(store.url)
    try:
        taken.wait_until_ready()
        port = str(taken.port)
        done = run_tidings("serve", "--workers", "2", "--port", port, TIDINGS_STORE_URL=store.url)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert f"port {port} of 127.0.0.1 is in use" in done.stderr
    finally:
        taken.close()
    done = run_tidings("serve", "--workers", "0")
    assert done.returncode == 2
    assert "--workers" in done.stderr


def test_a_process_that_ends_again_and_again_ends_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(supervision, "LONGEST_PAUSE_S", 0.001)
    group = ProcessGroup(["/bin/sh", "-c", "exit 7"], [dict(os.environ)])
    assert group.run() == 7
    assert group._processes[0].starts == supervision.MAX_STARTS + 1
