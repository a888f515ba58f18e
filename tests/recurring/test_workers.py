"""Recurring jobs with several workers, one of which dies."""

import signal
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from support.store import running_store
from support.system import System
from support.waiting import until

EVERY_S = 0.5
JOBS = f"""
import os
from tidings import Context, job

@job(every={EVERY_S})
async def beat(ctx: Context) -> None:
    file = os.open(os.environ["BEATS"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(file, (ctx.correlation_id + "\\n").encode())
    os.close(file)
"""
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_GRACE_S": "1"}


def moment(tick: str) -> float:
    return datetime.fromisoformat(tick.removeprefix("tick:")).timestamp()


def wait_for_lines(path: Path, count: int) -> list[str]:
    until(lambda: path.exists() and len(path.read_text().splitlines()) >= count, seconds=60)
    return path.read_text().splitlines()


def test_each_tick_runs_once_though_a_worker_dies_and_all_are_away_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    beats = tmp_path / "beats"
    environment = {"BEATS": str(beats), **QUICK}
    with running_store() as store:
        system = System(store)
        try:
            for _ in range(3):
                system.add_worker(str(tmp_path / "jobs.py"), **environment)
            wait_for_lines(beats, 4)
            system.workers[0].signal(signal.SIGKILL)
            before = wait_for_lines(beats, 8)
            for worker in system.workers[1:]:
                worker.signal(signal.SIGKILL)
            for worker in system.workers:
                worker.wait()
            seen = len(beats.read_text().splitlines())
            system.add_worker(str(tmp_path / "jobs.py"), **environment)
            after = wait_for_lines(beats, seen + 4)
        finally:
            system.close()
    ticks = Counter(after)
    # A worker that was killed between the run and its record runs it again: at least once, as ever.
    assert sum(count - 1 for count in ticks.values()) <= len(system.workers) - 1
    # While one worker lives, no tick is missing.
    times = sorted(moment(tick) for tick in ticks)
    alive = [at for at in times if at <= max(map(moment, before))]
    assert len(alive) >= 7
    assert {round((later - earlier) / EVERY_S) for earlier, later in pairwise(alive)} == {1}
