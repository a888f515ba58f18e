"""Room for large answers: bounded for each caller and for all, in turn, and given back."""

import anyio
import pytest

from tidings.protocol.problems import ProblemError
from tidings_server.watch import answer_budget as module
from tidings_server.watch.answer_budget import AnswerBudget, AnswerReservation
from tidings_server.web.send.send_buffer import COALESCE_BYTES, SendBuffer
from tidings_server.websocket.commands.large_answer import LargeAnswerLock, LargeAnswerReservation


async def soon(reservation: AnswerReservation, size: int, log: list[str], name: str) -> None:
    await reservation.take(size)
    log.append(name)


async def test_a_caller_has_its_share_and_holds_up_no_other() -> None:
    answers, log = AnswerBudget(most=100, most_per_caller=40), list[str]()
    first = AnswerReservation(answers, "a")
    await first.take(30)
    async with anyio.create_task_group() as tasks:
        for name, caller in (("a2", "a"), ("a3", "a"), ("b", "b")):
            tasks.start_soon(soon, AnswerReservation(answers, caller), 20, log, name)
        await anyio.wait_all_tasks_blocked()
        assert log == ["b"]
        first.release()
        await anyio.wait_all_tasks_blocked()
        assert log == ["b", "a2", "a3"]
    assert answers.bytes == 60


async def test_all_callers_together_have_no_more_than_may_be() -> None:
    answers, log = AnswerBudget(most=100, most_per_caller=100), list[str]()
    holds = {name: AnswerReservation(answers, name) for name in "abcd"}
    async with anyio.create_task_group() as tasks:
        for name, reservation in holds.items():
            tasks.start_soon(soon, reservation, 40, log, name)
        await anyio.wait_all_tasks_blocked()
        assert (log, answers.bytes) == (["a", "b"], 80)
        holds["a"].release()
        await anyio.wait_all_tasks_blocked()
        assert log == ["a", "b", "c"]
        tasks.cancel_scope.cancel()
    for reservation in holds.values():
        reservation.release()
        reservation.release()
    assert answers.bytes == 0


async def test_one_answer_alone_may_be_larger_than_all_may_be() -> None:
    answers = AnswerBudget(most=10, most_per_caller=5)
    with anyio.fail_after(5):
        await AnswerReservation(answers, "a").take(1_000)


async def test_who_waits_too_long_or_with_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = AnswerBudget(most=10, most_per_caller=5)
    await AnswerReservation(answers, "a").take(10)
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    with pytest.raises(ProblemError, match="large answers") as refused:
        await AnswerReservation(answers, "a").take(10)
    assert (refused.value.code, refused.value.problem.retry_after) == ("rate_limited", 1.0)
    monkeypatch.setattr(module, "MAX_WAITING", 0)
    monkeypatch.setattr(module, "WAIT_S", 3600)
    with pytest.raises(ProblemError):
        await AnswerReservation(answers, "a").take(10)


async def test_those_who_share_an_answer_give_its_room_back_together() -> None:
    answers = AnswerBudget()
    first, second = AnswerReservation(answers, "a"), AnswerReservation(answers, "b")
    await first.take(10)
    second.join(first)
    first.release()
    assert answers.bytes == 10
    second.release()
    assert answers.bytes == 0


async def test_over_one_socket_the_next_large_answer_waits_until_the_last_was_read() -> None:
    answers, turn, send_buffer, log = AnswerBudget(), LargeAnswerLock(), SendBuffer[bytes](8_000_000), list[str]()
    one, two = (LargeAnswerReservation(turn, AnswerReservation(answers, "a"), send_buffer) for _ in range(2))
    await one.take(4)
    async with anyio.create_task_group() as tasks:

        async def second() -> None:
            await two.take(4)
            log.append("second")

        tasks.start_soon(second)
        send_buffer.put(b"x" * (COALESCE_BYTES + 1))
        one.told()
        await anyio.wait_all_tasks_blocked()
        assert (log, answers.bytes) == ([], 4)
        send_buffer.take_some(1_000)
        await anyio.wait_all_tasks_blocked()
        assert log == ["second"]
        turn.end()
        two.told()
    assert answers.bytes == 0


async def test_a_socket_that_ends_lets_those_who_wait_go() -> None:
    answers, turn, send_buffer = AnswerBudget(), LargeAnswerLock(), SendBuffer[bytes](8_000_000)
    one, two = (LargeAnswerReservation(turn, AnswerReservation(answers, "a"), send_buffer) for _ in range(2))
    await one.take(4)

    async def second() -> None:
        with pytest.raises(ProblemError):
            await two.take(4)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        turn.end()
    one.told()
    assert answers.bytes == 0
