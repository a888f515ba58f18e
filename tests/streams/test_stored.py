"""The streams of a job in the store: what the scripts keep, void and give to those who join."""

import random
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from streams.stored import kept, report_of, said, snapshot_of, streams_of
from support.queued import Queued, one_job
from tidings.protocol.events import EventClass
from tidings.protocol.problems import problem
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptStore, ReportLimits
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command
from tidings_worker.outcome import outcomes

PROGRESS = (EventClass.PROGRESS, "{}")


def key(job: Queued, name: str) -> str:
    """Return where a stream lies."""
    return StoreKeys().chunks("p", job.id, name)


async def test_a_snapshot_holds_what_a_watcher_lacks(store: Redis) -> None:
    async with one_job(store) as job:
        fence = (await job.start()).fence  # number 2
        reports: list[list[Any]] = [
            [said("a", 0, "x")],  # 3
            [PROGRESS, said("a", 1, "y", "z")],  # 4, 5
            [said("b", 0, {"n": 1}), said("a", 3, "ä\n")],  # 6, 7
        ]
        for number, events in enumerate(reports, start=1):
            assert await job.first.report(report_of(job, fence, number, *events)) == "ok"
        chunks = ["x", "y", "z", "ä\n"]
        for after, lacks in ((0, 0), (2, 0), (3, 1), (4, 1), (5, 3), (6, 3), (7, 4), (9, 0)):
            found = await streams_of(job, after)
            assert found["a"] == {"attempt": 1, "from": lacks, "chunks": chunks[lacks:]}, after
        assert (await streams_of(job))["b"] == {"attempt": 1, "from": 0, "chunks": [{"n": 1}]}


async def test_the_first_chunk_that_a_watcher_lacks_is_found_among_thousands(store: Redis) -> None:
    async with one_job(store) as job:
        fence = (await job.start()).fence
        seq = 2
        seen_until: dict[int, int] = {}
        chunks: list[int] = []
        events: list[Any] = []
        choose = random.Random(5)
        while len(chunks) < 3_000:
            if choose.random() < 0.2:
                events.append(PROGRESS)
            else:
                new = [len(chunks) + i for i in range(choose.choice((1, 1, 1, 2, 7, 130)))]
                events.append(said("a", len(chunks), *new))
                chunks += new
            seq += 1
            seen_until[seq] = len(chunks)
        assert await job.first.report(report_of(job, fence, 1, *events)) == "ok"
        for after in choose.sample(sorted(seen_until), 60):
            found = (await streams_of(job, after))["a"]
            assert (found["from"], found["chunks"]) == (seen_until[after], chunks[seen_until[after] :])


async def test_a_job_without_streams_has_none_in_its_snapshot(store: Redis) -> None:
    async with one_job(store) as job:
        await job.first.report(job.report((await job.start()).fence))
        assert "streams" not in await snapshot_of(job)


async def test_a_later_attempt_that_keeps_nothing_voids_what_the_earlier_said(store: Redis) -> None:
    async with one_job(store) as job:
        first = (await job.start()).fence
        await job.first.report(report_of(job, first, 1, said("a", 0, *"one"), said("b", 0, "x")))
        second = (await job.take_over()).fence
        assert (await streams_of(job))["a"]["chunks"] == [*"one"], "it counts until the later attempt speaks"
        assert await job.second.report(report_of(job, second, 1, said("a", 0, "t", attempt=2))) == "ok"
        assert await streams_of(job) == {
            "a": {"attempt": 2, "from": 0, "chunks": ["t"]},
            "b": {"attempt": 1, "from": 0, "chunks": ["x"]},
        }
        for after in range(1, 6):  # of the three events of the first attempt nothing stays
            assert (await streams_of(job, after))["a"] == {"attempt": 2, "from": 0, "chunks": ["t"]}


async def test_a_later_attempt_adopts_what_it_keeps_for_those_who_have_it_and_those_who_have_not(store: Redis) -> None:
    async with one_job(store) as job:
        first = (await job.start()).fence
        for index, letter in enumerate("abcdef"):  # 3 to 8
            await job.first.report(report_of(job, first, index + 1, said("a", index, letter)))
        second = (await job.take_over()).fence  # 9
        assert await job.second.report(report_of(job, second, 1, kept("a", 4), said("a", 4, "X", attempt=2))) == "ok"
        for after in range(2, 10):
            had = min(max(after - 2, 0), 4)
            found = (await streams_of(job, after))["a"]
            assert found == {"attempt": 2, "from": had, "chunks": [*"abcdX"][had:]}, after
        assert (await streams_of(job, 11))["a"]["from"] == 5


