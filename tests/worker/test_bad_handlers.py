"""Whatever a handler does, its job has a defined outcome, and the worker serves the next one."""

import itertools
from typing import Any

import pytest

from support.handlers.bad_kinds import ERRORS, RESULTS
from support.peer import Peer
from support.system import System


@pytest.fixture(autouse=True)
async def _worker_lives_on(system: System, client: Peer) -> Any:
    yield
    (worker,) = system.workers
    assert (await client.run("fine"))[-1]["data"] == {"result": worker.process.pid}, worker.text()


async def outcome(client: Peer, kind: str, **input: Any) -> Any:
    """Return the result of a job, or its problem."""
    event = (await client.run(kind, input))[-1]
    return event["data"]["problem"] if event["event"] == "failed" else event["data"]["result"]


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("kind", ["raise_in_loop", "raise_in_thread", "raise_in_process"])
async def test_whatever_it_raises_the_job_fails(client: Peer, kind: str, name: str) -> None:
    problem = await outcome(client, kind, name=name)
    assert problem["code"] == ("rejected" if name.startswith("reject") else "handler_error")
    assert len(problem["detail"]) < 5_000


@pytest.mark.parametrize(
    "kind", ["cancel_itself", "cancel_itself_and_return", "await_what_is_cancelled", "open_a_scope", "recurse", "moody"]
)
async def test_an_end_that_no_caller_asked_for_is_the_handlers_own_error(client: Peer, kind: str) -> None:
    given = {"word": "no"} if kind == "moody" else {}
    assert (await outcome(client, kind, **given))["code"] == "handler_error"


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("kind", ["return_in_loop", "return_in_thread", "return_in_process"])
async def test_a_result_that_cannot_be_kept_fails_the_job(client: Peer, kind: str, name: str) -> None:
    code = "result_too_large" if name == "large" else "handler_error"
    assert (await outcome(client, kind, name=name))["code"] == code


async def test_it_may_block_the_loop_for_less_than_a_lease(client: Peer) -> None:
    assert await outcome(client, "block_the_loop") == 1


@pytest.mark.parametrize(
    ("kind", "then"),
    [
        ("fork_in_loop", "wait"),
        *itertools.product(["fork_in_loop", "fork_in_thread", "fork_in_process"], ["return", "speak", "raise"]),
    ],
)
async def test_a_copy_of_the_worker_ends_before_it_acts_as_one(client: Peer, kind: str, then: str) -> None:
    assert await outcome(client, kind, then=then) == 70
