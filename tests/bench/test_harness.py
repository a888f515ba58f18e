"""The harness as a whole, against a server that answers at once. What is asserted are counts, never times."""

import sys
from collections.abc import Iterator

import pytest
from bench.measure import measure
from bench.peer import find_peer, peer_names
from bench.scenario import Scenario, find_scenario, scenario_names
from bench.system import Children, System


@pytest.fixture(scope="module")
def ceiling() -> Iterator[System]:
    with find_peer("ceiling").running() as system:
        yield system


@pytest.mark.parametrize(("name", "progress"), [("closed_loop", 3), ("reply_latency", 0)])
def test_every_job_is_counted_with_its_progress_and_no_fault(ceiling: System, name: str, progress: int) -> None:
    found = measure(ceiling, name, warm_up_s=0.1, seconds=0.2)
    assert found.jobs_per_s > 0
    assert (found.progress_per_job, found.early, found.errors) == (progress, 0, 0)
    assert set(found.cpu_us_per_job) == {"server", "generator"}


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
