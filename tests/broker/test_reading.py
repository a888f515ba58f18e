"""Reading jobs: what the store says in one call is bounded, logs come in pages, and equal questions are one."""

import asyncio

import pytest
from redis.asyncio import Redis

from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token
from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.jobs.job_reader import PAGE_BYTES, REPLY_BYTES, ReplyRoom
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import command

KEYS = StoreKeys()
CHUNK = '"' + "x" * 1_022 + '"'
LARGE_BYTES = 65_536


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Which script said how many bytes, of all calls."""
    said: list[tuple[str, int]] = []
    make = Script.__init__

    def init(self: "Script[object]", name: str, reply: type[object]) -> None:
        make(self, name, reply)
        note(self)

    def note(script: "Script[object]") -> None:
        decode = script.decode

        def measured(data: bytes) -> object:
            said.append((script.name, len(data)))
            return decode(data)

        monkeypatch.setattr(script, "decode", measured)

    for module in ("jobs.job_store", "jobs.job_reader", "attempts.attempt_store", "saga_store"):
        found = vars(__import__(f"tidings.store.{module}", fromlist=["x"]))
        for one in found.values():
            if isinstance(one, Script):
                note(one)
    return said


async def job_with_log(store: Redis, gateway: JobStore, job: str, chunks: int, text: str = CHUNK) -> Token:
    await gateway.submit("p", NewJob(job, "k", "standard", "[]", watch=0))
    async with store.pipeline(transaction=False) as pipe:
        for number in range(1, chunks + 1):
            pipe.xadd(KEYS.log("p", job), {"at": 1, "chunk": text}, f"{number}-0")
        await pipe.execute()
    await command(store, "HSET", KEYS.job("p", job), "seq", chunks, "logged", chunks * len(text))
    return Token("p", job)


class Counted:
    """ReplyRoom that counts what is taken of it."""

    def __init__(self, *, full: bool = False) -> None:
        self.sizes: list[int] = []
        self.joined = 0
        self._full = full

    async def take(self, size: int) -> None:
        if self._full:
            raise problem_error("rate_limited", "no room")
        self.sizes.append(size)

    def join(self, other: ReplyRoom) -> None:
        self.joined += 1

    def release(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("verb", ["read", "watch"])
async def test_a_log_of_four_megabytes_comes_whole_and_in_pages(
    store: Redis, replies: list[tuple[str, int]], verb: str
) -> None:
    async with JobStore(store, KEYS, "g") as gateway:
        token = await job_with_log(store, gateway, "j", 4_096)
        room = Counted()
        for after in (0, 1, 2_000, 4_095, 4_096):
            record = await getattr(gateway, verb)(token, after, room)
            assert [seq for seq, _, _ in record.chunks] == list(range(after + 1, 4_097))
        assert len(room.sizes) == 3  # the last two are small
        assert all(4_000_000 < size < 5_000_000 for size in room.sizes)
        assert max(size for _, size in replies) < PAGE_BYTES + LARGE_BYTES
        assert sum(name == "log" for name, _ in replies) > 30


@pytest.mark.parametrize("chunk_bytes", [10, 60_000, 300_000])
async def test_pages_are_bounded_whatever_the_chunks_are(
    store: Redis, replies: list[tuple[str, int]], chunk_bytes: int
) -> None:
    async with JobStore(store, KEYS, "g") as gateway:
        token = await job_with_log(store, gateway, "j", 2_000_000 // chunk_bytes // 4, '"' + "x" * chunk_bytes + '"')
        record = await gateway.read(token, 0)
        assert len(record.chunks) == 2_000_000 // chunk_bytes // 4
        assert max(size for _, size in replies) < max(PAGE_BYTES, chunk_bytes) + LARGE_BYTES


async def test_a_batch_of_questions_is_answered_in_replies_of_bounded_size(
    store: Redis, replies: list[tuple[str, int]]
) -> None:
    async with JobStore(store, KEYS, "g") as gateway:
        for number in range(60):
            await job_with_log(store, gateway, f"j{number}", 55)
        replies.clear()
        records = await asyncio.gather(*(gateway.watch(Token("p", f"j{number}"), 0) for number in range(60)))
        assert [len(one.chunks) for one in records] == [55] * 60
        assert 3 < len(replies) < 10
        assert max(size for _, size in replies) < REPLY_BYTES + 2 * LARGE_BYTES
        watching = [await command(store, "HGET", KEYS.job("p", f"j{number}"), "watchers") for number in range(60)]
        assert watching == [b"g"] * 60


async def test_a_watch_that_ends_is_obeyed_in_order_though_the_answers_before_it_were_many(store: Redis) -> None:
    async with JobStore(store, KEYS, "g") as gateway:
        for number in range(60):
            await job_with_log(store, gateway, f"j{number}", 55)
        asked = [gateway.watch(Token("p", f"j{number}"), 0) for number in range(60)]
        ended = [gateway.unwatch(Token("p", f"j{number}")) for number in range(60)]
        await asyncio.gather(*asked, *ended)
        assert [await command(store, "HGET", KEYS.job("p", f"j{n}"), "watchers") for n in (0, 59)] == [None, None]


async def test_results_that_are_large_are_read_one_at_a_time(store: Redis, replies: list[tuple[str, int]]) -> None:
    async with JobStore(store, KEYS, "g") as gateway:
        for number in range(8):
            await gateway.submit("p", NewJob(f"j{number}", "k", "standard", "[]"))
            await command(store, "HSET", KEYS.job("p", f"j{number}"), "result", '"' + "x" * 1_000_000 + '"')
        room = Counted()
        records = await asyncio.gather(*(gateway.read(Token("p", f"j{number}"), 0, room) for number in range(8)))
        assert all(len(one.result_json) == 1_000_002 for one in records)
        assert len(room.sizes) == 8
        assert max(size for _, size in replies) < REPLY_BYTES + LARGE_BYTES


async def test_equal_questions_of_one_turn_are_one_question_to_the_store(
    store: Redis, replies: list[tuple[str, int]]
) -> None:
    async with JobStore(store, KEYS, "g") as gateway:
        small, large = await job_with_log(store, gateway, "s", 1), await job_with_log(store, gateway, "l", 200)
        replies.clear()
        first = await asyncio.gather(*(gateway.read(small) for _ in range(300)))
        assert len({id(one) for one in first}) == 1
        assert len(replies) == 1
        replies.clear()
        room = Counted()
        second = await asyncio.gather(*(gateway.read(large, 0, room) for _ in range(300)))
        assert len({id(one) for one in second}) == 1
        assert (len(room.sizes), room.joined, len(replies)) == (1, 299, 2)


async def test_one_of_several_who_asked_the_same_may_leave(store: Redis) -> None:
    async with JobStore(store, KEYS, "g") as gateway:
        token = await job_with_log(store, gateway, "j", 200)
        asked = [gateway.read(token) for _ in range(3)]
        asked[0].cancel()
        assert [len((await one).chunks) for one in asked[1:]] == [200, 200]


async def test_where_there_is_no_room_the_question_fails_and_the_job_is_not_watched(store: Redis) -> None:
    async with JobStore(store, KEYS, "g") as gateway:
        token = await job_with_log(store, gateway, "j", 200)
        for ask in (gateway.read, gateway.watch):
            with pytest.raises(ProblemError, match="no room"):
                await ask(token, 0, Counted(full=True))
        assert await command(store, "HGET", KEYS.job("p", "j"), "watchers") is None


async def test_a_journal_of_megabytes_is_shown_without_being_read(store: Redis, replies: list[tuple[str, int]]) -> None:
    async with JobStore(store, KEYS, "g") as gateway:
        token = await job_with_log(store, gateway, "j", 1)
        head = '{"status":"succeeded","name":"s","type":"step","began":1}'
        for number in range(1, 9):
            path = str(number)
            fields = (path, head, f"{path}:in", "1", f"{path}:out", '"' + "x" * 1_000_000 + '"')
            await command(store, "HSET", KEYS.steps("p", "j"), *fields)
        await command(store, "HSET", KEYS.job("p", "j"), "saga", 1, "steps_bytes", 8_000_000)
        record = await gateway.read(token)
        assert [(one.input, one.outcome, one.cut) for one in record.steps] == [("1", "", 1_000_002)] * 8
        assert max(size for _, size in replies) < LARGE_BYTES


async def test_what_is_due_at_the_same_moment_moves_in_bounded_parts(store: Redis) -> None:
    async with JobStore(store, KEYS, "g") as gateway, AttemptStore(store, KEYS, "p", "w") as worker:
        await worker.join(["standard"])
        for number in range(12):
            await gateway.submit("p", NewJob(f"j{number}", "k", "standard", "x" * 1_000_000, delay_ms=60_000))
            await command(store, "ZADD", KEYS.scheduled("p"), 1, f"j{number}")
        moved = [(await worker.promote())[0] for _ in range(3)]
        assert sum(moved) == 12
        assert max(moved) <= 6
        assert len(await worker.take(["standard"], 12, 1)) == 12
        taken = [len(await worker.take_over("standard", 0, 12)) for _ in range(2)]
        assert max(taken) <= 8
