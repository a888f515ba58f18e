"""Coroutines that a `gather` was given and that never run: the saga closes them, or Python would warn of each."""

import asyncio
import gc
import inspect
from collections.abc import Coroutine
from typing import Any

import pytest

from saga.stand_in import StandInHost, saga_of
from support.waiting import until_async
from tidings.saga.orchestrator import key_of_step
from tidings.saga.step_errors import SagaUseError
from tidings_worker.saga.saga import Saga


class Handler:
    """A handler with one branch that must not begin."""

    def __init__(self) -> None:
        self.host = StandInHost()
        self.saga: Saga = saga_of(self.host)
        self.branch: Coroutine[Any, Any, None] = self._never()

    async def _never(self) -> None:
        raise AssertionError("the branch has begun")

    def start(self, handler: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        self.host.handler_task = asyncio.create_task(handler)
        return self.host.handler_task

    @property
    def branch_state(self) -> str:
        state = inspect.getcoroutinestate(self.branch)
        self.branch.close()  # a test that fails warns of nothing else
        return state


async def test_a_gather_inside_a_step_closes_its_branches() -> None:
    handler = Handler()
    token = key_of_step.set("inside a step")
    with pytest.raises(SagaUseError):
        handler.saga.gather((handler.branch,), False)
    key_of_step.reset(token)
    assert handler.branch_state == inspect.CORO_CLOSED


async def test_a_gather_that_another_task_awaits_closes_its_branches() -> None:
    handler = Handler()

    async def handles() -> None:
        gather: Any = handler.saga.gather((handler.branch,), False)
        with pytest.raises(SagaUseError):
            await asyncio.create_task(gather)

    await handler.start(handles())
    assert handler.branch_state == inspect.CORO_CLOSED


@pytest.mark.parametrize("nested", [False, True])
async def test_branches_that_are_cancelled_before_they_begin_are_closed(nested: bool) -> None:
    handler = Handler()

    async def handles() -> None:
        inner = handler.saga.gather((handler.branch,), False) if nested else handler.branch
        await handler.saga.gather((inner,), False)

    running = handler.start(handles())
    branches = await until_async(
        lambda: [one for one in asyncio.all_tasks() if one.get_name().startswith("branch ")], pause_s=0
    )
    for branch in branches:
        branch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert handler.branch_state == inspect.CORO_CLOSED


async def test_a_saga_that_stops_before_it_awaits_its_gather_closes_the_branches() -> None:
    handler = Handler()

    async def handles() -> None:
        gather = handler.saga.gather((handler.branch,), False)
        await asyncio.Event().wait()
        await gather

    running = handler.start(handles())
    await asyncio.sleep(0)
    handler.host.stop("waiting")
    running.cancel()
    await asyncio.wait([running])
    handler.host.handler_task = None
    del running  # with its error it holds the frame of the handler, and that the gather
    gc.collect()
    assert handler.branch_state == inspect.CORO_CLOSED


async def test_a_handler_that_forgets_to_await_its_gather_gets_pythons_warning() -> None:
    handler = Handler()

    async def handles() -> None:
        handler.saga.gather((handler.branch,), False)

    await handler.start(handles())
    assert handler.branch_state == inspect.CORO_CREATED
