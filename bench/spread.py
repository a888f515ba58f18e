"""The measured job in several queues, so in several partitions: `BENCH_QUEUES` says in how many."""

import os

from bench import jobs
from tidings import Job

QUEUES = int(os.environ.get("BENCH_QUEUES", "1"))


def kinds() -> list[str]:
    """Return the kinds, each of them in a queue of its own."""
    return [f"three_steps_{queue}" for queue in range(QUEUES)]


def _in_queue(kind: str) -> Job[..., object]:
    return Job(jobs.three_steps.function, name=kind, queue=kind.replace("_", "-"))


# A worker looks for jobs among a module's names.
globals().update({kind: _in_queue(kind) for kind in kinds()})
