"""`python -m bench [SCENARIO…]`: measure, and print a table."""

import argparse
from pathlib import Path

import msgspec

from .measure import Round, measure, median_of
from .scenario import SCENARIOS
from .system import running_system
from .table import page, table

DOCS = Path(__file__).parents[1] / "docs/reference/benchmarks.md"


def main() -> None:
    """Measure what the arguments ask."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[[], *SCENARIOS], help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8, help="of each round")
    parser.add_argument("--short", action="store_true", help="three rounds of four seconds")
    parser.add_argument("--json", type=Path, help="write every round there")
    parser.add_argument("--write-docs", action="store_true", help=f"write {DOCS.name}")
    options = parser.parse_args()
    rounds, seconds = (3, 4.0) if options.short else (options.rounds, options.seconds)
    everything = _measure(options.scenario or list(SCENARIOS), rounds, seconds)
    results = {name: median_of(found) for name, found in everything.items()}
    print(table(results))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(everything)))
    if options.write_docs:
        DOCS.write_text(page(results, rounds, seconds))


def _measure(names: list[str], rounds: int, seconds: float) -> dict[str, list[Round]]:
    """Measure all scenarios in turn, round by round, so that a noisy minute does not fall on one alone."""
    found: dict[str, list[Round]] = {name: [] for name in names}
    with running_system() as system:
        for number in range(rounds):
            for name in names:
                load = SCENARIOS[name]
                one = measure(system, load.kind, load.sockets, seconds)
                found[name].append(one)
                print(f"round {number + 1}, {name}: {one.jobs_per_s:,.0f} jobs/s", flush=True)
    return found


main()
