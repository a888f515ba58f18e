"""The loop that asks the store until it answers: what ends it, and how it asks after each failure."""

from collections.abc import Iterable

import pytest

from tidings.errors import StoppedError
from tidings.protocol.problems import Problem
from tidings.store.availability.store_errors import (
    ItemError,
    ScriptError,
    StoreClosedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from tidings_worker import until_answered as module
from tidings_worker.until_answered import AttemptAsker, until_answered


class Host:
    """An attempt for which the store is asked."""

    def __init__(self) -> None:
        self.cancelled = False
        self.refused: list[str] = []

    def refuse(self, refused: Problem) -> None:
        self.cancelled = True
        self.refused.append(refused.code)


class Question:
    """What fails a few times before it is answered; remembers which tries went apart from others."""

    def __init__(self, *errors: StoreError, answers: Iterable[str] = ("ok",)) -> None:
        self.errors = list(errors)
        self.answers = list(answers)
        self.apart: list[bool] = []

    async def ask(self, apart: bool) -> str:
        self.apart.append(apart)
        if self.errors:
            raise self.errors.pop(0)
        return self.answers.pop(0)


async def test_a_store_that_is_away_or_full_is_asked_again_with_others() -> None:
    question = Question(StoreUnavailableError(), StoreFullError())
    assert await until_answered(question.ask, AttemptAsker(Host())) == "ok"
    assert question.apart == [False, False, False]


async def test_what_was_refused_in_a_batch_is_asked_apart_from_then_on() -> None:
    question = Question(ScriptError(), StoreUnavailableError())
    assert await until_answered(question.ask, AttemptAsker(Host())) == "ok"
    assert question.apart == [False, True, True]


async def test_a_record_that_cannot_be_read_though_it_was_asked_for_alone_fails_the_job() -> None:
    host, question = Host(), Question(ItemError(), ItemError())
    with pytest.raises(StoppedError):
        await until_answered(question.ask, AttemptAsker(host))
    assert question.apart == [False, True]
    assert host.refused == ["internal_error"]


async def test_a_question_that_never_travels_in_a_batch_is_asked_again_whatever_the_store_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: list[int] = []

    def no_delay(failed: int) -> float:
        failures.append(failed)
        return 0.0

    monkeypatch.setattr(module, "store_retry_delay", no_delay)
    host, question = Host(), Question(ItemError(), ItemError(), StoreUnavailableError())
    assert await until_answered(question.ask, AttemptAsker(host, batched=False)) == "ok"
    assert failures == [1, 2, 3]
    assert host.refused == []


@pytest.mark.parametrize("batched", [True, False])
async def test_a_store_that_this_process_has_closed_is_asked_no_more(batched: bool) -> None:
    question = Question(StoreClosedError())
    with pytest.raises(StoppedError):
        await until_answered(question.ask, AttemptAsker(Host(), batched=batched))
    assert question.apart == [False]


async def test_an_attempt_that_is_over_asks_nothing() -> None:
    host, question = Host(), Question()
    host.cancelled = True
    with pytest.raises(StoppedError):
        await until_answered(question.ask, AttemptAsker(host))
    assert question.apart == []


async def test_a_cancellation_ends_the_asking_after_a_failure() -> None:
    host, question = Host(), Question(StoreUnavailableError())

    async def ask(apart: bool) -> str:
        host.cancelled = True
        return await question.ask(apart)

    with pytest.raises(StoppedError):
        await until_answered(ask, AttemptAsker(host))
    assert question.apart == [False]


async def test_an_answer_that_is_not_accepted_is_asked_for_again_unless_the_attempt_stops_for_it() -> None:
    host, question = Host(), Question(answers=["not yet", "lost", "ok"])

    def accepts(answer: str) -> bool:
        host.cancelled = answer == "lost"
        return answer == "ok"

    with pytest.raises(StoppedError):
        await until_answered(question.ask, AttemptAsker(host), accepts=accepts)
    assert question.answers == ["ok"]
