"""`python -m bench.queue [SCENARIO…]`: measure queues without a socket, and print the tables."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.machine import machine
from bench.peer import find_peer, peer_names
from bench.system import ROOT

from .measure import measure
from .page import page, tables
from .result import Report, Result, Round, median_of
from .scenario import SCENARIOS

DOCS = ROOT / "docs/reference/benchmarks-peers.md"


def main() -> None:
    """Measure what the arguments ask."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started ends with us
    options = _options()
    amounts = {name: SCENARIOS[name].short if options.short else SCENARIOS[name].amount for name in options.scenario}
    rounds = options.rounds or (3 if options.short else 5)
    report = Report(rounds=rounds, machine=machine(), results=_measure(options.peer, amounts, rounds))
    print(tables(report.results))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    if options.write_docs:
        DOCS.write_text(page(report))


def _options() -> argparse.Namespace:
    queues = [name for name in peer_names() if find_peer(name).alone]
    parser = argparse.ArgumentParser(prog="python -m bench.queue", description="Measure queues without a socket.")
    parser.add_argument("scenario", nargs="*", help=f"default: all of {', '.join(SCENARIOS)}")
    parser.add_argument("--peer", action="append", choices=queues, help="what to measure; default: all")
    parser.add_argument("--rounds", type=int, help="default: 5")
    parser.add_argument("--short", action="store_true", help="3 rounds of less")
    parser.add_argument("--json", type=Path, help="write every round there")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCS.relative_to(ROOT)}")
    options = parser.parse_args()
    for name in options.scenario:
        if name not in SCENARIOS:
            parser.error(f"no scenario {name!r}; there are: {', '.join(SCENARIOS)}")
    options.scenario = options.scenario or list(SCENARIOS)
    options.peer = options.peer or queues
    return options


def _measure(peers: Sequence[str], amounts: dict[str, float], rounds: int) -> list[Result]:
    """Measure everything once a round, so that a noisy minute does not fall on one alone."""
    found: dict[tuple[str, str], list[Round]] = {(peer, name): [] for name in amounts for peer in peers}
    for number in range(rounds):
        for (peer, name), ones in found.items():
            alone = find_peer(peer).alone
            assert alone is not None, peer
            one = measure(alone, name, amounts[name])
            ones.append(one)
            print(f"round {number + 1}, {peer}, {name}: {one.jobs_per_s:,.0f} jobs/s", flush=True)
    return [
        Result(peer=peer, scenario=name, amount=amounts[name], rounds=each, median=median_of(each))
        for (peer, name), each in found.items()
    ]


if __name__ == "__main__":
    main()
