"""What the model says of processes, beside what was measured on a quiet machine; and the arithmetic of a plan."""

import re
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.tidings_command import run_tidings
from tidings_cli.capacity import model
from tidings_cli.capacity.model import (
    SERVER_EVENT_US,
    SERVER_US,
    STORE_EVENT_US,
    STORE_US,
    WORKER_EVENT_US,
    WORKER_US,
    CapacityLoad,
    plan,
)

ROOT = Path(__file__).parents[2]
NEAR = 0.2
EVENTS = 3
"""Of a job of the benchmark."""


def load_of(**changes: Any) -> CapacityLoad:
    usual: dict[str, Any] = {
        "jobs_per_s": 1_000, "sockets": 10_000, "run_s": 0.1, "events": 3, "watchers": 1, "input_bytes": 200,
        "result_bytes": 200, "log_bytes": 0, "keyed": True, "compact": False, "result_ttl_s": 3_600,
        "dedup_window_s": 3_600, "outage_s": 600, "queues": 1, "slots": 100, "busy": 0.6,
    }  # fmt: skip
    return CapacityLoad(**(usual | changes))


def measured() -> list[tuple[float, ...]]:
    """Return the CPU of a job in server, worker and store, µs, of the rows at load of the page of benchmarks."""
    page = (ROOT / "docs/reference/benchmarks-scale.md").read_text()
    at_load = r"^\| (?:1000? sockets|1 queue|[12] \+ [12]) \|.*?\| (\d+) \+ (\d+) \+ (\d+) \|"
    rows = re.findall(at_load, page, re.MULTILINE)
    return [tuple(map(float, row)) for row in rows]


def test_a_job_costs_what_was_measured_at_load() -> None:
    rows = measured()
    assert len(rows) >= 6
    costs = (
        SERVER_US + EVENTS * SERVER_EVENT_US,
        WORKER_US + EVENTS * WORKER_EVENT_US,
        STORE_US + EVENTS * STORE_EVENT_US,
    )
    for modelled, figures in zip(costs, zip(*rows, strict=True), strict=True):
        assert modelled == pytest.approx(median(figures), rel=NEAR)


def test_a_small_load_needs_one_store_and_two_of_each_process() -> None:
    found = plan(load_of(jobs_per_s=10, sockets=100, result_ttl_s=60, dedup_window_s=60))
    assert (found.stores, found.servers, found.workers) == (1, 2, 2)
    assert found.limit.startswith("none")


def test_each_limit_is_named_when_it_is_the_first() -> None:
    assert "TIDINGS_RESULT_TTL_S" in plan(load_of(result_ttl_s=864_000)).limit
    assert "TIDINGS_DEDUP_WINDOW_S" in plan(load_of(dedup_window_s=8_640_000)).limit
    few = {"result_ttl_s": 60, "dedup_window_s": 60, "outage_s": 60}
    assert "one core" in plan(load_of(jobs_per_s=50_000, **few)).limit
    assert "sockets" in plan(load_of(sockets=200_000, **few)).limit


def test_the_time_that_is_advised_makes_results_fit() -> None:
    advised = re.search(r"TIDINGS_RESULT_TTL_S=(\d+)", plan(load_of(result_ttl_s=864_000)).limit)
    assert advised
    assert not plan(load_of(result_ttl_s=float(advised[1]))).limit.startswith("the store's memory")


def test_slots_follow_little_s_law() -> None:
    # 1,000 jobs a second of 2 s are 2,000 at a time: 20 workers of 100 slots, 34 at 60 %, and one spare.
    found = plan(load_of(run_s=2.0))
    assert found.running == 2_000
    assert found.workers == 35


@given(
    rate=st.floats(0.01, 1e6),
    sockets=st.integers(0, 10**7),
    events=st.floats(0, 1_000),
    more=st.floats(1.0, 10.0),
)
def test_more_never_needs_less(rate: float, sockets: int, events: float, more: float) -> None:
    small = plan(load_of(jobs_per_s=rate, sockets=sockets, events=events))
    large = plan(load_of(jobs_per_s=rate * more, sockets=int(sockets * more), events=events * more))
    for field in small.__struct_fields__:
        if field not in ("limit", "server_bytes", "server_files"):
            assert getattr(large, field) >= getattr(small, field) * (1 - 1e-9), field
    for one in (small, large):
        assert one.store_cores <= one.stores * 0.6 + 1e-9


def test_the_command_prints_a_plan_and_its_json() -> None:
    shown = run_tidings("capacity", "--jobs", "1000", "--sockets", "10000")
    assert shown.returncode == 0, shown.stderr
    assert "maxmemory" in shown.stdout
    assert "at 86,400 s" in shown.stdout
    told = run_tidings("capacity", "--jobs", "1000", "--json")
    assert '"stores": 1' in told.stdout


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--jobs", "0"), "--jobs is 0; allowed: above 0, at most 1e+07"),
        (("--jobs", "1", "--busy", "1"), "--busy is 1; allowed: 0.05 to 0.95"),
        (("--jobs", "1", "--result-ttl", "-1"), "--result-ttl is -1; allowed: 0 or more, at most 3.1536e+07"),
        (("--jobs", "nan"), "--jobs is nan; allowed: above 0"),
    ],
)
def test_a_number_that_makes_no_sense_is_one_line(flags: tuple[str, ...], says: str) -> None:
    done = run_tidings("capacity", *flags)
    assert done.returncode == 1
    assert done.stderr.startswith(f"tidings: {says}")


def test_the_page_has_the_numbers_of_the_model() -> None:
    page = (ROOT / "docs/explanation/capacity.md").read_text()
    for says in (
        f"λ ({STORE_US:g} + {STORE_EVENT_US:g} e) µs",
        f"λ ({SERVER_US:g} + {SERVER_EVENT_US:g} e w) µs",
        f"λ ({WORKER_US:g} + {WORKER_EVENT_US:g} e) µs",
        f"| {model.FINISHED_BYTES}; + {model.PROGRESS_BYTES} with progress",
        f"with a [compact record](../decisions/0059-compact-records.md) {model.COMPACT_BYTES} and",
        f"{model.FILE_COMPACT_BYTES:,} with a compact record",
        f"more than {model.SMALL_RESULT_BYTES} bytes + {model.LARGE_RESULT_BYTES} and {model.BLOCK_FACTOR} for",
        f"+ {model.LOG_BYTES:,} with a log",
        f"| {model.KEY_BYTES}, for `TIDINGS_DEDUP_WINDOW_S`",
        f"| {model.WAITING_BYTES} and {model.BLOCK_FACTOR} for each byte of its input",
        f"| {model.FILE_BYTES:,} + input + result + log + {model.FILE_EVENT_BYTES} e; + {model.FILE_KEY_BYTES} with",
        f"{model.SERVER_CONNECTIONS} for a server, {model.WORKER_CONNECTIONS} and one for each further queue",
        f"{model.PROCESS_BYTES / 1e6:g} MB + {model.SOCKET_BYTES / 1e3:g} KB for each socket",
        f"{model.SOCKETS_OF_A_SERVER:,} for a server",
    ):
        assert says in page, says
