"""One worker's part in it, beside a worker of an older release."""

from typing import Any

import anyio
import pytest
from redis.asyncio import Redis

from support.waiting import until_async
from tidings import job
from tidings.protocol.tokens import new_token
from tidings.store.attempts.attempt_store import AttemptStore, NextRun
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings_worker.queue import recurring
from tidings_worker.queue.recurring import Recurring

KEYS = StoreKeys()
FAR = 9_999_999_999_000


@job(name="k")
async def newer() -> None:
    """Recurs no longer."""


def run_of_older() -> NextRun:
    return NextRun("k", FAR, "every 3600000", new_token("p").id, "standard", '["k",{}]', f"tick:{FAR}")


async def ask(operation: Any, *args: Any) -> Any:
    return await operation(*args)


async def test_runs_that_an_older_release_makes_again_are_taken_back_again(
    store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurring, "CHECK_EVERY_S", 0.02)
    async with AttemptStore(store, KEYS, "p", "w") as worker, anyio.create_task_group() as tasks:
        await worker.recur([run_of_older()])
        tasks.start_soon(Recurring(worker, [newer], ask).run)
        for _ in range(3):
            await until_async(
                lambda: command(store, "EXISTS", KEYS.recurring("p")), lambda found: not found, seconds=60
            )
            assert not await command(store, "EXISTS", KEYS.scheduled("p"))
            await worker.recur([run_of_older()])
        tasks.cancel_scope.cancel()
