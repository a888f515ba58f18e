"""`python -m cluster`: clusters that fail in one way after the other, and a table of what came of each promise."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from cluster.trial import Trial, Verdict
from cluster.trial_faults import FAULTS
from support.cluster import running_cluster
from support.store import binary

NODE_TIMEOUT_MS = 2_000
MOST_GAP_S = 6.0
"""How long no job of a node may be acknowledged that has died, at this node timeout, on a quiet machine."""

HEAD = """\
| fault | acked | lost | of them confirmed | run twice | untold | refused, tried again | longest ack gap, s | remark |
|---|---:|---:|---:|---:|---:|---:|---|---|"""


def main() -> int:
    """Let happen what the arguments ask; return 1 if a promise was broken."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started ends with us
    parser = argparse.ArgumentParser(prog="python -m cluster", description="Let clusters fail, and check what is told.")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="default: each")
    parser.add_argument("--rounds", type=int, default=1, help="of each fault; default: 1")
    parser.add_argument("--node-timeout-ms", type=int, default=NODE_TIMEOUT_MS, help=f"default: {NODE_TIMEOUT_MS}")
    options = parser.parse_args()
    print(f"{binary()}\n{HEAD}", flush=True)  # noqa: T201
    wrong = 0
    for _ in range(options.rounds):
        for name in options.fault or FAULTS:
            verdict = asyncio.run(run_trial(name, options.node_timeout_ms))
            broken = verdict.broken(loses=FAULTS[name].loses, reruns=FAULTS[name].loses)
            wrong += bool(broken)
            print(row(name, verdict), flush=True)  # noqa: T201
            for promise in broken:
                print(f"BROKEN: {promise}", flush=True)  # noqa: T201
    return 1 if wrong else 0


async def run_trial(name: str, node_timeout_ms: int) -> Verdict:
    """Run one trial on a cluster of three primaries and three replicas."""
    with (
        tempfile.TemporaryDirectory(prefix="tidings-cluster-") as folder,
        running_cluster(node_timeout_ms=node_timeout_ms) as cluster,
    ):
        trial = Trial(cluster.url, Path(folder))
        try:
            await trial.begin()
            return await trial.run(lambda one: FAULTS[name].act(one, cluster))
        finally:
            await trial.close()


def row(name: str, verdict: Verdict) -> str:
    """Return a verdict as a line of the table."""
    gaps = ", ".join(f"{gap:.2f}" for gap in verdict.gaps_s.values())
    cells = (
        name, verdict.acked, len(verdict.lost), len(verdict.confirmed_lost), verdict.twice, len(verdict.untold),
        verdict.refusals, gaps, verdict.remark,
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())
