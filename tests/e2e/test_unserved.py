"""Kinds that no worker serves at present: their jobs wait, visibly, until a worker comes that does."""

import signal
import subprocess
from pathlib import Path
from typing import Any

import msgspec

from support.peer import Peer, peer
from support.system import System, system_fixture
from support.tidings_command import run_tidings
from support.waiting import until_async

MODULE = "from tidings import job\n\n\n@job\nasync def {}() -> str:\n    return 'done'\n"


system = system_fixture(workers=0, scope="function")
"""A server without workers."""


def write(folder: Path, kind: str) -> str:
    (folder / f"{kind}.py").write_text(MODULE.format(kind))
    return str(folder / f"{kind}.py")


def leave_behind(system: System, module: str) -> None:
    """Have a worker register its kind, and leave."""
    worker = system.add_worker(module)
    system.server.wait_until_ready(kinds=1)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.text()


def status(system: System, *flags: str) -> subprocess.CompletedProcess[str]:
    return run_tidings("status", "--store-url", system.store.url, *flags)


async def submit_until(client: Peer, degraded: str | None) -> dict[str, Any]:
    """Submit until the server, which asks now and then which workers there are, says so; return the ack."""
    return await until_async(lambda: client.submit("lonely", {}), lambda ack: ack["degraded"] == degraded, pause_s=0.1)


async def test_without_any_worker_no_start_is_predicted(system: System, tmp_path: Path) -> None:
    leave_behind(system, write(tmp_path, "lonely"))
    async with peer(system.server.socket_url) as client:
        ack = await submit_until(client, "unserved")
        assert (ack["status"], ack["eta"], ack["position"] is not None) == ("queued", None, True)
        assert status(system).returncode == 1
        system.add_worker(str(tmp_path / "lonely.py"))
        assert (await client.until(ack["token"]))[-1]["data"] == {"result": "done"}
        assert (await submit_until(client, None))["eta"] is not None


async def test_a_job_of_a_queue_whose_workers_lack_its_kind_waits_as_queued(system: System, tmp_path: Path) -> None:
    leave_behind(system, write(tmp_path, "lonely"))
    system.add_worker(write(tmp_path, "other"))
    system.server.wait_until_ready(kinds=2)
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("lonely", {})
        events = await client.until(ack["token"], "queued")
        assert events[-1]["data"] == {"waits_for": "a worker that serves lonely"}
        assert system.server.get(f"/v1/jobs/{ack['token']}")[1]["status"] == "queued"
        said = status(system)
        assert said.returncode == 1
        assert "1 jobs of lonely wait in default, and no worker serves that kind" in " ".join(said.stdout.split())
        told = msgspec.json.decode(status(system, "--json").stdout)
        (wait,) = told["unserved_kinds"]
        assert 0 <= wait.pop("since") < 600
        assert wait == {"kind": "lonely", "queue": "default", "jobs": 1, "version": 1, "pinned": False}
        (queue,) = (one for one in told["queues"] if one["queue"] == "default")
        assert (queue["waiting"], queue["scheduled"]) == (1, 0)
        assert (await client.run("other", {}))[-1]["data"] == {"result": "done"}
        system.add_worker(str(tmp_path / "lonely.py"))
        events = await client.until(ack["token"])
        assert events[-1]["data"] == {"result": "done"}
        assert [event["data"] for event in events if event["event"] == "started"][-1] == {"attempt": 1}
    assert status(system).returncode == 0


async def test_one_that_waits_in_vain_can_be_cancelled_and_expires(system: System, tmp_path: Path) -> None:
    leave_behind(system, write(tmp_path, "lonely"))
    system.add_worker(write(tmp_path, "other"))
    system.server.wait_until_ready(kinds=2)
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("lonely", {}, deadline=1.5)
        assert (await client.until(ack["token"]))[-1]["event"] == "expired"
        ack = await client.submit("lonely", {})
        await client.until(ack["token"], "queued")
        _, end = await client.cancel(ack["token"])
        assert end["event"] == "cancelled"
    assert status(system).returncode == 0
