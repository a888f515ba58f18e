"""How costs grow: what is added up, and what the table shows."""

import os
import subprocess
import sys

from bench.harness.system import ROOT
from bench.scale.page import table
from bench.scale.row import Axis, Row, summed


def row(amount: str, **more: str) -> Row:
    return Row(
        amount=amount,
        per_s=1234.5,
        cpu_us={"server": 10.0, "worker": 20.4, "store": 30.0},
        busy={},
        rss_mb={"server": 80.0, "worker": 81.0, "store": 9.0},
        others_busy=0.04,
        more=more,
    )


def test_several_processes_of_a_kind_count_together() -> None:
    assert summed({"server": 1.5, "server 2": 2.25, "worker": 4.0}) == {"server": 3.8, "worker": 4.0}


def test_a_row_shows_each_part_and_their_sum() -> None:
    text = table(Axis(name="queues", sentence="", thing="job", rows=[row("1"), row("2", note="twice")]))
    heading, _, first, second = text.splitlines()
    assert "jobs/s" in heading
    assert "CPU a job, µs: server + worker + store" in heading
    assert first == "| 1 | 1,234 | 10 + 20 + 30 | 60 | 80 + 81 + 9 | - | 4% |"
    assert second.endswith("| twice | 4% |")


def test_the_job_stands_in_as_many_queues_as_asked() -> None:
    program = (
        "from bench.spread import kinds; from tidings_worker.loading.loader import load_jobs;"
        "print({job.kind: job.queue for job in load_jobs(['bench/spread.py'])} == "
        "dict(zip(kinds(), ['three-steps-0', 'three-steps-1', 'three-steps-2'])))"
    )
    environment = os.environ | {"BENCH_QUEUES": "3"}
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout == "True\n"
