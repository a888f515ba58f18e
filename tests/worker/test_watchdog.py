"""A loop that a handler blocks: its worker keeps its jobs, says by what it is blocked, and not for ever."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from support.handlers.places import blocking_kinds
from support.peer import peer
from support.system import Process, System, running_system
from support.timeouts import scaled
from support.waiting import until
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command, open_store

LEASE_S = min(scaled(1.5), 6.0)
"""A worker that another process keeps from running loses its leases as well."""

QUICK = {"TIDINGS_LEASE_S": str(LEASE_S), "TIDINGS_HEARTBEAT_S": str(LEASE_S / 5)}
KINDS = str(Path(str(blocking_kinds.__file__)))


@contextmanager
def running_pair(**environment: str) -> Iterator[tuple[System, Callable[[], Process]]]:
    """Run a system with one worker, and what adds the other."""
    with running_system(servers=0, workers=0) as system:
        system.add_worker(KINDS, **QUICK, **environment)
        system.add_server()
        yield system, lambda: system.add_worker(KINDS, **QUICK, **environment)


def lines(worker: Process, event: str) -> list[dict[str, Any]]:
    """Return what a worker has logged under a name."""
    said = (json.loads(line) for line in worker.text().splitlines() if line.startswith("{"))
    return [line for line in said if line["event"] == event]


BLOCKING = {
    "block_by_computing": "compute_without_await",
    "block_past_its_limit": "sleep_without_await",
    "block_in_a_step": "sleep_without_await",
}


@pytest.mark.parametrize("kind", BLOCKING)
async def test_a_handler_that_blocks_the_loop_for_longer_than_a_lease_keeps_its_worker_s_jobs_and_is_named(
    tmp_path: Path, kind: str
) -> None:
    aside, path = tmp_path / "aside", tmp_path / "go"
    with running_pair() as (system, add_worker):
        (worker,) = system.workers
        async with peer(system.server.socket_url) as client, httpx.AsyncClient(base_url=system.server.url) as http:
            innocent = (await client.submit("bystander", {"path": str(aside)}))["token"]
            until(Path(str(aside) + ".runs").exists)
            token = (await client.submit(kind, {"path": str(path)}))["token"]
            until(Path(str(path) + ".runs").exists)
            other = add_worker()
            until(lambda: bool(lines(worker, "loop_blocked")), worker.text)
            await anyio.sleep(2 * LEASE_S)  # the other worker takes over what nobody keeps
            path.touch()
            aside.touch()
            until(lambda: bool(lines(worker, "loop_unblocked")), worker.text)
            assert await client.ends(token, innocent) == {token: "succeeded", innocent: "succeeded"}
            for one in (token, innocent):
                snapshot = (await http.get(f"/v1/jobs/{one}")).json()
                assert (snapshot["attempt"], snapshot["result"]) == (1, "ended"), snapshot
        assert Path(str(path) + ".runs").read_text() == "x"
        assert Path(str(aside) + ".runs").read_text() == "x"
        (blocked,) = lines(worker, "loop_blocked")
        if kind != "block_in_a_step":  # Python 3.11 does not say whose such a task is
            assert (blocked["kind"], blocked["token"], blocked["attempt"]) == (kind, token, 1)
        assert BLOCKING[kind] in blocked["where"]
        assert f"in {BLOCKING[kind]}" in blocked["stack"]
        assert blocked["seconds"] >= round(float(QUICK["TIDINGS_HEARTBEAT_S"]), 1)  # as the log rounds it
        (unblocked,) = lines(worker, "loop_unblocked")
        assert unblocked["seconds"] >= round(LEASE_S, 1)  # the log rounds to tenths
        assert "taken_over" not in other.text()


async def test_what_a_handler_has_done_when_the_loop_turns_again_stands_though_it_should_have_stopped(
    tmp_path: Path,
) -> None:
    path = tmp_path / "go"
    with running_pair() as (system, _):
        (worker,) = system.workers
        async with peer(system.server.socket_url) as client:
            token = (await client.submit("block_by_computing", {"path": str(path)}))["token"]
            until(Path(str(path) + ".runs").exists)
            until(lambda: bool(lines(worker, "loop_blocked")), worker.text)
            assert (await client.ask("cancel", token=token))["type"] == "done"
            await anyio.sleep(LEASE_S)  # the watchdog hears of the wish, and can do nothing about it
            path.touch()
            assert (await client.until(token))[-1]["data"] == {"result": "ended"}
            assert (await client.run("bystander", {"path": str(path)}))[-1]["event"] == "succeeded"
        assert "attempt_lost" not in worker.text()


async def test_a_loop_that_stays_blocked_loses_its_jobs_and_the_problem_says_why(tmp_path: Path) -> None:
    path = tmp_path / "go"
    with running_pair(TIDINGS_BLOCKED_S="1") as (system, add_worker):
        (worker,) = system.workers
        async with peer(system.server.socket_url) as client:
            token = (await client.submit("block_for_ever", {"path": str(path)}))["token"]
            until(Path(str(path) + ".runs").exists)
            add_worker()
            problem = (await client.until(token))[-1]["data"]["problem"]
            assert problem["code"] == "worker_lost"
            for words in ("1 workers were lost", "attempt 1", "blocked", "its own handler", "sleep_without_await"):
                assert words in problem["detail"], problem
            assert "Traceback" not in problem["detail"]
            assert lines(worker, "loop_given_up")
            letters = await dead_letters(system)
            assert any("in sleep_without_await" in letter for letter in letters), letters
            path.touch()
            until(lambda: bool(lines(worker, "loop_unblocked")), worker.text)
        assert Path(str(path) + ".runs").read_text() == "x"


async def dead_letters(system: System) -> list[str]:
    """Return what lies in the dead letters, as text."""
    store = open_store(system.store.url)
    try:
        found = await command(store, "XRANGE", StoreKeys().dead("default"), "-", "+")
    finally:
        await store.aclose()
    return [repr(fields) for _, fields in found]


async def test_a_worker_that_was_stopped_is_not_taken_for_one_whose_loop_is_blocked(tmp_path: Path) -> None:
    path = tmp_path / "go"
    with running_pair() as (system, _):
        (worker,) = system.workers
        async with peer(system.server.socket_url) as client:
            token = (await client.submit("bystander", {"path": str(path)}))["token"]
            until(Path(str(path) + ".runs").exists)
            worker.signal(signal.SIGSTOP)
            await anyio.sleep(LEASE_S)
            worker.signal(signal.SIGCONT)
            path.touch()
            assert await client.ends(token) == {token: "succeeded"}
        assert not lines(worker, "loop_blocked")
