"""`python -m bench [SCENARIO…]`: measure, and print a table for each scenario."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .harness.files import allow_many_files
from .harness.machine import machine, pinned
from .harness.measure import measure
from .harness.result import Report, Result, Round, median_of
from .harness.system import ROOT
from .harness.table import OURS, page, tables
from .peer import find_peer, peer_names
from .scenario import find_scenario, scenario_names

DOCS = ROOT / "docs/reference/benchmarks.md"
WARM_UP_S = 1.0

MAIN = ("ack_latency", "closed_loop", "reply_latency")
"""The scenarios of the short form."""

EVERYONE = "all"
"""Stands for every peer on the command line."""


def main() -> None:
    """Measure what the arguments ask; exit with 1 if something that should have been measured was not."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started ends with us
    allow_many_files()
    options = _options()
    results = measure_all(options)
    report = Report(
        rounds=options.rounds,
        seconds=options.seconds,
        warm_up_s=WARM_UP_S,
        machine=machine(),
        peers=pinned() if set(options.peer) - {OURS} else {},
        settings=sorted(name for name in os.environ if name.startswith("TIDINGS_")),
        results=results,
    )
    print(tables(report.results))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    if options.write_docs:
        DOCS.write_text(page(report))
    sys.exit(any(result.failures for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and print a table.")
    parser.add_argument(
        "scenario",
        nargs="*",
        help=f"of {', '.join(scenario_names())}; default: all that do not take minutes",
    )
    parser.add_argument(
        "--peer", action="append", choices=[*peer_names(), EVERYONE], help="what to measure; default: tidings"
    )
    parser.add_argument("--rounds", type=int, help="default: 5")
    parser.add_argument("--seconds", type=float, help="of each case in each round; default: 8")
    parser.add_argument("--count", type=int, help="jobs, where a scenario takes a number of them")
    parser.add_argument("--short", action="store_true", help=f"3 rounds of 4 seconds, by default of {', '.join(MAIN)}")
    parser.add_argument("--json", type=Path, help="write every round there")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCS.relative_to(ROOT)}")
    options = parser.parse_args()
    for name in options.scenario:
        if name not in scenario_names():
            parser.error(f"no scenario {name!r}; there are: {', '.join(scenario_names())}")
    usual = MAIN if options.short else [name for name in scenario_names() if not find_scenario(name).long]
    options.scenario = options.scenario or usual
    options.peer = peer_names() if EVERYONE in (options.peer or []) else options.peer or [OURS]
    options.rounds = options.rounds or (3 if options.short else 5)
    options.seconds = options.seconds or (4.0 if options.short else 8.0)
    return options


class _Found:
    """What has been found of one scenario on one peer."""

    def __init__(self, peer: str, scenario: str) -> None:
        self.lacks = find_peer(peer).lacks.get(scenario, "")
        self._peer = peer
        self._scenario = scenario
        self._cases: dict[str, list[Round]] = {}
        self._failures: list[str] = []

    def measure(self, options: argparse.Namespace) -> str:
        """Measure a round, on the system as it starts; return a line that tells what was found.

        One that fails does not spoil the rest, which may have taken an hour.
        """
        try:
            with find_peer(self._peer).running() as system:
                found = measure(system, self._scenario, WARM_UP_S, options.seconds, options.count)
        except (RuntimeError, OSError) as error:
            self._failures.append(str(error))
            return f"failed: {error}"
        for case, one in found.items():
            self._cases.setdefault(case, []).append(one)
        return "; ".join(
            f"{f'{case}: ' if case else ''}{one.jobs_per_s:,.0f} jobs/s, others busy {one.others_busy:.0%}"
            for case, one in found.items()
        )

    def results(self) -> Iterator[Result]:
        """Yield the results; one without figures if there are none."""
        for case, rounds in self._cases.items():
            yield Result(
                peer=self._peer,
                scenario=self._scenario,
                case=case,
                rounds=rounds,
                median=median_of(rounds),
                failures=self._failures,
            )
        if not self._cases:
            yield Result(
                peer=self._peer,
                scenario=self._scenario,
                rounds=[],
                median=None,
                lacks=self.lacks,
                failures=self._failures,
            )


def measure_all(options: argparse.Namespace) -> list[Result]:
    """Measure everything once a round, so that a noisy minute does not fall on one alone.

    Each peer starts anew for each scenario, so that none runs beside another, and none is fuller than another.
    """
    found = {(peer, name): _Found(peer, name) for name in options.scenario for peer in options.peer}
    for number in range(options.rounds):
        for (peer, name), one in found.items():
            if not one.lacks:
                print(f"round {number + 1}, {peer}, {name}: {one.measure(options)}", flush=True)
    return [result for one in found.values() for result in one.results()]


if __name__ == "__main__":
    main()
