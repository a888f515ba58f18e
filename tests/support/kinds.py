"""The kinds that tests submit."""

import dataclasses
import os
import signal
import time
from pathlib import Path
from typing import Annotated, Literal, TypedDict

import anyio
import msgspec
import pydantic

from tidings import Context, Reject, Retry, SyncContext, job


@dataclasses.dataclass
class Address:
    street: str
    zip: Annotated[str, msgspec.Meta(pattern=r"^\d{5}$")]


class Line(msgspec.Struct):
    article: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1


class Order(TypedDict):
    lines: list[Line]
    address: Address


class Model(pydantic.BaseModel):
    names: list[str]
    size: int = 3


@job
async def noop(ctx: Context) -> dict[str, str]:
    """Does nothing."""
    return {"token": ctx.token}


@job
async def echo(text: str, times: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1) -> str:
    """Returns a text, repeated."""
    return text * times


@job
async def steps(ctx: Context, count: int = 3) -> int:
    """Reports progress `count` times."""
    for done in range(count):
        await ctx.progress(done + 1, count, message=f"step {done + 1}")
    return count


@job
async def count(ctx: Context, chunks: int, pause: float = 0, fat: int = 0) -> int:
    """Logs its chunks, each a number, with a pause between."""
    for number in range(chunks):
        await ctx.log({"n": number, "fat": "x" * fat} if fat else number)
        if pause:
            await anyio.sleep(pause)
    return chunks


@job
async def wait_for_file(ctx: Context, path: str) -> str:
    """Says that it waits, and ends when a file appears: tests decide when."""
    await ctx.progress(0.5, message="waiting")
    await ctx.log("waiting")
    while not Path(path).exists():
        await anyio.sleep(0.01)
    return "found"


@job
async def tell_up_to(ctx: Context, path: str, fat: int = 0) -> int:
    """Logs numbers up to the one in a file, whenever that rises, each with its progress; ends at "N end"."""
    told = 0
    while True:
        goal, _, end = Path(path).read_text().partition(" ")
        while told < int(goal):
            await ctx.log(told)
            told += 1
            await ctx.progress(told, int(goal), message=str(told) + " " * fat)
        if end:
            return told
        await anyio.sleep(0.01)


@job(retries=3)
async def wait_again(ctx: Context, path: str) -> int:
    """Ends when a file appears, in whichever attempt."""
    while not Path(path).exists():
        await anyio.sleep(0.01)
    return ctx.attempt


@job
def wait_in_thread(ctx: SyncContext, path: str) -> str:
    """The same as a plain function."""
    ctx.progress(0.5, message="waiting")
    while not Path(path).exists():
        if ctx.cancelled:
            Path(path + ".stopped").touch()
            return "stopped"
        time.sleep(0.01)
    return "found"


@job
async def order(order: Order) -> int:
    """Takes one structured input as a whole."""
    return sum(line.count for line in order["lines"])


@job
async def model(model: Model) -> Model:
    """Takes and returns a Pydantic model."""
    return Model(names=sorted(model.names), size=len(model.names))


@job
async def reject(ctx: Context, why: Literal["bad", "worse"] = "bad") -> None:
    """Refuses for good."""
    raise Reject(f"this is {why}")


@job(retries=2)
async def flaky(ctx: Context, succeed_at: int = 3) -> int:
    """Fails until the attempt given."""
    if ctx.attempt < succeed_at:
        raise Retry("not yet", after=0.01)
    return ctx.attempt


@job
async def raises(secret: str = "hidden") -> None:
    """Raises an error whose text is nobody's business."""
    raise RuntimeError(secret)


@job
def exits() -> None:
    """Tries to end the process."""
    raise SystemExit(3)


@job(timeout=0.1)
async def too_long() -> None:
    """Takes longer than it may."""
    await anyio.sleep(60)


@job
async def big(size: int) -> str:
    """Returns a large result."""
    return "x" * size


@job
async def big_when(path: str, size: int) -> str:
    """Returns a large result when a file appears."""
    while not Path(path).exists():
        await anyio.sleep(0.01)
    return "x" * size


@job
async def large_when(ctx: Context, path: str, size: int, *, fails: bool = False) -> str:
    """Logs a little, waits for a file, logs a large chunk, and returns, or is rejected with, a large text."""
    await ctx.log("here")
    while not Path(path).exists():
        await anyio.sleep(0.01)
    await ctx.log("c" * 64_000)
    if fails:
        raise Reject("x" * size)
    return "x" * size


@job
async def unserialisable() -> object:
    """Returns what JSON has no form for."""
    return object()


@job
async def kill_worker(ctx: Context, flag: str) -> str:
    """Kills its own worker the first time, and succeeds the second."""
    if not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return f"attempt {ctx.attempt}"


@job(retries=1000, max_deliveries=2)
async def poison() -> None:
    """Kills whatever worker runs it."""
    os.kill(os.getpid(), signal.SIGKILL)


@job(timeout=0.2)
def stuck(path: str) -> None:
    """A plain function that takes longer than it may, and does not ask whether it should stop."""
    while not Path(path).exists():
        time.sleep(0.01)


@job(retries=1)
async def mended(ctx: Context, path: str) -> str:
    """Fails until a file appears: what a dead letter is replayed for."""
    await ctx.log(f"attempt {ctx.attempt}")
    if not Path(path).exists():
        raise Retry("the disk is full", after=0.01)
    return "mended"


@job(unique="{path}")
async def only_one(path: str) -> None:
    """Waits for a file; one for each file at a time."""
    while not Path(path).exists():
        await anyio.sleep(0.01)


def _charge(path: str) -> str:
    with Path(path).open("a") as file:
        file.write("x")
    return "paid"


@job(retries=2)
async def charge_then_fail(ctx: Context, path: str) -> tuple[str, int]:
    """Has a side effect once, and fails twice after it."""
    paid = await ctx.once("charge", lambda: _charge(path))
    assert await ctx.once("charge", lambda: _charge(path)) == paid  # nor is it repeated within an attempt
    if ctx.attempt < 3:
        raise Retry("not yet", after=0.01)
    return paid, ctx.attempt


@job(retries=1, run_in="process")
def charge_in_process(ctx: SyncContext, path: str) -> tuple[str, int]:
    """The same in a process, which is killed after it the first time."""
    paid = ctx.once("charge", lambda: _charge(path))
    if ctx.attempt < 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return paid, ctx.attempt


@job(retries=1)
def charge_in_thread(ctx: SyncContext, path: str) -> tuple[str, int]:
    """The same in a thread, failing once."""
    paid = ctx.once("charge", lambda: _charge(path))
    if ctx.attempt < 2:
        raise Retry("not yet", after=0.01)
    return paid, ctx.attempt