async def test_the_end_of_an_attempt_that_succeeds_voids_the_streams_that_it_did_not_write(store: Redis) -> None:
    async with one_job(store) as job:
        first = (await job.start()).fence
        await job.first.report(report_of(job, first, 1, said("a", 0, "x"), said("b", 0, "y")))  # 3, 4
        second = (await job.take_over()).fence  # 5
        report = report_of(job, second, 1, said("b", 0, "z", attempt=2))  # 6 reset, 7
        report.outcome = outcomes.succeeded(b'"z"')  # 8 reset, 9
        assert await job.second.report(report) == "ok"
        found = await snapshot_of(job)
        assert (found["seq"], found["status"]) == (9, "succeeded")
        assert found["streams"] == {
            "a": {"attempt": 2, "from": 0, "chunks": []},
            "b": {"attempt": 2, "from": 0, "chunks": ["z"]},
        }


@pytest.mark.parametrize(
    "outcome",
    [outcomes.failed(problem("rejected", "no")), outcomes.cancelled(), outcomes.expired()],
    ids=["failed", "cancelled", "expired"],
)
async def test_what_was_said_stays_when_a_later_attempt_ends_badly_without_a_word(
    store: Redis, outcome: AttemptOutcome
) -> None:
    async with one_job(store) as job:
        await job.first.report(report_of(job, (await job.start()).fence, 1, said("a", 0, "x")))
        report = report_of(job, (await job.take_over()).fence, 1)
        report.outcome = outcome
        assert await job.second.report(report) == "ok"
        assert await streams_of(job) == {"a": {"attempt": 1, "from": 0, "chunks": ["x"]}}


async def test_a_worker_of_an_earlier_release_leaves_no_void_stream_when_it_ends_a_job(store: Redis) -> None:
    async with one_job(store) as job:
        await job.first.report(report_of(job, (await job.start()).fence, 1, said("a", 0, "x")))
        await job.take_over()
        # Its scripts know the fields that they know, and leave the others alone.
        await command(store, "HSET", StoreKeys().job("p", job.id), "state", "succeeded", "result", "1", "finished", "1")
        assert await streams_of(job) == {"a": {"attempt": 1, "from": 0, "chunks": []}}


async def test_a_report_about_streams_that_is_sent_twice_counts_once(store: Redis) -> None:
    async with one_job(store) as job:
        report = report_of(job, (await job.start()).fence, 1, said("a", 0, "x"))
        assert [await job.first.report(report) for _ in range(2)] == ["ok", "done"]
        assert (await streams_of(job))["a"]["chunks"] == ["x"]


async def test_a_worker_that_was_taken_for_dead_adds_no_chunk(store: Redis) -> None:
    async with one_job(store) as job:
        stale = (await job.start()).fence
        await job.first.report(report_of(job, stale, 1, said("a", 0, "x")))
        await job.take_over()
        assert await job.first.report(report_of(job, stale, 2, said("a", 1, "y"))) == "lost"
        assert (await streams_of(job))["a"]["chunks"] == ["x"]


@pytest.mark.parametrize("event", [said("a", 2, "z"), said("a", 0, "z"), said("b", 1, "z"), kept("a", 2), kept("b", 1)])
async def test_an_attempt_whose_chunks_the_store_has_lost_has_lost_its_job(store: Redis, event: Any) -> None:
    async with one_job(store) as job:
        fence = (await job.start()).fence
        await job.first.report(report_of(job, fence, 1, said("a", 0, "x")))
        assert await job.first.report(report_of(job, fence, 2, said("c", 0, "y"), event)) == "lost"
        assert await streams_of(job) == {"a": {"attempt": 1, "from": 0, "chunks": ["x"]}}


async def test_the_streams_expire_with_their_job(store: Redis) -> None:
    async with one_job(store) as job:
        report = report_of(job, (await job.start()).fence, 1, said("a", 0, "x"))
        report.outcome = outcomes.succeeded(b'"x"')
        await job.first.report(report)
        assert 0 < await command(store, "PTTL", key(job, "a")) <= 86_400_000


