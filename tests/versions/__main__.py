"""`python -m versions`: rolling deploys under load for as long as one says."""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from .deploy_trial import faults_of, run_deploys


def main() -> int:
    """Run a trial; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m versions", description="Deploy again and again under load.")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        history = asyncio.run(run_deploys(Path(folder), options.seed, options.minutes * 60))
    wrong = faults_of(history)
    kinds = Counter(ended.kind for ended in history.ended.values())
    handed_on = sum(ended.handed_on for ended in history.ended.values())
    print(f"{history.deploys} deploys, {history.kills} workers killed")  # noqa: T201
    print(f"{len(history.ended)} jobs ended {dict(kinds)}, {len(history.runs)} runs, {handed_on} handed on")  # noqa: T201
    print(f"refused: {dict(history.refused)}")  # noqa: T201
    print("\n".join(wrong[:50]) or "nothing is wrong")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
