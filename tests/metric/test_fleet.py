"""Several servers, and processes whose clock is wrong: what they tell is the store's time, and the same."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.peer import peer
from support.scrape import Scraped, scrape, until
from support.system import System, running_system
from tidings.process.port import free_port

WRONG_S = 3600
"""How far the processes' clock is ahead."""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def system(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Two servers and a worker whose clock, as Python tells it, is an hour ahead of the store's."""
    folder = tmp_path_factory.mktemp("clock")
    (folder / "sitecustomize.py").write_text(
        f"import time\nright = time.time\ntime.time = lambda: right() + {WRONG_S}\nprint('the clock is wrong')\n"
    )
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    with running_system(2, 1, PYTHONPATH=path, TIDINGS_METRICS_PORT=str(port)) as system:
        assert all("the clock is wrong" in one.text() for one in (*system.servers, *system.workers))
        yield system


def mean(page: Scraped, name: str) -> float:
    return page.sum(f"{name}_sum") / page.sum(f"{name}_count")


def has_told(ends: float, page: Scraped) -> bool:
    return page.sum("tidings_notify_seconds_count", event="final") == ends


async def test_a_clock_that_is_an_hour_wrong_changes_nothing(system: System, port: int) -> None:
    server, worker = system.server.url + "/metrics", f"http://127.0.0.1:{port}/metrics"
    async with peer(system.server.socket_url) as client:
        await client.run("steps", {"count": 2})
        told = until(server, lambda now: now.sum("tidings_notify_seconds_count", event="final") == 1)
        done = until(worker, lambda now: now.sum("tidings_jobs_total") == 1)
        for page, name in (
            (told, "tidings_ack_seconds"),
            (told, "tidings_notify_seconds"),
            (done, "tidings_queue_wait_seconds"),
            (done, "tidings_run_seconds"),
            (done, "tidings_total_seconds"),
        ):
            assert 0 <= mean(page, name) < WRONG_S / 10, name
        # A store whose clock was not found out tells nothing, and one that was taken for ours would always tell 0. In
        # whole milliseconds, one event may take none.
        while told.sum("tidings_notify_seconds_sum") == 0:
            await client.run("steps", {"count": 2})
            told = until(server, partial(has_told, told.sum("tidings_notify_seconds_count", event="final") + 1))


async def test_servers_count_for_themselves_and_tell_the_same_of_the_store(system: System, tmp_path: Path) -> None:
    first, second = (server.url + "/metrics" for server in system.servers)
    path = tmp_path / "go"
    async with peer(system.servers[0].socket_url) as one, peer(system.servers[1].socket_url) as two:
        before = [scrape(page).sum("tidings_ack_seconds_count", kind="noop") for page in (first, second)]
        held = await one.submit("wait_for_file", {"path": str(path)})
        for client in (one, two, two):
            await client.run("noop")
        now = [until(page, lambda now: now.sum("tidings_running_jobs") == 1) for page in (first, second)]
        assert [page.sum("tidings_watches") for page in now] == [1, 0]
        until(second, lambda now: now.sum("tidings_ack_seconds_count", kind="noop") >= before[1] + 2)
        until(first, lambda now: now.sum("tidings_ack_seconds_count", kind="noop") >= before[0] + 1)
        acked = [scrape(page).sum("tidings_ack_seconds_count", kind="noop") for page in (first, second)]
        assert acked == [before[0] + 1, before[1] + 2]
        assert {page.sum("tidings_workers") for page in now} == {1}
        path.touch()
        await one.until(held["token"])
