"""`python -m bench.client [--seconds S] [--rounds N] [NAME…]`: what the Python clients do and cost; default: all.

Each row is one load on the same system, in turn, the median of the rounds: jobs a second, and CPU of a job, in the
process of the client (the load's own part is in it) and in the others. Large values count twice: they go and come back.
"""

import argparse
import statistics
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvloop

from bench.harness.running import running
from bench.harness.system import System

from . import handlers
from .loads import Loaded, back_end, large, results, submits, threads

Load = Callable[[str, float], Coroutine[Any, Any, Loaded]]

LOADS: Final[dict[str, tuple[str, Load, int]]] = {
    "results": ("`Client`, 200 in flight, to the result", results, 0),
    "submits": ("`Client`, 200 in flight, to the ack, `watch=False`", submits, 0),
    "threads": ("`SyncClient` from 16 threads, to the result", threads, 0),
    "backend": ("`Client`, 5,000 submits a second, `watch=False`", back_end, 0),
    "64k": ("64 KB there and back, 8 in flight", partial(large, size=65_536), 2 * 65_536),
    "1m": ("1 MB there and back, 8 in flight", partial(large, size=1_000_000), 2 * 1_000_000),
}
"""Name → what it is, the load, and the bytes of values that go through the server with each job."""

HEAD = "| load | jobs/s | MB/s | CPU a job, µs: client + server + worker + store |\n| --- | --- | --- | --- |"


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m bench.client", description="What the Python clients do and cost.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*LOADS, []], help=f"of {', '.join(LOADS)}")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load in each round; default: 3")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    options = parser.parse_args()
    names: list[str] = options.names or list(LOADS)
    settings = {"TIDINGS_DRAIN_S": "0", "TIDINGS_MAX_FRAME_BYTES": "2000000", "TIDINGS_MAX_BACKLOG": "10000000"}
    workers = ((str(Path(handlers.__file__)),),)
    found: dict[str, list[tuple[Loaded, dict[str, float]]]] = {name: [] for name in names}
    with running(settings=settings, workers=workers) as (_, system, (url,)):
        address = url.replace("ws://", "http://").removesuffix("/v1/socket")
        for _ in range(options.rounds):
            for name in names:
                found[name].append(_measured(system, LOADS[name][1], address, options.seconds))
    print(HEAD)
    for name, rounds in found.items():
        print(_row(name, rounds))


def _measured(system: System, load: Load, url: str, seconds: float) -> tuple[Loaded, dict[str, float]]:
    """Return what a load did, and the CPU time that each process used meanwhile, s."""
    before = system.cpu_s()
    done: Loaded = uvloop.run(load(url, seconds))
    return done, {name: used - before[name] for name, used in system.cpu_s().items()}


def _row(name: str, rounds: list[tuple[Loaded, dict[str, float]]]) -> str:
    what, _, size = LOADS[name]
    rate = statistics.median(done.jobs / done.seconds for done, _ in rounds)
    parts = [statistics.median(done.busy_s / done.jobs for done, _ in rounds)]
    parts += [statistics.median(_of(used, part) / done.jobs for done, used in rounds) for part in _PARTS]
    cpu = " + ".join(f"{part * 1e6:,.0f}" for part in parts)
    return f"| {what} | {rate:,.0f} | {f'{rate * size / 1e6:,.0f}' if size else ''} | {cpu} |"


_PARTS = ("server", "worker", "store")


def _of(used: dict[str, float], part: str) -> float:
    """Return the time of all processes of one sort; of several servers each has a name that begins so."""
    return sum(seconds for name, seconds in used.items() if name.startswith(part))


if __name__ == "__main__":
    main()
