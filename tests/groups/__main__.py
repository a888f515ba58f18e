"""`python -m groups`: a trial of groups for as long as one says."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from .trial import check, run_trial, shown


def main() -> int:
    """Run a trial; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m groups", description="Let groups of consumers fail, and check.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        history = asyncio.run(run_trial(Path(folder), options.seed, options.minutes * 60))
    wrong = check(history)
    print(f"{len(history.acked)} jobs, {len(history.handled)} events handled, {len(history.faults)} faults")  # noqa: T201
    print(shown(history.faults))  # noqa: T201
    print("\n".join(wrong[:50]) or "nothing is wrong")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
