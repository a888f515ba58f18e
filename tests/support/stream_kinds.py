"""Kinds that write streams, for tests."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from tidings import Context, Depends, Result, Retry, SyncContext, job

WORDS = ("To ", "be, ", "or ", "not ", "to ", "be")


@job
async def words(count: int = 6, pause: float = 0) -> AsyncIterator[str]:
    """Yields words."""
    for index in range(count):
        if pause:
            await asyncio.sleep(pause)
        yield WORDS[index % len(WORDS)]


@job
def words_in_thread(count: int = 6) -> Iterator[str]:
    """Yields words."""
    for index in range(count):
        yield WORDS[index % len(WORDS)]


@job(run_in="process")
def words_in_process(count: int = 6) -> Iterator[str]:
    """Yields words."""
    for index in range(count):
        yield WORDS[index % len(WORDS)]


def opened() -> Iterator[list[str]]:
    """Make a list that is filled while a handler depends on it."""
    held = ["open"]
    yield held
    held.clear()


@job
async def depending(held: Annotated[list[str], Depends(opened)]) -> AsyncIterator[str]:
    """Yields what its dependency holds while it runs."""
    yield from_list(held)
    await asyncio.sleep(0)
    yield from_list(held)


def from_list(held: list[str]) -> str:
    """Return what a list holds."""
    return ",".join(held)


@job
async def numbers(count: int) -> AsyncIterator[int]:
    """Yields numbers."""
    for number in range(count):
        yield number


@job
async def with_result(count: int) -> AsyncIterator[str | Result[dict[str, int]]]:
    """Yields words, and ends with how many."""
    for index in range(count):
        yield WORDS[index % len(WORDS)]
    yield Result({"words": count})


@job
async def several(ctx: Context) -> str:
    """Writes two streams in turn."""
    tokens, thoughts = ctx.stream("tokens"), ctx.stream("thoughts")
    for word in WORDS:
        await thoughts.write({"about": word})
        await tokens.write(word)
        await asyncio.sleep(0)
    return "".join(WORDS)


@job(retries=3)
async def dies(ctx: Context, path: str, keep: int = 0) -> AsyncIterator[str]:
    """Yields words, and kills its worker before the last, once; the second attempt keeps some of the first."""
    flag = Path(path)
    out = ctx.stream("main")
    said = await out.earlier()
    out.keep(min(keep, len(said)))
    for index in range(len(out), len(WORDS)):
        if index == len(WORDS) - 1 and not flag.exists():
            await asyncio.sleep(0.3)  # what it has said is in the store
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield WORDS[index]


@job(retries=1)
def fails_once(ctx: SyncContext, keep: int = 0) -> Iterator[str]:
    """Yields words in a thread, and fails after three in its first attempt."""
    out = ctx.stream("main")
    if ctx.attempt > 1:
        said = out.earlier()
        assert said == list(WORDS[:3])
        out.keep(keep)
    for index in range(len(out), len(WORDS)):
        if ctx.attempt == 1 and index == 3:
            raise Retry(after=0)
        yield WORDS[index]


@job(run_in="process", retries=1)
def fails_once_in_process(ctx: SyncContext, keep: int = 0) -> Iterator[str]:
    """Yields words in a process, and fails after three in its first attempt."""
    yield from fails_once.function(ctx, keep)


@job
async def yields_nonsense(what: str) -> AsyncIterator[Any]:
    """Yields something that cannot be a chunk, after one that can."""
    yield "good"
    yield {"object": object(), "large": "x" * 17 * 1024 * 1024, "nan": float("nan")}[what]


@job
async def yields_too_much(chunk: int = 60_000) -> AsyncIterator[str | Result[int]]:
    """Yields until the job's streams are full, and handles the error."""
    written = 0
    with suppress(Exception):
        while True:
            yield "x" * chunk
            written += 1
    yield Result(written)


@job
async def yields_after_result() -> AsyncIterator[str | Result[int]]:
    """Yields after its result."""
    yield Result(1)
    yield "more"


@job
async def writes_beside(ctx: Context) -> AsyncIterator[str]:
    """Writes to the stream to which it yields."""
    yield "a"
    await ctx.stream("main").write("b")


@job
async def two_writers(ctx: Context) -> str:
    """Has two tasks write one stream."""
    async with asyncio.TaskGroup() as tasks:
        for name in ("a", "b"):
            tasks.create_task(_write(ctx, name))
    return "never"


async def _write(ctx: Context, text: str) -> None:
    await ctx.stream("shared").write(text)
    await asyncio.sleep(0.01)


@job
async def keeps_too_much(ctx: Context) -> str:
    """Keeps more than there is."""
    out = ctx.stream("main")
    await out.earlier()
    out.keep(1)
    return "never"


@job
async def named(ctx: Context, name: str) -> str:
    """Writes to a stream of a name."""
    await ctx.stream(name).write("x")
    return name


@job
async def waits_between(ctx: Context, path: str) -> AsyncIterator[str]:
    """Yields the first half, waits for a file, and yields the rest."""
    for word in WORDS[:3]:
        yield word
    while not Path(path).exists():
        await asyncio.sleep(0.01)
    for word in WORDS[3:]:
        yield word


