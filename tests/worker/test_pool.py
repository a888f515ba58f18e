"""Handlers in child processes: what crosses, what kills them, and that none is left."""

import signal
from typing import Any

import psutil
import pytest

from support.peer import Peer, peer
from support.system import System
from support.waiting import until

from .conftest import LIMITS, running_bad_system

GONE_TIMEOUT_S = 20.0


def wait_until_gone(pid: int) -> None:
    """Return when a process has ended; nobody may have asked for its exit code yet."""

    def gone() -> bool:
        try:
            return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    until(gone, lambda: f"process {pid} lives", seconds=GONE_TIMEOUT_S)


async def failure(client: Peer, kind: str, **input: Any) -> dict[str, Any]:
    problem: dict[str, Any] = (await client.run(kind, input))[-1]["data"]["problem"]
    return problem


async def start_deaf(client: Peer) -> tuple[str, int]:
    """Start a handler that can only be killed; return token and process id."""
    token = (await client.submit("deaf"))["token"]
    return token, (await client.until(token, "log"))[-1]["data"]


async def test_its_context_speaks_across_the_border(client: Peer) -> None:
    ack = await client.submit("tell", correlation_id="c-1")
    events = await client.until(ack["token"])
    assert [event["data"] for event in events if event["event"] == "log"] == [0, 1, 2]
    assert [event["data"]["fraction"] for event in events if event["event"] == "progress"][-1] == 1
    assert events[-1]["data"]["result"] == {
        "token": ack["token"],
        "kind": "tell",
        "attempt": 1,
        "correlation_id": "c-1",
        "cancelled": False,
        "main": True,
    }


async def test_more_log_than_may_wait_unsent_arrives_whole_and_in_order(client: Peer) -> None:
    events = await client.run("tell", {"chunks": 60, "fat": 20_000})
    assert sum(len(event["data"]) for event in events if event["event"] == "log") == 60 * 20_000


async def test_processes_are_used_again_and_no_more_than_allowed(client: Peer) -> None:
    for _ in range(8):
        await client.send("submit", kind="process_id", input={})
    results: list[int] = []
    while len(results) < 8:
        frame = await client.receive()
        if frame["type"] == "event" and frame["event"] == "succeeded":
            results.append(frame["data"]["result"])
    assert 1 <= len(set(results)) <= int(LIMITS["TIDINGS_PROCESSES"])


async def test_an_input_that_does_not_fit_is_refused_there_too(client: Peer) -> None:
    assert (await client.run("add", {"a": 1, "b": 2}))[-1]["data"] == {"result": 3}
    assert (await client.submit("add", {"a": "x", "b": 2}))["problem"]["code"] == "invalid_input"


async def test_reject_and_retry_mean_the_same_there(client: Peer) -> None:
    problem = await failure(client, "reject_in_process")
    assert (problem["code"], problem["detail"]) == ("rejected", "too old")
    assert problem["errors"] == [{"code": "age", "data": {"years": 9}}]
    events = await client.run("retry_in_process")
    assert [event["event"] for event in events if event["event"] != "queued"][1] == "retrying"
    assert events[-1]["data"] == {"result": 2}


async def test_retry_on_holds_even_for_exceptions_that_cannot_be_copied(client: Peer) -> None:
    assert (await client.run("particular", {"wrong": False}))[-1]["data"] == {"result": 2}
    assert (await failure(client, "particular", wrong=True))["code"] == "handler_error"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("exit", "exit code 3"),
        ("segfault", "SIGSEGV"),
        ("kill", "SIGKILL"),
        ("hang up", "the process that ran the handler"),
    ],
)
async def test_a_process_that_dies_fails_the_attempt_and_the_next_job_runs(client: Peer, how: str, told: str) -> None:
    problem = await failure(client, "die", how=how)
    assert problem["code"] == "handler_error"
    assert told in problem["detail"]
    assert (await client.run("process_id"))[-1]["event"] == "succeeded"


async def test_what_a_dead_process_leaves_behind_ends_with_it(client: Peer) -> None:
    events = await client.run("leave_a_copy")
    assert "exit code 5" in events[-1]["data"]["problem"]["detail"]
    wait_until_gone(next(event["data"] for event in events if event["event"] == "log"))


async def test_a_death_is_a_failed_attempt_like_any(client: Peer) -> None:
    assert (await client.run("die_once"))[-1]["data"] == {"result": 2}


async def test_a_handler_that_does_not_hear_is_killed(client: Peer) -> None:
    token, pid = await start_deaf(client)
    await client.send("cancel", token=token)
    assert (await client.until(token))[-1]["event"] == "cancelled"
    wait_until_gone(pid)
    events = await client.run("deaf_too_long")
    assert events[-1]["data"]["problem"]["code"] == "timeout"
    wait_until_gone(next(event["data"] for event in events if event["event"] == "log"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_no_child_outlives_its_worker(number: signal.Signals) -> None:
    with running_bad_system() as system:
        await end_worker(system, number)


async def end_worker(system: System, number: signal.Signals) -> None:
    (worker,) = system.workers
    async with peer(system.server.socket_url) as client:
        _, busy = await start_deaf(client)
        idle = (await client.run("process_id"))[-1]["data"]["result"]
        assert busy != idle
        worker.signal(number)
        assert worker.wait(30) == (0 if number == signal.SIGTERM else -number), worker.text()
        wait_until_gone(busy)
        wait_until_gone(idle)
