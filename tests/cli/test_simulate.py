"""`tidings dev --simulate`: real processes behind proxies, killed and paused, and what becomes of the jobs."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from support.dev import Dev
from support.timeouts import scaled
from tidings import Client
from tidings.process.port import free_port

JOBS = """
from pathlib import Path
from tidings import Context, job

@job(max_deliveries=50)
async def note(ctx: Context, number: int) -> int:
    with Path("notes.txt").open("a") as notes:
        notes.write(f"{number}\\n")
    return number
"""
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2"}
"""A job of a killed worker is taken over soon."""


async def submit(url: str, count: int) -> list[int]:
    async with Client(url, wait=20) as client, asyncio.timeout(scaled(60)):
        return [await (await client.submit("note", number=number)).result() for number in range(count)]


def test_every_job_ends_once_whatever_is_simulated(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    faults = "latency=5ms±5,loss=1%,client.reset=1%,worker-crash=30%,store-pause=300ms/2s"
    dev = Dev(tmp_path, "jobs.py", "--simulate", faults, "--simulate-seed", "7", **QUICK)
    try:
        dev.wait_for(lambda: "note" in dev.kinds() and "7; again with --simulate-seed 7" in dev.output.read_text())
        assert asyncio.run(submit(dev.url, 10)) == list(range(10))
        dev.wait_for(lambda: "the store goes on" in dev.output.read_text())
        said = dev.output.read_text()
        killed = len(re.findall("the worker is killed under an attempt", said))
        assert killed >= 1
        assert "killed under 1 in 3.33 attempts" in said
        notes = (tmp_path / "notes.txt").read_text().split()
        assert set(notes) == {str(number) for number in range(10)}
        assert len(notes) > 10  # work that was done and not recorded was done again
        assert dev.stop() == 0, dev.output.read_text()
        assert "Traceback" not in dev.output.read_text()
    finally:
        dev.close()


def test_a_kill_while_the_store_stands_still_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    dev = Dev(tmp_path, "jobs.py", "--simulate", "store-pause=59s/60s,client.latency=1ms")
    try:
        dev.wait_for(lambda: "the store stands still" in dev.output.read_text())
        children = psutil.Process(dev.process.pid).children(recursive=True)
        assert len(children) == 3
    finally:
        dev.close()
    _, left = psutil.wait_procs(children, timeout=scaled(20))
    assert left == []


@pytest.mark.parametrize(
    ("faults", "environment", "says"),
    [
        ("latency=50", {}, "--simulate: latency=50: a latency is a time in ms or s"),
        ("store-pause=1s/9s", {"TIDINGS_STORE_URL": "redis://127.0.0.1:1"}, "only the embedded store can be made to"),
        ("store.loss=1%", {"TIDINGS_STORE_URL": "rediss://127.0.0.1:1"}, "is reached by TLS"),
    ],
)
def test_what_cannot_be_simulated_gets_one_clear_line(
    tmp_path: Path, faults: str, environment: dict[str, str], says: str
) -> None:
    dev = Dev(tmp_path, "--simulate", faults, **environment)
    try:
        assert dev.process.wait(scaled(20)) == 1
        (line,) = dev.output.read_text().splitlines()
        assert line.startswith("tidings: ")
        assert says in line
    finally:
        dev.close()


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-m", "http.server", str(port := free_port())], cwd=tmp_path) as other:
        try:
            while not psutil.Process(other.pid).net_connections():
                assert other.poll() is None
            done = subprocess.run(
                [sys.executable, "-m", "tidings", "dev", "--simulate", "client.loss=1%", "--port", str(port)],
                cwd=tmp_path, capture_output=True, text=True, check=False, timeout=scaled(60),
            )  # fmt: skip
        finally:
            other.kill()
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr
