"""The short way of hot calls: each answer to whom it belongs, whatever happens to the connection."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import hiredis
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from support.store import DATABASES, StoreProcess, one_store, running_store
from support.timeouts import scaled
from support.waiting import until_async
from support.wire.spoken import Line, Spoken, speaking
from tidings.process.port import free_port
from tidings.store.availability.store_errors import (
    CommandDeniedError,
    ScriptError,
    ScriptUnknownError,
    StoreClosedError,
    StoreDemotedError,
    StoreFullError,
    StoreUnavailableError,
    refusal,
)
from tidings.store.availability.store_health import StoreHealth, log_nothing
from tidings.store.embedded.embedded_store import EmbeddedStore
from tidings.store.redis.command_pool import CommandPool
from tidings.store.redis.pipelined_connection import PendingCommand, PipelinedConnection
from tidings.store.redis.script import Script
from tidings.store.redis.store_client import Store, open_store
from tidings_cli.lab.proxy import running_proxy


class Told(StoreHealth):
    """A health that keeps what it hears."""

    def __init__(self) -> None:
        super().__init__(tell=log_nothing)
        self.fates: list[str] = []

    def answered(self, call: tuple[Any, ...]) -> None:
        if call:
            self.fates.append(f"{call[1]} answered")
        super().answered(call)

    def failed(self, call: tuple[Any, ...], error: Any) -> None:
        self.fates.append(f"{call[1]} {type(error).__name__}")
        super().failed(call, error)


@asynccontextmanager
async def caller_of(
    say: Callable[[Line, list[bytes]], None], timeout: float = 10
) -> AsyncIterator[tuple[CommandPool, Spoken, Told]]:
    told = Told()
    async with speaking(say) as spoken:
        store = open_store(spoken.url, timeout=timeout, health=told)
        yield store.caller, spoken, told
        await store.aclose()


def echo(line: Line, command: list[bytes]) -> None:
    line.write(b"$%d\r\n%b\r\n" % (len(command[1]), command[1]))


def nothing(_line: Line, _command: list[bytes]) -> None:
    pass


async def outcome(answer: "asyncio.Future[Any]") -> Any:
    async with asyncio.timeout(scaled(10)):
        try:
            return await answer
        except StoreUnavailableError as error:
            return type(error)


async def test_calls_share_one_connection_and_are_answered_in_their_order() -> None:
    async with caller_of(echo) as (caller, spoken, told):
        answers = [caller.ask("ECHO", str(number)) for number in range(100)]
        assert await asyncio.gather(*answers) == [str(number).encode() for number in range(100)]
        assert len(spoken.lines) == 1
        assert told.fates == [f"{number} answered" for number in range(100)]


async def test_nothing_waits_for_the_answer_before_it() -> None:
    async with caller_of(nothing) as (caller, spoken, _):
        answers = [caller.ask("ECHO", str(number)) for number in range(3)]
        await spoken.until(3)
        spoken.lines[0].write(b":1\r\n:2\r\n:3\r\n")
        assert await asyncio.gather(*answers) == [1, 2, 3]


async def test_an_error_amid_answers_is_one_call_s() -> None:
    def say(line: Line, command: list[bytes]) -> None:
        line.write(b"-OOM no memory\r\n" if command[1] == b"1" else b"+OK\r\n")

    async with caller_of(say) as (caller, _, told):
        answers = [caller.ask("ECHO", str(number)) for number in range(3)]
        assert await answers[0] == b"OK"
        with pytest.raises(StoreFullError, match="OOM no memory"):
            await answers[1]
        assert await answers[2] == b"OK"
        assert told.fates == ["0 answered", "1 StoreFullError", "2 answered"]


async def test_a_cancelled_waiter_shifts_no_answers() -> None:
    async with caller_of(nothing) as (caller, spoken, _):
        answers = [caller.ask("ECHO", str(number)) for number in range(3)]
        await spoken.until(3)
        answers[1].cancel()
        spoken.lines[0].write(b":1\r\n:2\r\n:3\r\n")
        assert [await answers[0], await answers[2]] == [1, 3]


async def test_a_call_whose_caller_left_before_there_was_a_connection_is_not_sent() -> None:
    async with caller_of(echo) as (caller, spoken, _):
        unwanted, wanted = caller.ask("ECHO", "unwanted"), caller.ask("ECHO", "wanted")
        unwanted.cancel()
        assert await wanted == b"wanted"
        assert spoken.lines[0].commands == [[b"ECHO", b"wanted"]]


async def test_a_late_answer_goes_to_no_caller() -> None:
    def say(line: Line, command: list[bytes]) -> None:
        if line.number > 1:
            echo(line, command)

    async with caller_of(say, timeout=0.2) as (caller, spoken, told):
        first, second = caller.ask("ECHO", "first"), caller.ask("ECHO", "second")
        with pytest.raises(StoreUnavailableError, match=r"did not answer within 0\.2 s"):
            await first
        assert await outcome(second) is StoreUnavailableError
        spoken.lines[0].write(b"$5\r\nfirst\r\n")
        assert await caller.ask("ECHO", "third") == b"third"
        await spoken.lines[0].end()
        assert told.fates == ["first StoreUnavailableError", "second StoreUnavailableError", "third answered"]


async def test_the_time_of_a_call_begins_with_it() -> None:
    async with caller_of(nothing, timeout=0.4) as (caller, spoken, _):
        loop = asyncio.get_running_loop()
        first = caller.ask("ECHO", "first")
        await spoken.until(1)
        await anyio.sleep(0.2)
        second, sent = caller.ask("ECHO", "second"), loop.time()
        spoken.lines[0].write(b":1\r\n")
        assert await first == 1
        assert await outcome(second) is StoreUnavailableError
        assert 0.35 < loop.time() - sent < 5


async def test_a_connection_that_ends_within_an_answer_fails_that_and_what_follows() -> None:
    def say(line: Line, command: list[bytes]) -> None:
        if line.number > 1:
            echo(line, command)
        elif command[1] == b"2":
            line.write(b"$1\r\n0\r\n$5\r\nhal")
            line.close()

    async with caller_of(say) as (caller, _, told):
        answers = [caller.ask("ECHO", str(number)) for number in range(3)]
        assert [await outcome(answer) for answer in answers] == [b"0", StoreUnavailableError, StoreUnavailableError]
        assert await caller.ask("ECHO", "again") == b"again"
        assert told.fates[-3:] == ["1 StoreUnavailableError", "2 StoreUnavailableError", "again answered"]


async def test_what_is_no_answer_ends_the_connection() -> None:
    async with caller_of(lambda line, _: line.write(b"HTTP/1.1 400 Bad Request\r\n")) as (caller, spoken, _):
        assert await outcome(caller.ask("ECHO", "1")) is StoreUnavailableError
        await spoken.lines[0].end()


async def test_an_answer_to_no_call_ends_the_connection() -> None:
    async with caller_of(lambda line, _: line.write(b":1\r\n:2\r\n")) as (caller, spoken, _):
        assert await caller.ask("ECHO", "1") == 1
        await spoken.lines[0].end()


async def test_a_huge_answer_arrives_whole() -> None:
    size = 20_000_000
    async with caller_of(lambda line, _: line.write(b"$%d\r\n%b\r\n" % (size, b"x" * size))) as (caller, _, _):
        assert await caller.ask("ECHO", "1") == b"x" * size


async def test_a_waiting_command_holds_up_no_other() -> None:
    def say(line: Line, command: list[bytes]) -> None:
        if command[0] == b"ECHO":
            echo(line, command)

    async with caller_of(say) as (caller, spoken, _):
        waiting = asyncio.create_task(caller.wait("XREADGROUP", "1"))
        await spoken.until(1)
        assert await caller.ask("ECHO", "1") == b"1"
        line = next(line for line in spoken.lines if line.commands[0][0] == b"XREADGROUP")
        line.write(b"*-1\r\n")
        assert await waiting is None
        again = asyncio.create_task(caller.wait("XREADGROUP", "2"))
        await spoken.until(3)
        assert len(line.commands) == 2  # its connection is used again
        line.write(b"*-1\r\n")
        await again


async def test_a_caller_that_ceases_to_wait_is_given_nothing_more() -> None:
    async with caller_of(nothing) as (caller, spoken, told):
        waiting = asyncio.create_task(caller.wait("XREADGROUP", "1"))
        await spoken.until(1)
        waiting.cancel()
        await asyncio.wait([waiting])
        await spoken.lines[0].end()
        assert told.fates == []


async def test_two_that_wait_have_two_connections() -> None:
    async with caller_of(nothing) as (caller, spoken, _):
        waiting = [asyncio.create_task(caller.wait("XREADGROUP", name)) for name in "ab"]
        await spoken.until(2)
        assert len(spoken.lines) == 2
        for line in spoken.lines:
            line.write(b"$1\r\n%b\r\n" % line.commands[0][1])
        assert await asyncio.gather(*waiting) == [b"a", b"b"]


async def test_closing_fails_what_is_under_way_and_reports_no_lost_store() -> None:
    async with caller_of(nothing) as (caller, spoken, told):
        sent = caller.ask("ECHO", "1")
        await spoken.until(1)
        waiting = asyncio.create_task(caller.wait("XREADGROUP", "1"))
        await spoken.until(2)
        caller.close()
        caller.close()
        with pytest.raises(StoreClosedError):
            await sent
        await asyncio.wait([waiting], timeout=scaled(5))
        assert isinstance(waiting.exception(), StoreClosedError)
        assert told.fates == []


async def test_a_store_that_is_not_there_fails_every_call() -> None:
    told = Told()
    store = open_store(f"redis://127.0.0.1:{free_port()}/0", health=told)
    for _ in range(2):
        answers = [store.caller.ask("ECHO", str(number)) for number in range(2)]
        assert [await outcome(answer) for answer in answers] == [StoreUnavailableError] * 2
    assert told.fates == ["0 StoreUnavailableError", "1 StoreUnavailableError"] * 2
    await store.aclose()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("NOSCRIPT No matching script.", ScriptUnknownError),
        ("OOM command not allowed when used memory > 'maxmemory'.", StoreFullError),
        ("MISCONF Valkey is configured to save RDB snapshots", StoreFullError),
        ("LOADING Valkey is loading the dataset in memory", StoreUnavailableError),
        ("READONLY You can't write against a read only replica.", StoreDemotedError),
        ("MASTERDOWN Link with MASTER is down", StoreUnavailableError),
        ("BUSY Valkey is busy running a script.", StoreUnavailableError),
        ("BUSYGROUP Consumer Group name already exists", ScriptError),
        ("NOAUTH Authentication required.", StoreUnavailableError),
        ("ERR max number of clients reached", StoreUnavailableError),
        ("ERR unknown command `FCALL`, with args", CommandDeniedError),
        ("ERR Function not found", ScriptUnknownError),
        ("NOPERM User default has no permissions to run the 'fcall' command", CommandDeniedError),
        ("ILLEGAL succeeded to running", ScriptError),
    ],
)
def test_what_a_refusal_means(text: str, error: type[Exception]) -> None:
    assert type(refusal(text)) is error
    assert str(refusal(text)) == text


# Any splitting of the bytes gives the same answers.


class Nowhere:
    """A transport that takes everything: what a pipe writes is not of interest here."""

    transport = property(lambda self: self)

    def set_protocol(self, protocol: object) -> None: ...

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None: ...

    def is_closing(self) -> bool:
        return False


ANSWERS = st.recursive(
    st.one_of(st.none(), st.integers(-(2**40), 2**40), st.binary(max_size=40)),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


def encoded(answer: Any) -> bytes:
    match answer:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % answer
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(answer), answer)
        case _:
            return b"*%d\r\n" % len(answer) + b"".join(map(encoded, answer))


@given(st.lists(ANSWERS, min_size=1, max_size=6), st.lists(st.integers(0, 400)))
def test_any_split_of_the_bytes_is_read_as_the_same_answers(answers: list[Any], cuts: list[int]) -> None:
    async def read() -> list[Any]:
        async def connect() -> asyncio.StreamWriter:
            return cast("asyncio.StreamWriter", Nowhere())

        taken: list[Any] = []
        pipe = PipelinedConnection(connect, StoreHealth(tell=log_nothing), None)
        await until_async(lambda: pipe.idle, pause_s=0)
        for _ in answers:
            pipe.send(PendingCommand(("PING",), taken.append))
        data = b"".join(map(encoded, answers))
        bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        for begin, end in itertools.pairwise(bounds):
            memoryview(pipe.get_buffer(-1))[: end - begin] = data[begin:end]
            pipe.buffer_updated(end - begin)
        return taken

    assert asyncio.run(read()) == answers


# The real store.


ECHO: Script[list[str]] = Script("join", list[str])
"""A script that does no harm."""


async def test_a_store_that_has_forgotten_the_script_is_sent_its_text(store: Store) -> None:
    for _ in range(2):
        await store.execute_command("SCRIPT", "FLUSH", "SYNC")
        await asyncio.gather(*(ECHO(store, "t:{p}:", (["normal"],)) for _ in range(3)))


@one_store(DATABASES)
async def test_it_finds_its_way_to_every_kind_of_address(tmp_path: Path) -> None:
    with running_store() as process, EmbeddedStore(tmp_path) as embedded:
        process.tell("CONFIG SET requirepass secret")
        address = process.url.replace("redis://", "redis://:secret@").replace("/0", "/3")
        for url in (address, embedded.url, f"embedded:{tmp_path}"):
            store = open_store(url)
            assert await store.caller.ask("SET", "key", "value") == b"OK"
            assert await store.get("key") == b"value"  # redis-py's own connection is on the same database
            await store.aclose()
        refused = open_store(process.url)
        assert await outcome(refused.caller.ask("PING")) is StoreUnavailableError
        await refused.aclose()


async def _survive(port: int) -> None:
    async with running_proxy(port) as proxy:
        store = open_store(f"redis://127.0.0.1:{proxy.port}/0")
        assert await store.caller.ask("PING") == b"PONG"
        pipe = store.caller._connection
        assert pipe is not None
        assert pipe._transport is not None
        pipe._transport.abort()
        assert await store.caller.ask("PING") == b"PONG"  # known before it is written to
        await store.aclose()


def test_a_transport_that_is_closed_is_not_written_to(store_process: StoreProcess) -> None:
    uvloop.run(_survive(store_process.port))


def test_hiredis_packs_what_the_calls_are_made_of() -> None:
    assert hiredis.pack_command(("A", b"\xff", 1)) == b"*3\r\n$1\r\nA\r\n$1\r\n\xff\r\n$1\r\n1\r\n"  # type: ignore[arg-type]
