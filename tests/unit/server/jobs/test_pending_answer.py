"""An answer that the store owes: read once, called back to or awaited, and undone with the task that waits for it."""

import asyncio

import pytest

from tidings.protocol.problems import ProblemError, problem_error
from tidings.store.availability.store_errors import StoreUnavailableError
from tidings_server.jobs.pending_answer import PendingAnswer, ReplyReplacedError, result_of


@pytest.fixture
async def reply() -> "asyncio.Future[int]":
    return asyncio.get_running_loop().create_future()


def doubled(reply: "asyncio.Future[int]") -> int:
    return 2 * result_of(reply)


async def test_a_callback_gets_the_answer_in_the_turn_that_brought_the_reply(reply: "asyncio.Future[int]") -> None:
    answer = PendingAnswer("read", reply, doubled)
    got: list[int] = []
    answer.on_settled = lambda settled: got.append(settled.result())
    reply.set_result(4)
    assert got == []
    await asyncio.sleep(0)
    assert got == [8]


async def test_the_answer_follows_the_reply_that_replaced_the_first(reply: "asyncio.Future[int]") -> None:
    second: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def reading(reply: "asyncio.Future[int]") -> int:
        if result_of(reply) == 4:
            raise ReplyReplacedError(second)
        return result_of(reply)

    called, answer = PendingAnswer("submit", reply, reading), PendingAnswer("submit", reply, reading)
    settled: list[int] = []
    called.on_settled = lambda one: settled.append(one.result())
    waiting = asyncio.ensure_future(_result(answer))
    await asyncio.sleep(0)
    reply.set_result(4)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not settled
    assert not waiting.done()
    second.set_result(7)
    assert await waiting == 7
    assert settled == [7]


async def _result(answer: PendingAnswer[int]) -> int:
    return await answer


async def test_who_awaits_it_gets_the_answer_and_it_is_read_once(reply: "asyncio.Future[int]") -> None:
    read: list[int] = []

    def reading(reply: "asyncio.Future[int]") -> int:
        read.append(result_of(reply))
        return 0

    answer = PendingAnswer("read", reply, reading)
    reply.set_result(4)
    assert [await answer, await answer] == [0, 0]
    assert read == [4]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailableError("gone"), "store_unavailable"),
        (problem_error("unknown_token", "there is none"), "unknown_token"),
        (ZeroDivisionError(), "internal_error"),
    ],
)
async def test_it_fails_with_a_problem_whatever_the_reply_failed_with(
    reply: "asyncio.Future[int]", error: Exception, code: str
) -> None:
    answer = PendingAnswer("read", reply, doubled)
    reply.set_exception(error)
    with pytest.raises(ProblemError) as refused:
        await answer
    assert refused.value.code == code
    assert answer.problem is not None
    assert answer.problem.code == code


async def test_a_reply_that_cannot_be_read_fails_its_own_request(reply: "asyncio.Future[int]") -> None:
    def unreadable(reply: "asyncio.Future[int]") -> int:
        return int("many")

    answer = PendingAnswer("read", reply, unreadable)
    reply.set_result(4)
    with pytest.raises(ProblemError) as refused:
        await answer
    assert refused.value.code == "internal_error"


async def test_a_task_that_is_cancelled_cancels_the_question_and_has_its_listener_undone(
    reply: "asyncio.Future[int]",
) -> None:
    undone: list[bool] = []

    def undoing(reply: "asyncio.Future[int]") -> int:
        try:
            return result_of(reply)
        except ProblemError:
            undone.append(True)
            raise

    answer = PendingAnswer("watch", reply, undoing)

    async def wait() -> int:
        return await answer

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reply.cancelled()
    assert undone == [True]