async def test_the_streams_of_a_job_that_is_cancelled_while_it_waits_expire_too(store: Redis) -> None:
    async with one_job(store) as job:
        report = report_of(job, (await job.start()).fence, 1, said("a", 0, "x"))
        report.outcome = outcomes.handed_back()
        await job.first.report(report)
        assert await command(store, "PTTL", key(job, "a")) == -1
        await job.gateway.cancel(job.token)
        assert await command(store, "PTTL", key(job, "a")) > 0


async def test_a_stream_without_its_job_is_swept(store: Redis) -> None:
    async with one_job(store) as job:
        await job.first.report(report_of(job, (await job.start()).fence, 1, said("a.b", 0, "x")))
        await command(store, "DEL", StoreKeys().job("p", job.id))
        assert (await job.first.sweep(["standard"], ["w1", "w2"], 3600, "0")).logs == 1
        assert await command(store, "EXISTS", key(job, "a.b")) == 0


async def test_what_attempts_said_in_streams_that_none_writes_any_more_makes_room(store: Redis) -> None:
    async with AsyncExitStack() as stack:
        job = await stack.enter_async_context(one_job(store))
        small = await stack.enter_async_context(
            AttemptStore(store, StoreKeys(), "p", "w2", limits=ReportLimits(max_stream_bytes=1_000))
        )
        first = (await job.start()).fence
        await job.first.report(report_of(job, first, 1, said("a", 0, "x" * 600)))
        (entry,) = await small.take_over("standard", 0, 1)
        (started,) = await small.start([entry])
        await small.report(report_of(job, started.fence, 1, said("b", 0, "y" * 300, attempt=2)))
        assert (await streams_of(job))["a"]["chunks"] == ["x" * 600]
        await small.report(report_of(job, started.fence, 2, said("b", 1, "y" * 300, attempt=2)))
        assert await streams_of(job) == {
            "a": {"attempt": 2, "from": 0, "chunks": []},
            "b": {"attempt": 2, "from": 0, "chunks": ["y" * 300] * 2},
        }


async def test_attempts_leave_no_more_streams_than_a_job_may_have(store: Redis) -> None:
    async with one_job(store) as job:
        first = (await job.start()).fence
        await job.first.report(report_of(job, first, 1, *(said(f"s{number}", 0, "x") for number in range(32))))
        second = (await job.take_over()).fence
        await job.second.report(report_of(job, second, 1, said("t", 0, "y", attempt=2)))
        assert await streams_of(job) == {"t": {"attempt": 2, "from": 0, "chunks": ["y"]}}


async def test_a_long_answer_takes_well_under_twice_its_bytes(store: Redis) -> None:
    words = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "runs", "to", "the", "river"]
    choose = random.Random(7)
    tokens = [f" {choose.choice(words)}" for _ in range(5_000)]
    async with one_job(store) as job:
        fence = (await job.start()).fence
        for number in range(0, 5_000, 250):
            events = [
                said("a", index, tokens[index]) for index in range(number, number + 250)
            ]  # each in a turn of its own
            await job.first.report(report_of(job, fence, number // 250 + 1, *events))
        answer = len("".join(tokens).encode())
        taken = await command(store, "MEMORY", "USAGE", key(job, "a"), "SAMPLES", 0)
        assert taken < 1.75 * answer, (taken, answer)
        assert "".join((await streams_of(job))["a"]["chunks"]) == "".join(tokens)


async def test_a_long_stream_is_read_in_pages_and_whole(store: Redis) -> None:
    async with one_job(store) as job:
        fence = (await job.start()).fence
        chunks = [f"{index:05}" * 2_000 for index in range(200)]
        for index, chunk in enumerate(chunks):
            await job.first.report(report_of(job, fence, index + 1, said("a", index, chunk)))
        assert (await streams_of(job))["a"]["chunks"] == chunks
        found = (await streams_of(job, 2 + 150))["a"]
        assert (found["from"], found["chunks"]) == (150, chunks[150:])


async def test_a_record_that_says_nonsense_of_its_streams_has_none(store: Redis) -> None:
    async with one_job(store) as job:
        fence = (await job.start()).fence
        await job.first.report(report_of(job, fence, 1, said("a", 0, "x")))
        for nonsense in (b"\xc1", msgspec.msgpack.encode([[1]]), msgspec.msgpack.encode([["a", 1, 1, "many", 0, 0]])):
            await command(store, "HSET", StoreKeys().job("p", job.id), "streams", nonsense)
            assert not await streams_of(job)
        report = report_of(job, fence, 2)
        report.outcome = outcomes.succeeded(b"1")
        assert await job.first.report(report) == "ok"
