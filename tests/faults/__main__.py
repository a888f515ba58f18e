"""`python -m faults`: trials for as long as one says, and a table of what they showed."""

import argparse
import asyncio
import signal
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from .orders import run_orders
from .plan import Fault, Step, make_plan
from .trial import Verdict, run_trial

CALM_S = 15.0
"""About what a trial takes beside its faults: start, peace, reading everything."""

LEAST_S = 8.0

HEAD = """\
| nemesis | faults | acked | outcomes | resubmitted | duplicates | lost | other violations | rerun after a kill |
|---|---:|---:|---:|---:|---:|---:|---:|---|"""


ORDERS_HEAD = """\
| nemesis | faults | orders | succeeded | undone | ended with nothing to undo | wrong |
|---|---:|---:|---:|---:|---:|---:|"""


def main() -> int:
    """Run what the arguments ask; return 1 if anything is wrong."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started ends with us
    options = _options()
    kinds = [*Fault, "mixed"] if options.nemesis == "all" else [options.nemesis]
    seconds = max(LEAST_S, options.minutes * 60 / len(kinds) - CALM_S)
    if options.load == "orders":
        return _sell(kinds, options.seed, seconds)
    rows, wrong = [], 0
    for kind in kinds:
        verdict = _trial(kind, options.seed, seconds)
        rows.append(_row(kind, verdict))
        wrong += len(verdict.violations)
        _say(rows[-1])
        if verdict.violations:
            _say(f"seed {options.seed}, nemesis {kind}:\n{verdict.explain()}")
            _keep(options.keep, f"{kind}-{options.seed}", verdict)
    _say("\n".join(["", HEAD, *rows]))
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description="Let things fail, and check what is told.")
    parser.add_argument("--minutes", type=float, default=10, help="in all, about; default: 10")
    parser.add_argument("--seed", type=int, default=1, help="the same makes the same plan; default: 1")
    parser.add_argument("--nemesis", default="all", choices=["all", "mixed", *Fault], help="default: each, then mixed")
    parser.add_argument("--load", default="jobs", choices=["jobs", "orders"], help="`orders`: the demo's order saga")
    parser.add_argument("--keep", type=Path, default=Path("artifacts/faults"), help="where histories that fail go")
    return parser.parse_args()


def _trial(kind: str, seed: int, seconds: float) -> Verdict:
    return asyncio.run(run_trial(seed, seconds, _plan(kind, seed, seconds)))


def _plan(kind: str, seed: int, seconds: float) -> list[Step]:
    return make_plan(seed, seconds, tuple(Fault) if kind == "mixed" else (Fault(kind),))


def _sell(kinds: Sequence[str], seed: int, seconds: float) -> int:
    rows, wrong = [], 0
    for kind in kinds:
        trial = asyncio.run(run_orders(seed, seconds, _plan(kind, seed, seconds)))
        counts, faults = trial.counts, trial.faults()
        undone = sum(count for way, count in counts.items() if way.endswith(", complete"))
        others = len(trial.orders) - counts["succeeded"] - undone
        cells = [kind, len(trial.plan), len(trial.orders), counts["succeeded"], undone, others, len(faults)]
        rows.append(f"| {' | '.join(map(str, cells))} |")
        wrong += len(faults)
        _say(rows[-1])
        if faults:
            _say(f"seed {seed}, nemesis {kind}:\n{trial.explain()}")
    _say("\n".join(["", ORDERS_HEAD, *rows]))
    return 1 if wrong else 0


def _row(kind: str, verdict: Verdict) -> str:
    reruns = verdict.rerun_s()
    rerun = f"median {statistics.median(reruns):.2f} s, longest {reruns[-1]:.2f} s, n={len(reruns)}" if reruns else ""
    duplicates, lost = verdict.count("two-jobs", "two-outcomes"), verdict.count("lost")
    cells = [
        kind, len(verdict.plan), verdict.acked, verdict.ended, verdict.resubmitted, duplicates, lost,
        len(verdict.violations) - duplicates - lost, rerun,
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _keep(folder: Path, name: str, verdict: Verdict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ndjson").write_bytes(verdict.history.lines())
    for member, text in verdict.logs.items():
        (folder / f"{name}-{member}.log").write_text(text)
    _say(f"the history and the logs are in {folder}/{name}*")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