@job(retries=1)
async def begins_again(ctx: Context, path: str) -> AsyncIterator[str]:
    """Yields the first half, waits for a file, fails, and goes on behind the first word."""
    out = ctx.stream("main")
    said = await out.earlier()
    out.keep(min(len(said), 1))
    for word in WORDS[len(out) :]:
        if ctx.attempt == 1 and word is WORDS[3]:
            while not Path(path).exists():
                await asyncio.sleep(0.01)
            raise Retry(after=0)
        yield word


def spoken(attempt: int, count: int = 60) -> list[str]:
    """Return what an attempt of `speaks_anew` says."""
    return [f"{attempt}\N{MULTIPLICATION SIGN}{index} " for index in range(count)]


@job(retries=3)
async def speaks_anew(ctx: Context, path: str) -> AsyncIterator[str]:
    """Yields half of what this attempt says, waits for a file of its own, and yields the rest; it keeps nothing."""
    words = spoken(ctx.attempt)
    for word in words[:30]:
        await asyncio.sleep(0.005)
        yield word
    while not Path(f"{path}{ctx.attempt}").exists():
        await asyncio.sleep(0.01)
    for word in words[30:]:
        await asyncio.sleep(0.005)
        yield word


@job
async def cleans_up(ctx: Context, path: str) -> AsyncIterator[str]:
    """Yields until it is stopped, and says in a file that it cleaned up."""
    try:
        while True:
            yield "x"
            await asyncio.sleep(0.01)
    finally:
        Path(path).write_text("clean")


@job
def fast_in_thread(count: int = 20_000) -> Iterator[str | Result[int]]:
    """Yields faster than the store takes."""
    for _ in range(count):
        yield "0123456789"
    yield Result(count)


@job
async def fast(count: int = 20_000) -> AsyncIterator[str | Result[int]]:
    """Yields faster than the store takes."""
    for _ in range(count):
        yield "0123456789"
    yield Result(count)


@job
async def stamped(count: int, per_s: float) -> AsyncIterator[str | Result[int]]:
    """Yields the time, so many times a second."""
    begin = time.monotonic()
    for index in range(count):
        await asyncio.sleep(max(begin + index / per_s - time.monotonic(), 0))
        yield f"{time.time():.6f}"
    yield Result(count)


late: "asyncio.Future[BaseException]"
"""What a task got that wrote when its attempt had ended."""


@job
async def leaves_a_writer(ctx: Context) -> str:
    """Leaves a task behind that writes when the attempt has ended."""
    global late
    late = asyncio.get_running_loop().create_future()
    out = ctx.stream("a")
    waits = asyncio.create_task(_write_late(out, late))
    await asyncio.sleep(0)
    waits.add_done_callback(lambda _: None)
    return "done"


async def _write_late(out: Any, told: "asyncio.Future[BaseException]") -> None:
    await out.write("before")
    await asyncio.sleep(0.05)
    try:
        await out.write("after")
    except Exception as error:  # noqa: BLE001
        told.set_result(error)


@job
async def writers_in_turn(ctx: Context) -> str:
    """Has one task after the other write a stream."""
    out = ctx.stream("a")
    for text in ("first", "second"):
        await asyncio.create_task(out.write(text))
    await out.write("third")
    return "done"


@job
async def keeps_late(ctx: Context) -> str:
    """Keeps something after its first chunk."""
    out = ctx.stream("a")
    await out.earlier()
    await out.write("x")
    out.keep(0)
    return "never"


@job
async def keeps_unasked(ctx: Context) -> str:
    """Keeps something without a look at what there is."""
    ctx.stream("a").keep(0)
    return "never"


@job
async def opens_many(ctx: Context) -> str:
    """Opens more streams than a job may have."""
    for number in range(33):
        ctx.stream(f"s{number}")
    return "never"


@job
async def streams_and_steps(ctx: Context) -> str:
    """Writes a stream, and takes a step."""
    await ctx.stream("a").write("x")
    await ctx.sleep(1)
    return "never"


@job
async def steps_and_streams(ctx: Context) -> str:
    """Takes a step, and writes a stream."""
    await ctx.sleep(0)
    await ctx.stream("a").write("x")
    return "never"


@job
async def fills_by_writing(ctx: Context) -> str:
    """Writes until its streams are full."""
    out = ctx.stream("a")
    while True:
        await out.write("x" * 60_000)


@job
async def lies() -> AsyncIterator[str]:
    """Yields a number, which its hint does not say."""
    yield "a"
    yield 1  # type: ignore[misc]


@job
async def long_text() -> AsyncIterator[str]:
    """Yields more text than a result may have."""
    for _ in range(20):
        yield "x" * 60_000


@job(timeout=0.1, cancel_grace=2)
async def stops_in_time(path: str) -> AsyncIterator[str]:
    """Yields until it is stopped, and says in a file that it cleaned up."""
    try:
        while True:
            yield "x"
            await asyncio.sleep(0.01)
    finally:
        Path(path).write_text("clean")
