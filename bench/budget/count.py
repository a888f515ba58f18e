"""What can be counted of a job besides time: commands, bytes, system calls."""

import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
from redis import Redis

from bench.harness.system import System

PYTHON = ("server", "worker")
"""The processes of which system calls are counted."""

CALLS = (
    "read",
    "readv",
    "recvfrom",
    "write",
    "writev",
    "sendto",
    "sendmsg",
    "epoll_pwait",
    "getpid",
    "getrandom",
    "futex",
)
"""The system calls that are told apart."""

ALL_CALLS = "raw_syscalls:sys_enter"
FINISH_S = 10.0


class Command(NamedTuple):
    """How often the store ran a command, and how long it took, within scripts and outside."""

    calls: float
    us: float


class Counter:
    """Counts from `running` on; the rest is to be read after it."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.commands: dict[str, Command] = {}
        """Command → what it took."""
        self.amounts: dict[str, float] = {}
        """What, with its unit → how much."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count around the body."""
        with Redis.from_url(self._system.store_url, decode_responses=True) as store:
            store.config_resetstat()
            before = self._amounts(store)
            yield
            self.commands = commands_of(store.info("commandstats"))
            self.amounts = {name: amount - before[name] for name, amount in self._amounts(store).items()}

    def _amounts(self, store: "Redis") -> dict[str, float]:
        info = store.info("stats")
        found: dict[str, float] = {
            "bytes to the store": info["total_net_input_bytes"],
            "bytes from the store": info["total_net_output_bytes"],
        }
        for name in PYTHON:
            used = self._system.processes[name].io_counters()
            found |= {
                f"{name}: bytes read": used.read_chars,
                f"{name}: bytes written": used.write_chars,
                f"{name}: reads": used.read_count,
                f"{name}: writes": used.write_count,
            }
        return found


def commands_of(stats: Mapping[str, Mapping[str, float]]) -> dict[str, Command]:
    """Return what the store says of its commands, the most expensive first."""
    found = {
        name.removeprefix("cmdstat_"): Command(said["calls"], said["usec"])
        for name, said in stats.items()
        if name not in ("cmdstat_info", "cmdstat_config|resetstat")
    }
    return dict(sorted(found.items(), key=lambda one: -one[1].us))


class SystemCalls:
    """Counts the system calls of processes, by `perf`; without it there are none in `found`."""

    def __init__(self, processes: Mapping[str, psutil.Process], folder: Path) -> None:
        self.found: dict[str, dict[str, float]] = {}
        """Process → system call → how many; `all` are all."""
        self._processes = {name: processes[name] for name in PYTHON}
        self._folder = folder

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count around the body."""
        perf = shutil.which("perf")
        children = {name: self._start(perf, name, one.pid) for name, one in self._processes.items()} if perf else {}
        yield
        for name, child in children.items():
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=FINISH_S)
            if self._file(name).exists():
                self.found[name] = calls_of(self._file(name).read_text())

    def _start(self, perf: str, name: str, pid: int) -> subprocess.Popen[bytes]:
        events = [ALL_CALLS, *(f"syscalls:sys_enter_{call}" for call in CALLS)]
        command = [perf, "stat", "-p", str(pid), "-x", ",", "-o", str(self._file(name)), "-e", ",".join(events)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.perf"


def calls_of(said: str) -> dict[str, float]:
    """Return the system calls that `perf stat -x ,` tells of, the most frequent first; none that it could not count."""
    found: dict[str, float] = {}
    for line in said.splitlines():
        amount, _, rest = line.partition(",")
        if amount.isdecimal() and int(amount):
            event = rest.split(",")[1]
            found["all" if event == ALL_CALLS else event.removeprefix("syscalls:sys_enter_")] = float(amount)
    return dict(sorted(found.items(), key=lambda one: -one[1]))
