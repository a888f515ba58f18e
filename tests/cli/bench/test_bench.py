"""`tidings bench` against a real server and worker."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.system import System, system_fixture, written
from support.tidings_command import run_tidings
from support.waiting import until
from tidings.process.port import free_port
from tidings.store.admin.queue_stats import QueueCount, read_queue_stats
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

JOBS = """
import asyncio
import itertools
from tidings import Context, Reject, job

numbers = itertools.count()

@job
async def nap(ctx: Context, seconds: float) -> None:
    await asyncio.sleep(seconds)

@job
async def every_other() -> None:
    if next(numbers) % 2:
        raise Reject("every other one")
"""
SLOTS = 4


system = system_fixture(written(JOBS), worker={"TIDINGS_SLOTS": str(SLOTS)})


def bench(system: System, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_tidings("bench", *arguments, TIDINGS_URL=system.server.url)


def measure(system: System, *arguments: str) -> dict[str, Any]:
    done = bench(system, *arguments, "--json", "--warm-up", "0.2")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def wait_until_nothing_runs(system: System) -> None:
    until(lambda: not any(one.running or one.waiting for one in asyncio.run(queues(system))))


async def queues(system: System) -> list[QueueCount]:
    store = open_store(system.store.url)
    try:
        return (await read_queue_stats(store, StoreKeys())).queues
    finally:
        await store.aclose()


def test_workers_at_their_limit_are_seen_to_be_and_counted(system: System) -> None:
    found = measure(system, "nap", "seconds=0.05", "--in-flight", "12", "--seconds", "1.5", "--rate", "1000")
    measured, advice = found["measured"], found["advice"]
    assert measured["success"] == 1
    assert measured["failures"] == {}
    assert measured["run"]["p50"] >= 0.049  # to the millisecond
    assert measured["total"]["p50"] >= measured["run"]["p50"] + measured["wait"]["p50"] - 0.002
    assert measured["saturated"]  # twelve for four slots
    assert measured["running"] <= SLOTS + 0.5
    assert advice["load"] >= 49  # 1000/s times 0.05 s
    assert advice["workers"] >= advice["load"] / (SLOTS + 0.5)


def test_what_is_offered_beyond_what_workers_do_grows(system: System) -> None:
    found = measure(system, "nap", "seconds=0.1", "--offer", "100", "--seconds", "1.5")["measured"]
    assert found["backlog_growth"] > 20  # four slots do 40 a second
    assert found["saturated"]
    found = measure(system, "nap", "seconds=0", "--offer", "20", "--seconds", "1.5")["measured"]
    assert (found["offered"], found["in_flight"], found["saturated"]) == (20, None, False)


def test_it_is_told_in_words(system: System) -> None:
    arguments = ("nap", "seconds=0.02", "--seconds", "1", "--in-flight", "2")
    done = bench(system, *arguments, "--rate", "100", "--objective", "p99=10ms")
    assert done.returncode == 0, done.stderr
    for words in ("2 in flight, 1 worker", "ack", "jobs a second succeeded (100.0% of what was submitted)"):
        assert words in done.stdout
    assert "For 100 jobs a second, p99 of 10 ms or less:" in done.stdout
    assert "No number of slots keeps that" in done.stdout


def test_what_fails_is_counted_by_its_code(system: System) -> None:
    found = measure(system, "every_other", "--seconds", "0.5")["measured"]
    assert list(found["failures"]) == ["rejected"]
    assert 0.3 < found["success"] < 0.7


def test_inputs_of_a_file_are_taken_in_turn(system: System, tmp_path: Path) -> None:
    (tmp_path / "inputs").write_text('{"seconds": 0.001}\n\n{"seconds": 0}\n{"seconds": 0.1}\n')
    arguments = ("--inputs", str(tmp_path / "inputs"), "--in-flight", "1", "--seconds", "1")
    found = measure(system, "nap", *arguments)["measured"]
    assert found["run"]["p50"] < 0.1 <= found["run"]["p95"]


def test_a_first_job_that_does_not_end_is_said(system: System) -> None:
    done = bench(system, "nap", "seconds=3600", "--drain", "0.5")
    assert done.returncode == 1
    assert "the first job did not end within 0.5 s: does a worker serve nap?" in done.stderr
    wait_until_nothing_runs(system)


def test_what_is_unfinished_at_the_end_is_cancelled(system: System, tmp_path: Path) -> None:
    (tmp_path / "inputs").write_text('{"seconds": 0}\n{"seconds": 3600}\n')
    arguments = ("--inputs", str(tmp_path / "inputs"), "--in-flight", "2", "--seconds", "0.5", "--drain", "1")
    found = measure(system, "nap", *arguments)["measured"]
    assert found["cancelled"] == 2  # both loops came by the long one
    wait_until_nothing_runs(system)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nap"], "the field seconds is missing (at /input/seconds)"),
        (["nip", "seconds=1"], "did you mean 'nap'?"),
        (["nap", "seconds=1", "--objective", "p99=1s"], "say with --rate how many a second"),
        (["nap", "seconds=1", "--rate", "5", "--objective", "99=1s"], "such as p99=2s or p95=300ms"),
        (["nap", "seconds=1", "--rate", "5", "--objective", "p0=1s"], "such as p99=2s or p95=300ms"),
        (["nap", "--inputs", "none"], "--inputs none: No such file"),
        (["nap", "seconds=1", "--inputs", "none"], "give fields, or --input, or --inputs, not two of them"),
        (["nap", "--input", "["], "--input takes a JSON object"),
        (["nap", "seconds=1", "--url", f"http://127.0.0.1:{free_port()}"], "is the server running"),
    ],
)
def test_a_mistake_gets_one_clear_line(system: System, arguments: list[str], says: str) -> None:
    done = bench(system, *arguments)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert says in line
    assert "Traceback" not in done.stderr
