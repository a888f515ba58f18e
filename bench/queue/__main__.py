"""`python -m bench.queue [SCENARIO…]`: measure queues without a socket, and print the tables."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.harness.machine import machine, pinned
from bench.harness.system import ROOT
from bench.peer import find_peer, peer_names

from .measure import measure
from .page import page, tables
from .result import Report, Result, median_of
from .scenario import SCENARIOS

DOCS = ROOT / "docs/reference/benchmarks-peers.md"


def main() -> None:
    """Measure what the arguments ask."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started ends with us
    options = _options()
    amounts = {name: SCENARIOS[name].short if options.short else SCENARIOS[name].amount for name in options.scenario}
    rounds = options.rounds or (3 if options.short else 5)
    results = _measure(options.peer, amounts, rounds)
    report = Report(rounds=rounds, machine=machine(), peers=pinned(), results=results)
    print(tables(report.results))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    if options.write_docs:
        DOCS.write_text(page(report))
    sys.exit(any(result.failures for result in results))


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
    results = [
        Result(peer=peer, scenario=name, amount=amount, rounds=[], median=None)
        for name, amount in amounts.items()
        for peer in peers
    ]
    for number in range(rounds):
        for result in results:
            said = _measure_once(result)
            print(f"round {number + 1}, {result.peer}, {result.scenario}: {said}", flush=True)
    for result in results:
        result.median = median_of(result.rounds) if result.rounds else None
    return results


def _measure_once(result: Result) -> str:
    """Add a round to a result, or its failure; return what to say of it."""
    alone = find_peer(result.peer).alone
    assert alone is not None, result.peer
    try:
        one = measure(alone, result.scenario, result.amount)
    except (RuntimeError, OSError) as error:  # so that one system's bad day does not end the others'
        result.failures.append(str(error))
        return str(error)
    result.rounds.append(one)
    return f"{one.jobs_per_s:,.0f} jobs/s"


if __name__ == "__main__":
    main()
