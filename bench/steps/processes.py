"""The round trip of a value through a child process: wall time, and CPU of worker and child, one call at a time."""

import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Final, cast

import msgspec
import psutil

from tidings.context.context import Sink
from tidings_worker.runner.child_process import ChildProcess
from tidings_worker.runner.ipc_messages import RunCommand
from tidings_worker.settings import WorkerSettings

from . import process_kinds

SIZES: Final[Mapping[str, int]] = MappingProxyType({"1 KB": 1_024, "64 KB": 65_536, "1 MB": 1_000_000})
CALLS: Final = 100
"""Calls of each size in a round."""


async def measure_processes(rounds: int) -> dict[str, float]:
    """Return what a call of each size costs, µs: medians of so many rounds in turn."""
    found: dict[str, list[float]] = {}
    process = await ChildProcess.start(WorkerSettings(modules=(str(Path(process_kinds.__file__)),)))
    child = next(one for one in psutil.Process().children() if "child_main" in " ".join(one.cmdline()))
    try:
        for number in range(rounds + 1):
            for name, size in SIZES.items():
                costs = await _cost_of(process, child, size)
                for part, cost in costs.items() if number else ():  # the first round warms up
                    found.setdefault(f"{name}: {part}", []).append(cost)
    finally:
        await process.close()
    return {name: median(costs) for name, costs in found.items()}


async def _cost_of(process: ChildProcess, child: psutil.Process, size: int) -> dict[str, float]:
    text = msgspec.json.encode({"text": "x" * size})
    command = RunCommand("echo_in_process", "p.A", 1, "", "", (), "", "", text, 1)
    before, began, busy = _cpu_s(child), time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        await process.perform(command, cast("Sink", None))
    took, busy = time.perf_counter() - began, time.process_time() - busy
    costs = {"round trip": took, "CPU of the worker": busy, "CPU of the child": _cpu_s(child) - before}
    return {part: cost / CALLS * 1e6 for part, cost in costs.items()}


def _cpu_s(process: psutil.Process) -> float:
    """Return the CPU time of the threads of a process, s; to the nanosecond, unlike `cpu_times`."""
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
