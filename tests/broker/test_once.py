"""What `ctx.once` stands on: the first record of a step, by the worker that holds the job."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from tidings.broker.gateway import GatewayStore, NewJob
from tidings.broker.keys import Keys
from tidings.broker.worker import Started, WorkerStore
from tidings.contract.token import mint


@asynccontextmanager
async def one_job(store: Redis) -> AsyncIterator[tuple[WorkerStore, str]]:
    """Have a job queued, and a worker that has not taken it."""
    async with GatewayStore(store, Keys(), "g") as gateway, WorkerStore(store, Keys(), "p", "w") as worker:
        await worker.join(["normal"])
        yield worker, (await gateway.submit("p", NewJob(mint("p").id, "k", "normal", "[]"))).id


async def start(worker: WorkerStore, *, again: bool = False) -> Started:
    """Start the job, or take it over at once."""
    taking = worker.take_over("normal", 0, 1) if again else worker.take(["normal"], 1, 1)
    (started,) = await worker.start(await taking)
    return started


async def test_the_first_record_of_a_step_stands(store: Redis) -> None:
    async with one_job(store) as (worker, job):
        fence = (await start(worker)).fence
        assert (await worker.once(job, fence, "pay", "")).value == ""
        for value in ("1", "2", ""):
            memo = await worker.once(job, fence, "pay", value)
            assert (memo.answer, memo.value) == ("ok", "1")


async def test_only_the_holder_of_the_job_records(store: Redis) -> None:
    async with one_job(store) as (worker, job):
        stale = (await start(worker)).fence
        held = (await start(worker, again=True)).fence
        assert (await worker.once(job, stale, "pay", "1")).answer == "lost"
        memo = await worker.once(job, held, "pay", "")
        assert (memo.answer, memo.value) == ("ok", "")
