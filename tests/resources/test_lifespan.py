"""Lifespans in real workers: entered before the first job, shared by threads, left after the last job."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.dev import Dev
from support.peer import Peer, peer
from support.system import System, WorkerProcess, running_system
from support.timeouts import scaled
from support.waiting import until_async

KINDS = Path(__file__).with_name("lifespan_kinds.py")


class Host:
    """A system, whose workers note when they enter and leave their lifespan."""

    def __init__(self, system: System, notes: Path) -> None:
        self.system = system
        self.notes = notes

    def start(self, **environment: str) -> WorkerProcess:
        """Start a worker with empty notes."""
        self.notes.write_text("")
        return self.system.add_worker(str(KINDS), TEST_NOTES=str(self.notes), **environment)

    def noted(self) -> list[tuple[str, int]]:
        """Return what they noted, and the process of each."""
        return [(line.split()[0], int(line.split()[1])) for line in self.notes.read_text().splitlines()]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running_system(1, 0) as system:
        yield Host(system, tmp_path_factory.mktemp("lifespan") / "notes")


@contextmanager
def stopping(worker: WorkerProcess) -> Iterator[None]:
    try:
        yield
    finally:
        worker.close()


async def result(client: Peer, kind: str) -> Any:
    event = (await client.run(kind, {}))[-1]
    assert event["event"] == "succeeded", event
    return event["data"]["result"]


async def test_handlers_of_every_mode_have_the_state_and_every_process_its_own(host: Host) -> None:
    worker = host.start()
    with stopping(worker):
        host.system.server.wait_until_ready(kinds=6)
        async with peer(host.system.server.socket_url) as client:
            loop, thread, step, child, again = [
                await result(client, kind) for kind in ("in_loop", "in_thread", "in_step", "in_process", "in_process")
            ]
        main = worker.process.pid
        assert {tuple(one) for one in (loop, thread, step)} == {(main, main, loop[2])}, "one state for all"
        assert child == again, "a child process enters its lifespan once, for all its jobs"
        assert child[0] == child[1] != main
        assert host.noted() == [("enter", main), ("enter", child[0])]
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        assert host.noted()[2:] == [("leave", child[0]), ("leave", main)]


async def test_it_is_left_after_a_running_job_had_its_grace(host: Host) -> None:
    worker = host.start(TIDINGS_GRACE_S=str(scaled(20)))
    with stopping(worker):
        host.system.server.wait_until_ready(kinds=6)
        async with peer(host.system.server.socket_url) as client:
            token = (await client.submit("finish_in_grace", {}))["token"]
            await client.until(token, "log")
            worker.signal(signal.SIGTERM)
            await until_async(lambda: "stopping" in worker.text())
            assert [what for what, _ in host.noted()] == ["enter"]
            Path(f"{host.notes}.go").touch()
            assert (await client.until(token))[-1]["event"] == "succeeded"
        assert worker.wait() == 0
    assert [what for what, _ in host.noted()] == ["enter", "ended", "leave"]


async def test_a_lifespan_that_breaks_ends_its_worker(host: Host) -> None:
    worker = host.start()
    with stopping(worker):
        host.system.server.wait_until_ready(kinds=6)
        async with peer(host.system.server.socket_url) as client:
            await client.submit("break_it", {})
            assert worker.wait() == 1
        text = worker.text()
    assert "lifespan_failed" in text
    assert "OSError: the connection is gone" in text
    assert text.splitlines()[-1].startswith("tidings: a lifespan failed while this worker served")


async def test_a_child_process_that_cannot_enter_fails_the_attempt_and_keeps_the_reason_in_the_log(host: Host) -> None:
    worker = host.start(TEST_FAIL="child")
    with stopping(worker):
        host.system.server.wait_until_ready(kinds=6)
        async with peer(host.system.server.socket_url) as client:
            problem = (await client.run("in_process", {}))[-1]["data"]["problem"]
        text = worker.text()
    assert problem["detail"].endswith("could not enter a lifespan; the worker's log says why")
    assert "OSError: no database for password-7" in text


FAILS = """
import sys
from pathlib import Path

from tidings import job, lifespan


@lifespan
async def resources():
    raise OSError("no database")
    yield


@job
async def one() -> None: ...
"""

SLOW = """
import asyncio
from pathlib import Path

from tidings import job, lifespan


@lifespan
async def resources():
    Path("entering").touch()
    try:
        await asyncio.sleep(3600)
        yield
    finally:
        Path("left").touch()


@job
async def one() -> None: ...
"""


def test_a_failure_at_entry_is_one_line_and_dev_tries_again_after_a_change(tmp_path: Path) -> None:
    module = tmp_path / "jobs.py"
    module.write_text(FAILS)
    dev = Dev(tmp_path, "jobs.py")
    try:
        dev.wait_for(lambda: "it starts again when its code changes" in dev.output.read_text())
        lines = [line for line in dev.output.read_text().splitlines() if line.startswith("worker")]
        (said,) = [line for line in lines if "OSError" in line]
        assert said.split(maxsplit=1)[1] == (
            f"tidings: the lifespan resources failed at {module}:10: OSError: no database"
        )
        assert not any("serving" in line for line in lines)
        module.write_text(FAILS.replace('    raise OSError("no database")\n', ""))
        dev.wait_for(lambda: "one" in dev.kinds())
    finally:
        dev.close()


def test_a_signal_while_it_is_entered_leaves_it(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs.py").write_text(SLOW)
    monkeypatch.chdir(tmp_path)
    worker = host.system.add_worker("jobs.py")
    with stopping(worker):
        while not (tmp_path / "entering").exists():
            assert worker.process.poll() is None, worker.text()
            os.sched_yield()
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
    assert (tmp_path / "left").exists()
