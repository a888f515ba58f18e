"""`python -m bench.cluster`: what a job costs the store's nodes, as a share of what it costs a store alone.

Three queues, each on a node of its own, beside the same three on one store; in rounds of one after the other, so that
what else the machine does falls on all. Of each process the CPU time for a job is taken: it depends on the load of the
machine far less than a rate does.
"""

import argparse
import os
import statistics
import sys
from unittest import mock

from bench.harness.files import allow_many_files
from bench.harness.measure import measure
from bench.harness.result import Round

from .nodes import ALONE, REPLICA, measured_system

QUEUES = 3
WARM_UP_S = 1.0
MOST_TOGETHER = 1.10
"""What all nodes that hold keys may cost, as a share of a store alone."""
MOST_OF_ONE = 0.40
"""What the busiest of three may cost."""

HEAD = """\
| store | jobs/s | nodes together, µs a job | busiest node | replicas together | worker | server |
|---|---:|---:|---:|---:|---:|---:|"""


class Cost:
    """The medians of what jobs cost, in one arrangement."""

    def __init__(self, rounds: list[Round]) -> None:
        each = [one.cpu_us_per_job for one in rounds]
        self.rate = statistics.median(one.jobs_per_s for one in rounds)
        self.together = statistics.median(sum(_of(one, ALONE)) for one in each)
        self.busiest = statistics.median(max(_of(one, ALONE)) for one in each)
        self.replicas = statistics.median(sum(_of(one, REPLICA)) for one in each)
        self.worker = statistics.median(one["worker"] for one in each)
        self.server = statistics.median(one["server"] for one in each)

    def row(self, name: str) -> str:
        """Return it as a line of the table."""
        cells = (self.rate, self.together, self.busiest, self.replicas, self.worker, self.server)
        return f"| {name} | {' | '.join(f'{cell:.0f}' for cell in cells)} |"


def _of(costs: dict[str, float], name: str) -> list[float]:
    return [cost for process, cost in costs.items() if process.split()[0] == name]


def main() -> int:
    """Measure, print, and return 1 if a cluster costs more than it may."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cluster", description="Measure a cluster beside a store alone."
    )
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each arrangement in each round; default: 8")
    options = parser.parse_args()
    allow_many_files()
    queues = [f"three-steps-{number}" for number in range(QUEUES)]
    arrangements = {
        "alone": {"clustered": False},
        "cluster": {"clustered": True},
        "cluster with replicas": {"clustered": True, "replicas": True},
    }
    rounds: dict[str, list[Round]] = {name: [] for name in arrangements}
    with mock.patch.dict(os.environ, BENCH_QUEUES=str(QUEUES)):
        for _ in range(options.rounds):
            for name, how in arrangements.items():
                with measured_system(queues, **how) as system:
                    rounds[name].append(measure(system, "queues_closed_loop", WARM_UP_S, options.seconds)[""])
    costs = {name: Cost(found) for name, found in rounds.items()}
    print("\n".join([HEAD, *(cost.row(name) for name, cost in costs.items())]))
    return report(costs["alone"], costs["cluster"])


def report(alone: Cost, cluster: Cost) -> int:
    """Print how a cluster compares; return 1 if it costs more than it may."""
    together, busiest = cluster.together / alone.together, cluster.busiest / alone.together
    print(f"nodes together: {together:.2f} of a store alone, at most {MOST_TOGETHER:.2f}")
    print(f"the busiest of {QUEUES}: {busiest:.2f} of it, at most {MOST_OF_ONE:.2f}")
    return int(together > MOST_TOGETHER or busiest > MOST_OF_ONE)


if __name__ == "__main__":
    sys.exit(main())
