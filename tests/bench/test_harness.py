"""The harness as a whole, against a server that answers at once. What is asserted are counts, never times."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from bench.copies.hops import HOPS
from bench.harness.measure import measure
from bench.harness.system import ROOT, Children, System, family
from bench.peer import find_peer, peer_names
from bench.scenario import Scenario, find_scenario, scenario_names

from support.timeouts import scaled


@pytest.fixture(scope="module")
def ceiling() -> Iterator[System]:
    with find_peer("ceiling").running() as system:
        yield system


@pytest.mark.parametrize(
    ("name", "progress"),
    [("closed_loop", 3), ("closed_loop_waiting", 3), ("progress_flood", 500), ("reply_latency", 0)],
)
def test_every_job_is_counted_with_its_progress_and_no_fault(ceiling: System, name: str, progress: int) -> None:
    found = measure(ceiling, name, warm_up_s=0.1, seconds=scaled(0.2))[""]
    assert found.jobs_per_s > 0
    assert (found.progress_per_job, found.early, found.errors) == (progress, 0, 0)
    assert set(found.cpu_us_per_job) == {"server", "generator"}


def test_of_a_burst_every_job_is_acknowledged_and_ends(ceiling: System) -> None:
    found = measure(ceiling, "burst", warm_up_s=0.1, seconds=0.2, count=25_003)[""]  # more than may wait for their ack
    assert (found.errors, found.early) == (0, 0)
    assert round(found.jobs_per_s * found.more["all ended, ms"] / 1e3 / 25_003, 1) == 1
    assert 0 < found.more["all acked, ms"] <= found.more["all ended, ms"]


def test_load_is_offered_at_shares_of_the_maximum(ceiling: System) -> None:
    found = measure(ceiling, "offered_load", warm_up_s=0.1, seconds=scaled(0.1))
    offered = {case: one.more["offered, jobs/s"] for case, one in found.items()}
    most = offered["90% of its maximum"] / 0.9
    assert offered == {
        f"{share}% of its maximum": pytest.approx(most * share / 100, rel=0.001) for share in (25, 50, 75, 90)
    }
    assert {one.errors for one in found.values()} == {0}


def test_a_run_is_cut_into_tenths(ceiling: System) -> None:
    found = measure(ceiling, "million", warm_up_s=0.1, seconds=0.2, count=5_000)
    assert list(found) == [f"tenth {number}" for number in range(1, 11)]
    assert {one.progress_per_job for one in found.values()} == {3}


def test_every_number_of_sockets_is_a_case(ceiling: System) -> None:
    found = measure(ceiling, "many_sockets_closed_loop", warm_up_s=0.1, seconds=0.1)
    assert list(found) == ["1 socket", "10 sockets", "100 sockets", "1000 sockets", "5000 sockets"]
    assert {one.errors for one in found.values()} == {0}


def test_each_case_is_measured_beside_what_was_asked_for(ceiling: System) -> None:
    entered: list[str] = []

    @contextmanager
    def beside() -> Iterator[None]:
        entered.append("begin")
        yield
        entered.append("end")

    measure(ceiling, "reply_latency", warm_up_s=0.1, seconds=0.1, beside=beside)
    assert entered == ["begin", "end"]


def test_the_closed_loop_over_http_counts_jobs_of_the_real_system() -> None:
    with find_peer("tidings").running() as system:
        found = measure(system, "sse_closed_loop", warm_up_s=0.1, seconds=scaled(0.1))[""]
    assert found.jobs_per_s > 0
    assert (found.early, found.errors) == (0, 0)


def test_large_values_are_counted_there_and_back() -> None:
    with find_peer("tidings").running() as system:
        found = measure(system, "large_values", warm_up_s=0.1, seconds=scaled(0.3))
    assert list(found) == ["64 KB", "1 MB"]
    for one, size in zip(found.values(), (65_536, 1_000_000), strict=True):
        assert (one.early, one.errors) == (0, 0)
        assert one.more["MB/s"] == pytest.approx(one.jobs_per_s * 2 * size / 1e6, rel=0.01)


def test_no_hop_copies_a_large_value_more_often_than_it_must() -> None:
    command = [sys.executable, "-m", "bench.copies.hops"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=scaled(30)).stdout
    found = msgspec.json.decode(said, type=dict[str, float])
    assert {name: round(copies) for name, copies in found.items()} == HOPS
    assert max(abs(copies - HOPS[name]) for name, copies in found.items()) < 0.3  # whole copies, and little else


def test_every_file_of_the_two_folders_is_found() -> None:
    assert {"ack_latency", "closed_loop", "reply_latency"} <= set(scenario_names())
    assert {"ceiling", "tidings"} <= set(peer_names())
    assert all(isinstance(find_scenario(name), Scenario) for name in scenario_names())
    assert all(find_peer(name).title for name in peer_names())


def test_a_load_generator_that_fails_is_not_waited_for(ceiling: System) -> None:
    nowhere = ceiling._replace(socket_url="ws://127.0.0.1:1/")
    with pytest.raises(RuntimeError, match="load generator failed"):
        measure(nowhere, "reply_latency", warm_up_s=0.1, seconds=0.1)


def test_a_system_that_does_not_start_says_why() -> None:
    with Children() as children:
        children.start("server", [sys.executable, "-c", "raise SystemExit('no such luck')"])
        with pytest.raises(RuntimeError, match="server: no such luck"):
            children.wait_until(lambda: False)


def test_a_program_that_is_missing_is_named_with_what_brings_it() -> None:
    with Children() as children, pytest.raises(RuntimeError, match=r"no/such is missing; `make bench-peers-setup`"):
        children.start("server", ["no/such"])


def test_a_process_stands_for_those_it_has_started() -> None:
    program = "import subprocess as s, sys; s.Popen([sys.executable, '-c', 'input()'], stdin=s.PIPE).wait()"
    with Children() as children:
        children.start("server", [sys.executable, "-c", program])
        (process,) = children.system("").processes.values()
        children.wait_until(lambda: len(family(process)) == 2)
        assert family(process)[1].ppid() == process.pid
        whole = children.system("").rss_mb()["server"]
        assert whole > process.memory_info().rss / 1e6
