"""`tidings top` on a real store: one screen, JSON, and live in a terminal."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from functools import partial
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from support.queued import one_job
from support.store import StoreProcess, running_store
from support.system import System, system_fixture, written
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.keys import StoreKeys
from tidings.store.registry import Registry
from tidings_cli.top.poll import Poller
from tidings_cli.top.screen import age

JOBS = """
import asyncio
from tidings import Breaker, Context, Reject, job

@job
async def nap(ctx: Context) -> None:
    await asyncio.sleep(3600)

@job
async def refuse() -> None:
    raise Reject("not today")

@job(breaker=Breaker("payments", min_calls=1))
async def pay() -> None:
    raise RuntimeError("the bank is closed")
"""
SUBMITS = {"nap": "running", "refuse": "failed", "pay": "failed"}


WORKER = {"TIDINGS_NAME": "the-worker", "TIDINGS_SLOTS": "7", "TIDINGS_HEARTBEAT_S": "0.2"}

system = system_fixture(written(JOBS), worker=WORKER)


@pytest.fixture(scope="module", autouse=True)
def jobs_in_all_states(system: System) -> None:
    for kind, state in SUBMITS.items():
        path = f"/v1/jobs/{submit(system, kind)}"
        until(partial(is_in_state, system, path, state))


def is_in_state(system: System, path: str, state: str) -> bool:
    return bool(system.server.get(path)[1]["status"] == state)


def submit(system: System, kind: str) -> str:
    done = run(system.store, "submit", kind, "--url", system.server.url)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run(store: StoreProcess, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_tidings(*arguments, TIDINGS_STORE_URL=store.url)


def test_one_screen_says_how_everything_stands(system: System) -> None:
    done = run(system.store, "top", "--once")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Tidings  \d\d:\d\d:\d\d UTC   1 worker   \d of 7 slots busy   0 waiting", done.stdout)
    assert "1 breaker open" in done.stdout
    assert re.search(r"default\s+standard", done.stdout)
    assert re.search(r"the-worker .*7 .*default", done.stdout)
    assert re.search(r"payments\s+open .*the bank is closed", done.stdout)
    assert run(system.store, "top").stdout.splitlines()[1:3] == done.stdout.splitlines()[1:3]  # no terminal: the same


def test_json_has_everything_for_programs(system: System) -> None:
    found = json.loads(run(system.store, "top", "--json").stdout)
    (tier,) = found["tiers"]
    assert (tier["queue"], tier["waiting"], tier["running"], tier["served"]) == ("default", 0, 1, True)
    assert tier["dead"] == 2
    assert [worker["worker"] for worker in found["workers"]] == ["the-worker"]
    assert [(one["breaker"], one["state"], one["opened"]) for one in found["breakers"]] == [("payments", "open", 1)]
    assert found["memory"] > 0
    assert (found["key_prefix"], found["paused"]) == ("t", [])


def test_a_queue_that_is_paused_is_named_with_what_ends_it(system: System) -> None:
    run(system.store, "pause", "default")
    try:
        said = "default is paused: its workers take nothing. `tidings resume default` ends it."
        assert said in run(system.store, "top", "--once").stdout
        assert said in run(system.store, "status").stdout
        assert json.loads(run(system.store, "top", "--json").stdout)["paused"] == ["default"]
    finally:
        run(system.store, "resume", "default")
    assert "paused" not in run(system.store, "top", "--once").stdout


def test_a_store_that_is_not_there_gets_one_clear_line() -> None:
    with running_store() as store:
        store.kill()
        done = run(store, "top", "--once")
    assert done.returncode == 3
    (line,) = done.stderr.strip().splitlines()
    assert "no store answers" in line


@pytest.fixture
async def registered(store: Redis) -> Redis:
    raw = KindRecord(kind="k", queue="p", input=msgspec.Raw(b"{}"), result=msgspec.Raw(b"{}"))
    await Registry(store, StoreKeys()).register([raw])
    return store


async def test_what_waits_without_a_worker_is_red_and_counted_as_growth(registered: Redis) -> None:
    watcher = Poller(registered, StoreKeys())
    (before,) = (await watcher.poll()).tiers
    assert (before.waiting, before.growth) == (0, None)
    async with one_job(registered):
        (tier,) = (await watcher.poll()).tiers
        assert (tier.waiting, tier.served) == (1, False)
        assert tier.growth is not None
        assert tier.growth > 0
        assert tier.oldest is not None


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0.44, "0.4 s"), (12.3, "12 s"), (200, "3 m 20 s"), (7_500, "2 h 5 m"), (273_600, "3 d 4 h")],
)
def test_a_duration_is_said_at_a_glance(seconds: float, says: str) -> None:
    assert age(seconds) == says


class Terminal:
    """A `tidings top` in a terminal of its own."""

    def __init__(self, store: StoreProcess) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self.before = termios.tcgetattr(self._slave)
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tidings", "top", "--every", "0.1"],
            env={**os.environ, "TIDINGS_STORE_URL": store.url, "TERM": "xterm", "COLUMNS": "200", "LINES": "40"},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
        )

    def read_until(self, words: str) -> None:
        """Read until words stand on it."""
        give_up = time.monotonic() + scaled(30)
        while words not in self.text:
            assert time.monotonic() < give_up, self.text
            assert self.process.poll() is None, self.text
            if select.select([self._master], [], [], 0.1)[0]:
                self.text += os.read(self._master, 65_536).decode(errors="replace")

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def wait(self) -> int:
        """Return its exit code; what it still prints is read, so that it does not wait for that."""
        give_up = time.monotonic() + scaled(20)
        while self.process.poll() is None:
            assert time.monotonic() < give_up
            if select.select([self._master], [], [], 0.05)[0]:
                self.text += os.read(self._master, 65_536).decode(errors="replace")
        return self.process.returncode

    def as_before(self) -> bool:
        """Whether the terminal echoes and takes lines again."""
        return bool(termios.tcgetattr(self._slave)[3] == self.before[3])

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(scaled(10))
        os.close(self._master)
        os.close(self._slave)


@pytest.mark.parametrize(("key", "code"), [(b"q", 0), ("interrupt", 130)])
def test_it_runs_until_the_operator_quits_and_leaves_the_terminal_as_it_was(
    system: System, key: bytes | str, code: int
) -> None:
    terminal = Terminal(system.store)
    try:
        terminal.read_until("the-worker")
        assert not terminal.as_before()
        terminal.text = ""
        terminal.read_until("the-worker")  # drawn again
        if isinstance(key, bytes):
            terminal.press(key)
        else:
            terminal.process.send_signal(signal.SIGINT)
        assert terminal.wait() == code
        assert terminal.as_before()
        assert "Traceback" not in terminal.text
    finally:
        terminal.close()


def test_a_store_that_goes_away_is_told_of_and_the_last_sight_stays(tmp_path: Path) -> None:
    with running_store() as store:
        terminal = Terminal(store)
        try:
            terminal.read_until("There is no worker.")
            store.kill()
            terminal.read_until("This is old:")
            store.start()
            terminal.text = ""
            terminal.read_until("There is no worker.")
            terminal.press(b"q")
            assert terminal.wait() == 0
        finally:
            terminal.close()
