"""What `ctx.once` stands on: the first record of a step, by the worker that holds the job."""

from redis.asyncio import Redis

from support.queued import one_job


async def test_the_first_record_of_a_step_stands(store: Redis) -> None:
    async with one_job(store) as job:
        fence = (await job.start()).fence
        assert (await job.first.once(job.id, fence, "pay", "")).value == ""
        for value in ("1", "2", ""):
            memo = await job.first.once(job.id, fence, "pay", value)
            assert (memo.answer, memo.value) == ("ok", "1")


async def test_only_the_holder_of_the_job_records(store: Redis) -> None:
    async with one_job(store) as job:
        stale = (await job.start()).fence
        held = (await job.take_over()).fence
        assert (await job.first.once(job.id, stale, "pay", "1")).answer == "lost"
        memo = await job.second.once(job.id, held, "pay", "")
        assert (memo.answer, memo.value) == ("ok", "")
