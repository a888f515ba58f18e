"""Waits of tests: they end with what they are for, and say what they have seen when it does not come."""

import asyncio
from itertools import count

import pytest

from support.timeouts import VARIABLE
from support.waiting import until, until_async


@pytest.fixture(autouse=True)
def at_the_given_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")


def test_the_first_true_answer_is_returned() -> None:
    assert until(iter(["", [], "here", "later"]).__next__) == "here"


async def test_the_first_answer_that_holds_is_returned_of_plain_and_of_awaited_questions() -> None:
    numbers = count()

    async def ask() -> int:
        return next(numbers)

    assert await until_async(ask, lambda number: number > 2, pause_s=0) == 3
    assert await until_async(numbers.__next__, lambda number: number > 5, pause_s=0) == 6
    assert await until_async(iter([None, "here"]).__next__, pause_s=0) == "here"


async def test_other_tasks_run_meanwhile() -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    assert await until_async(done.is_set, pause_s=0)


async def test_what_does_not_come_is_a_failure_that_shows_the_last_answer_or_what_was_asked_for() -> None:
    with pytest.raises(AssertionError, match="half"):
        await until_async(lambda: "half", lambda answer: answer == "whole", seconds=0)
    with pytest.raises(AssertionError, match="the log"):
        await until_async(lambda: False, seconds=0, shown=lambda: "the log")


async def test_a_question_that_is_never_answered_is_a_failure_too() -> None:
    with pytest.raises(AssertionError, match="got no answer"):
        await until_async(asyncio.Event().wait, seconds=0, pause_s=0.01)
