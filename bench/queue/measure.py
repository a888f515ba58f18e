"""One measurement of a queue alone: store, worker and client, from an empty store on."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import IO, Never

import msgspec
import psutil

from bench.harness.system import ROOT, Children, System, everyone_cpu_s, require, start_store, stop
from bench.peer import Alone

from .result import Figures, Round, to_round
from .scenario import SCENARIOS, Start

LIMIT_S = 240
"""How long one measurement may take."""


def measure(alone: Alone, scenario: str, amount: float) -> Round:
    """Put one scenario to a queue.

    Raises:
        RuntimeError: the client failed (what it said went to standard error), or a program is missing.
        TimeoutError: it took too long.

    """
    start = SCENARIOS[scenario].worker
    with _limit(LIMIT_S), Children() as children:
        environment = {"STORE_URL": start_store(children)}
        environment["TIDINGS_STORE_URL"] = environment["STORE_URL"]
        if start is Start.FIRST:
            children.start("worker", alone.worker, environment)
        with _client([*alone.client, scenario, f"{amount:g}"], environment) as client:
            assert client.stdout is not None
            if start is Start.READY:
                _expect(client.stdout, b"ready")
                children.start("worker", alone.worker, environment)
            return _watch(client.stdout, _with_client(children.system(""), client))


def _watch(said: IO[bytes], system: System) -> Round:
    """Read the clocks of all processes when the client says so."""
    _expect(said, b"begin")
    before, everyone_s = system.cpu_s(), everyone_cpu_s()
    _expect(said, b"end")
    after, everyone_s = system.cpu_s(), everyone_cpu_s() - everyone_s
    figures = msgspec.json.decode(said.readline(), type=Figures)
    rss_mb = system.rss_mb()
    return to_round(figures, {name: after[name] - before[name] for name in after}, everyone_s, rss_mb)


def _with_client(system: System, client: subprocess.Popen[bytes]) -> System:
    return system._replace(processes={"client": psutil.Process(client.pid), **system.processes})


@contextmanager
def _client(command: Sequence[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the client around the body."""
    require(command)
    child = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        with child.stdin, child.stdout:
            yield child
    finally:
        stop(child)


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the body when it takes too long, whatever it waits for; for the main thread alone."""

    def give_up(_signal: int, _frame: FrameType | None) -> Never:
        raise TimeoutError(f"the queue was not done after {seconds} s")

    earlier = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, earlier)


def _expect(said: IO[bytes], word: bytes) -> None:
    if said.readline().strip() != word:
        raise RuntimeError("the client failed; what it said is above")
