"""`python -m cluster.trial`: clusters that fail in one way after the other, and a table of what became of promises."""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from cluster.trial.sentinel_faults import SENTINEL_FAULTS, SentinelFault
from cluster.trial.trial import Trial, Verdict
from cluster.trial.trial_faults import FAULTS, Fault
from support.store import binary
from support.stores.cluster import running_cluster
from support.stores.sentinels import watched_store

NODE_TIMEOUT_MS = 2_000
ALL: dict[str, Fault | SentinelFault] = {**FAULTS, **SENTINEL_FAULTS}

HEAD = """\
| fault | acked | lost | of them confirmed | run twice | untold | refused, tried again | longest ack gap, s | remark |
|---|---:|---:|---:|---:|---:|---:|---|---|"""


def main() -> int:
    """Let happen what the arguments ask; return 1 if a promise was broken."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started ends with us
    parser = argparse.ArgumentParser(
        prog="python -m cluster.trial", description="Let clusters fail, and check what clients get."
    )
    parser.add_argument("--fault", action="append", choices=list(ALL), help="default: each")
    parser.add_argument("--rounds", type=int, default=1, help="of each fault; default: 1")
    parser.add_argument(
        "--node-timeout-ms",
        type=int,
        default=NODE_TIMEOUT_MS,
        help=f"and of sentinels `down-after-milliseconds`; default: {NODE_TIMEOUT_MS}",
    )
    parser.add_argument(
        "--replicated",
        action="store_true",
        help="with TIDINGS_DURABILITY=replicated and all replicas: no fault may lose anything",
    )
    options = parser.parse_args()
    print(f"{binary()}\n{HEAD}", flush=True)  # noqa: T201
    wrong = 0
    for _ in range(options.rounds):
        for name in options.fault or ALL:
            verdict = asyncio.run(run_trial(name, options.node_timeout_ms, replicated=options.replicated))
            broken = verdict.broken(loses=ALL[name].loses and not options.replicated, reruns=ALL[name].loses)
            wrong += bool(broken)
            print(row(name, verdict), flush=True)  # noqa: T201
            if (gap := max(verdict.gaps_s.values())) > ALL[name].most_gap_s:
                broken.append(f"no ack for {gap:.1f} s, at most {ALL[name].most_gap_s:g} s on a quiet machine")
            for promise in broken:
                print(f"BROKEN: {promise}", flush=True)  # noqa: T201
    return 1 if wrong else 0


async def run_trial(name: str, timeout_ms: int, *, replicated: bool) -> Verdict:
    """Run one trial: on a cluster of three primaries and three replicas, or on a primary that sentinels watch."""
    with tempfile.TemporaryDirectory(prefix="tidings-cluster-") as folder:
        if name in SENTINEL_FAULTS:
            with watched_store(timeout_ms) as watched:
                behind = Trial(watched.url, Path(folder), replicas=2 * replicated)
                return await _run(behind, lambda one: SENTINEL_FAULTS[name].act(one, watched))
        with running_cluster(node_timeout_ms=timeout_ms) as cluster:
            inside = Trial(cluster.url, Path(folder), replicas=int(replicated))
            return await _run(inside, lambda one: FAULTS[name].act(one, cluster))


async def _run(trial: Trial, fault: Callable[[Trial], Awaitable[str]]) -> Verdict:
    try:
        await trial.begin()
        return await trial.run(fault)
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
