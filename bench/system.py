"""The system under measurement: a store, a server and a worker, each a real process of its own."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tidings.broker.embedded import EmbeddedStore

from .port import free_port

JOBS = Path(__file__).with_name("jobs.py")
START_TIMEOUT_S = 30.0


class System:
    """Where it is, and what its processes cost."""

    def __init__(self, url: str, processes: dict[str, psutil.Process]) -> None:
        self.url = url
        self.socket_url = url.replace("http", "ws", 1) + "/v1/socket"
        self.processes = processes

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds each process has used so far, user and system."""
        return {name: sum(process.cpu_times()[:2]) for name, process in self.processes.items()}

    def rss_mb(self) -> dict[str, float]:
        """Return the resident memory of each process, MB."""
        return {name: process.memory_info().rss / 1e6 for name, process in self.processes.items()}


@contextmanager
def running_system() -> Iterator[System]:
    """Run the system around the body, in a folder of its own, append-only file on."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tidings-bench-"))
        store = stack.enter_context(EmbeddedStore(folder))
        port = free_port()
        environment = {
            **os.environ,
            "TIDINGS_STORE_URL": store.url,
            "TIDINGS_PORT": str(port),
            "TIDINGS_LOG_LEVEL": "warning",
            "TIDINGS_DRAIN_S": "0",
        }
        server = stack.enter_context(_command(["serve"], environment))
        worker = stack.enter_context(_command(["work", str(JOBS)], environment))
        url = f"http://127.0.0.1:{port}"
        _wait_until_serving(url, [server, worker])
        pids = {"server": server.pid, "worker": worker.pid, "store": store.pid}
        yield System(url, {name: psutil.Process(pid) for name, pid in pids.items()})


@contextmanager
def _command(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", "tidings", *arguments], env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_serving(url: str, processes: list[subprocess.Popen[bytes]]) -> None:
    give_up = time.monotonic() + START_TIMEOUT_S
    while not _serves(url):
        if any(process.poll() is not None for process in processes) or time.monotonic() > give_up:
            raise RuntimeError("the system did not start; what it said is above")
        time.sleep(0.05)


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/v1/kinds", timeout=2) as answer:  # noqa: S310 - our own address
            return b"three_steps" in answer.read()
    except (urllib.error.URLError, OSError):
        return False
