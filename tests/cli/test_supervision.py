"""`tidings dev` keeps its processes running: what was killed starts again, and what cannot run ends in a few tries."""

import json
import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from support.dev import Dev
from tidings_cli.processes.supervision import LONGEST_PAUSE_S, MAX_STARTS, STEADY_S, Supervision, describe_end

JOBS = """
import os, pathlib
import anyio
from tidings import Context, job

@job
async def brew(ctx: Context, cups: int) -> str:
    if ctx.attempt == 1:
        await ctx.progress(0.5, message=f"worker {os.getpid()}")
        await anyio.sleep(3600)
    return f"{cups} cups"

@job
async def fall(code: int) -> None:
    os._exit(code)

@job
async def spill(cups: int) -> None:
    fill(cups)

def fill(cups: int) -> None:
    raise ValueError(f"{cups} cups are too many")

@job(expose_errors=False)
async def hide() -> None:
    raise ValueError("not for clients")
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One for all tests: whatever was killed in it before, it runs on."""
    folder = tmp_path_factory.mktemp("dev")
    (folder / "jobs.py").write_text(JOBS)
    dev = Dev(folder, "jobs.py", TIDINGS_LEASE_S="3", TIDINGS_HEARTBEAT_S="0.5")
    try:
        dev.wait_for(lambda: "brew" in dev.kinds() and "Ctrl-C" in dev.output.read_text())
        yield dev
    finally:
        dev.close()


def part(dev: Dev, word: str) -> psutil.Process | None:
    """Return the child that runs a command of `tidings`, or that has a name."""
    for child in psutil.Process(dev.process.pid).children():
        try:
            if word in (*child.cmdline(), child.name()) and child.status() != psutil.STATUS_ZOMBIE:
                return child
        except psutil.NoSuchProcess:
            continue
    return None


def kill(dev: Dev, word: str) -> int:
    found = part(dev, word)
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    return found.pid


def test_a_worker_that_is_killed_in_the_middle_of_a_job_starts_again_and_runs_it_again(dev: Dev) -> None:
    token = dev.command("submit", "brew", "cups=3").stdout.strip()
    dev.wait_for(lambda: "running" in dev.command("show", token).stdout)
    before = kill(dev, "work")
    dev.wait_for(lambda: "it starts again now." in dev.output.read_text())
    watched = dev.command("watch", token)
    assert json.loads(watched.stdout) == "3 cups", watched.stderr
    after = part(dev, "work")
    assert after is not None
    assert after.pid != before
    said = dev.output.read_text()
    assert said.count("The worker was ended by SIGKILL; it starts again now.") == 1
    assert f"worker  process {after.pid}\n" in said


def test_a_server_that_is_killed_starts_again_on_its_port(dev: Dev) -> None:
    before = kill(dev, "serve")
    dev.wait_for(lambda: (found := part(dev, "serve")) is not None and found.pid != before)
    dev.wait_for(lambda: "brew" in dev.kinds())
    assert dev.output.read_text().count("The server was ended by SIGKILL; it starts again now.") == 1


def test_a_store_that_is_killed_starts_again_with_what_was_acknowledged(dev: Dev) -> None:
    token = dev.command("submit", "brew", "cups=2", "--delay", "3600").stdout.strip()
    kill(dev, "valkey-server")
    dev.wait_for(lambda: "scheduled" in dev.command("show", token).stdout)
    assert dev.output.read_text().count("The store was ended by SIGKILL; it starts again now.") == 1
    assert dev.command("cancel", token).returncode == 0


def test_the_author_sees_what_a_handler_raised_at_once_and_in_the_problem(dev: Dev) -> None:
    done = dev.command("submit", "spill", "cups=9", "--follow")
    assert "ValueError: 9 cups are too many" in done.stderr
    dev.wait_for(lambda: "ValueError: 9 cups are too many" in dev.output.read_text())
    said = dev.output.read_text()
    assert "in fill" in said
    assert "in spill" in said
    assert "tidings_worker" not in said[said.index("Traceback") :], "the frames are the handler's own"
    hidden = dev.command("submit", "hide", "--follow")
    assert "not for clients" not in hidden.stderr
    dev.wait_for(lambda: "not for clients" in dev.output.read_text())


def test_a_mistake_in_the_code_is_said_once_until_the_code_changes(dev: Dev) -> None:
    (dev.folder / "jobs.py").write_text(JOBS + "\nraise RuntimeError('no tea')\n")
    dev.wait_for(lambda: "it starts again when its code changes" in dev.output.read_text())
    assert dev.output.read_text().count("RuntimeError: no tea") == 1
    (dev.folder / "jobs.py").write_text(JOBS.replace("async def hide", "async def seek"))
    dev.wait_for(lambda: "seek" in dev.kinds())


def test_a_handler_that_ends_its_worker_is_not_the_end_of_it(dev: Dev) -> None:
    dev.command("submit", "fall", "code=1")
    dev.wait_for(lambda: "The worker ended with exit code 1; it starts again" in dev.output.read_text())
    done = dev.command("submit", "spill", "cups=1", "--follow")
    assert done.returncode == 1


def test_it_stops_cleanly_after_all_of_that(dev: Dev) -> None:
    assert dev.stop() == 0, dev.output.read_text()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_starts_in_a_row_wait_longer_and_longer_and_are_bounded() -> None:
    clock = Clock()
    supervision = Supervision(clock)
    pauses = []
    while (pause := supervision.ended()) is not None:
        assert supervision.pending
        assert supervision.is_due() == (pause == 0)
        clock.now += pause
        assert supervision.is_due()
        supervision.started()
        pauses.append(pause)
    assert pauses[0] == 0
    assert pauses == sorted(pauses)
    assert pauses[-1] <= LONGEST_PAUSE_S
    assert len(pauses) == MAX_STARTS
    assert not supervision.pending


def test_what_ran_for_a_while_starts_at_once_again() -> None:
    clock = Clock()
    supervision = Supervision(clock)
    for _ in range(3):
        supervision.ended()
        supervision.started()
    clock.now += STEADY_S
    assert supervision.ended() == 0


def test_an_end_is_described_by_the_name_of_its_signal() -> None:
    assert describe_end(-9) == "was ended by SIGKILL"
    assert describe_end(3) == "ended with exit code 3"
