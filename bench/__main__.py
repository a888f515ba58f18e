"""`python -m bench [SCENARIO…]`: measure, and print a table."""

import argparse
import os
import signal
import sys
from pathlib import Path

import msgspec

from .machine import machine
from .measure import measure
from .peer import find_peer, peer_names
from .result import Report, Result, Round, median_of
from .scenario import scenario_names
from .system import ROOT
from .table import page, table

DOCS = ROOT / "docs/reference/benchmarks.md"
WARM_UP_S = 1.0


def main() -> None:
    """Measure what the arguments ask."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started ends with us
    options = _options()
    rounds = options.rounds or (3 if options.short else 5)
    seconds = options.seconds or (4.0 if options.short else 8.0)
    found = _measure(options.peer or ["tidings"], options.scenario or scenario_names(), rounds, seconds)
    report = Report(
        rounds=rounds,
        seconds=seconds,
        warm_up_s=WARM_UP_S,
        machine=machine(),
        settings=sorted(name for name in os.environ if name.startswith("TIDINGS_")),
        results=[Result(peer=key[0], scenario=key[1], rounds=each, median=median_of(each)) for key, each in found],
    )
    print(table(report.results))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    if options.write_docs:
        DOCS.write_text(page(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and print a table.")
    parser.add_argument("scenario", nargs="*", help=f"default: all of {', '.join(scenario_names())}")
    parser.add_argument("--peer", action="append", choices=peer_names(), help="what to measure; default: tidings")
    parser.add_argument("--rounds", type=int, help="default: 5")
    parser.add_argument("--seconds", type=float, help="of each round; default: 8")
    parser.add_argument("--short", action="store_true", help="3 rounds of 4 seconds")
    parser.add_argument("--json", type=Path, help="write every round there")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCS.relative_to(ROOT)}")
    options = parser.parse_args()
    for name in options.scenario:
        if name not in scenario_names():
            parser.error(f"no scenario {name!r}; there are: {', '.join(scenario_names())}")
    return options


def _measure(
    peers: list[str], scenarios: list[str], rounds: int, seconds: float
) -> list[tuple[tuple[str, str], list[Round]]]:
    """Measure everything once a round, so that a noisy minute does not fall on one alone.

    Each peer starts anew for each round, so that none runs beside another, and none is fuller than another.
    """
    found: dict[tuple[str, str], list[Round]] = {(peer, name): [] for name in scenarios for peer in peers}
    for number in range(rounds):
        for peer in peers:
            with find_peer(peer).running() as system:
                for name in scenarios:
                    one = measure(system, name, WARM_UP_S, seconds)
                    found[peer, name].append(one)
                    print(
                        f"round {number + 1}, {peer}, {name}: {one.jobs_per_s:,.0f} jobs/s, "
                        f"others busy {one.others_busy:.0%}",
                        flush=True,
                    )
    return list(found.items())


if __name__ == "__main__":
    main()
