"""Figures that are measured by their names: `python -m bench.webhooks latency memory`."""

import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import uvloop

from .result import Round


def row(name: str, text: str) -> None:
    """Print a figure."""
    print(f"| {name} | {text} |", flush=True)


def show_cost(name: str, one: Round) -> None:
    """Print what a round of the closed loop cost: jobs a second, and the CPU time of a job in µs."""
    shown = ", ".join(f"{part} {one.cpu_us_per_job[part]:.0f} µs" for part in ("server", "worker", "store"))
    row(name, f"{one.jobs_per_s:,.0f} jobs/s; CPU a job: {shown}")


def measure_named(figures: Mapping[str, Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Measure what the arguments of the command name, by default all, and print how long each took, s."""
    for name in sys.argv[1:] or figures:
        began = time.monotonic()
        uvloop.run(figures[name]())
        print(f"({name}: {time.monotonic() - began:.0f} s)", flush=True)
