"""The sagas of the tests."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import anyio

from tidings import Context, Reject, Retry, SagaUseError, SignalTimeout, StepError, job

QUEUE = "orders"


def note(path: str, line: str) -> None:
    """Add a line to what was done."""
    with Path(path).open("a") as file:
        file.write(line + "\n")


async def reserve(path: str, item: str) -> str:
    note(path, f"reserve {item}")
    return f"hold on {item}"


async def release(path: str, item: str, result: str | None) -> None:
    note(path, f"release {item} {'known' if result else 'unknown'}")


def plain(ctx_free: int) -> int:
    return ctx_free + 1


@job(queue=QUEUE)
async def order(ctx: Context, path: str, amount: int = 5, fail: bool = False) -> dict[str, Any]:
    """Reserves here, charges elsewhere, and may fail after that."""
    hold = await ctx.step(reserve, path, "book", undo=release)
    paid = await ctx.call("charge", {"path": path, "amount": amount}, undo="refund")
    if fail:
        raise Reject("changed our mind")
    return {"hold": hold, "paid": paid["paid"], "key": paid["key"]}


@job(queue=QUEUE)
async def five_steps(ctx: Context) -> int:
    """Five local steps, two of them plain."""
    number = 0
    for _ in range(5):
        number = await ctx.step(plain, number)
    return number


@job(queue=QUEUE)
async def fan(ctx: Context, path: str, count: int) -> list[int]:
    """So many children at once."""
    found = await ctx.gather(*(ctx.call("charge", path=path, amount=number) for number in range(count)))
    return [one["paid"] for one in found]


@job(queue=QUEUE)
async def branches(ctx: Context, path: str) -> list[Any]:
    """Two branches of two steps each."""

    async def branch(name: str) -> list[Any]:
        return [
            await ctx.step(reserve, path, name, undo=release),
            (await ctx.call("charge", path=path, amount=len(name)))["paid"],
        ]

    return await ctx.gather(branch("a"), branch("bb"))


@job(queue=QUEUE)
async def approve(ctx: Context, timeout: float | None = None) -> Any:
    """Waits to be told."""
    try:
        return await ctx.signal("approved", timeout=timeout)
    except SignalTimeout:
        return "nobody"


@job(queue=QUEUE)
async def two_signals(ctx: Context) -> list[Any]:
    """Waits for two of a name, and one of another."""
    first = await ctx.signal("go")
    other = await ctx.signal("stop")
    return [first, await ctx.signal("go"), other]


@job(queue=QUEUE)
async def hold_and_wait(ctx: Context, path: str) -> str:
    """Has something to undo, and waits for a signal."""
    await ctx.step(reserve, path, "room", undo=release)
    await ctx.call("charge", path=path, amount=1, undo="refund")
    return str(await ctx.signal("done"))


@job(queue=QUEUE)
async def nap(ctx: Context, seconds: float) -> str:
    """Sleeps."""
    await ctx.sleep(seconds)
    return "rested"


@job(queue=QUEUE)
async def other_way(ctx: Context, path: str) -> str:
    """Catches a failed step and takes another way."""
    try:
        await ctx.call("charge", path=path, amount=-1)
    except StepError as error:
        return f"{error.problem.code} at {error.path}"
    return "no"


def _flaky(path: str, until: int) -> int:
    note(path, "try")
    tries = len(Path(path).read_text().splitlines())
    if tries < until:
        raise Retry("not yet", after=0.01)
    return tries


@job(queue=QUEUE)
async def stubborn(ctx: Context, path: str, until: int, retries: int) -> int:
    """A step with retries of its own."""
    return await ctx.step(_flaky, path, until, retries=retries)


@job(queue=QUEUE, retries=3)
async def stumble(ctx: Context, path: str, flag: str) -> str:
    """Fails between its steps the first time."""
    await ctx.step(reserve, path, "one")
    if not Path(flag).exists():
        Path(flag).touch()
        raise Retry("stumbled", after=0.01)
    return await ctx.step(reserve, path, "two")


@job(queue=QUEUE)
async def dies_between(ctx: Context, path: str, flag: str) -> str:
    """Kills its worker between two steps."""
    await ctx.step(reserve, path, "one")
    if not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return await ctx.step(reserve, path, "two")


@job(queue=QUEUE)
async def calls_slow(ctx: Context, path: str, go: str, undo: str | None = None) -> int:
    """Calls a child that takes its time."""
    await ctx.step(reserve, path, "before", undo=release)
    attempt: int = await ctx.call("charge_when", path=path, go=go, undo=undo)
    return attempt


@job(queue=QUEUE)
async def calls_mortal(ctx: Context, path: str) -> str:
    """Calls a child that kills its worker."""
    paid: str = await ctx.call("charge_and_die", path=path)
    return paid


@job(queue=QUEUE)
async def calls_kind(ctx: Context, kind: str, fields: dict[str, Any]) -> Any:
    """Calls whatever it is told."""
    return await ctx.call(kind, fields)


async def cut_off(path: str, go: str) -> None:
    note(path, "cut_off begins")
    while not Path(go).exists():
        await anyio.sleep(0.01)


async def undo_cut_off(path: str, go: str, result: Any) -> None:
    note(path, f"undone {result}")


@job(queue=QUEUE)
async def long_step(ctx: Context, path: str, go: str) -> None:
    """A local step that takes its time."""
    await ctx.step(reserve, path, "x", undo=release)
    await ctx.step(cut_off, path, go, undo=undo_cut_off)


async def crash_once(path: str, flag: str) -> None:
    note(path, "undoing")
    if not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    note(path, "undone")


async def begin(path: str, flag: str) -> str:
    note(path, "done")
    return "done"


async def begin_mended(path: str, mended: str) -> str:
    note(path, "done")
    return "done"


@job(queue=QUEUE)
async def crash_unwinding(ctx: Context, path: str, flag: str) -> None:
    """Kills its worker while it undoes."""
    await ctx.step(reserve, path, "first", undo=release)
    await ctx.step(begin, path, flag, undo=crash_once)
    raise Reject("no")


@job(queue=QUEUE)
async def half_undone(ctx: Context, path: str, mended: str) -> None:
    """What undoes its second step fails until a file is there."""
    await ctx.step(reserve, path, "first", undo=release)
    await ctx.step(begin_mended, path, mended, undo="unrefundable", name="second")
    await ctx.step(reserve, path, "third", undo=release)
    raise Reject("no")


@job(queue=QUEUE)
async def calls_after(ctx: Context, path: str, mended: str) -> None:
    """A step that nothing undoes, then a child that fails until a file is there."""
    await ctx.step(reserve, path, "once")
    await ctx.call("unrefundable", path=path, mended=mended)


@job(queue=QUEUE)
async def fails_until(ctx: Context, path: str, mended: str) -> str:
    """Undoes everything, unless a file is there."""
    await ctx.step(reserve, path, "it", undo=release)
    if not Path(mended).exists():
        raise Reject("not yet")
    return await ctx.step(has_key)


@job(queue=QUEUE)
async def descend(ctx: Context, depth: int) -> int:
    """Calls itself so deep."""
    below: int = await ctx.call(descend, depth=depth - 1) if depth else -1
    return below + 1


@job(queue=QUEUE)
async def endless(ctx: Context) -> int:
    """Calls itself without end."""
    below: int = await ctx.call("endless")
    return below + 1


@job(queue=QUEUE)
async def wrong_task(ctx: Context, path: str) -> list[Any]:
    """Awaits its steps where it must not."""
    return list(await asyncio.gather(ctx.step(reserve, path, "a"), ctx.step(reserve, path, "b")))


@job(queue=QUEUE)
async def wrong_created_task(ctx: Context, path: str) -> list[Any]:
    """Has tasks of its own take steps, in each way there is; returns what they raise."""
    raised: list[str] = []
    try:
        await asyncio.create_task(ctx.step(reserve, path, "a"))  # type: ignore[arg-type] # it is a mistake
    except SagaUseError as error:
        raised.append(str(error))
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ctx.step(reserve, path, "b"))  # type: ignore[arg-type]
    except* SagaUseError as group:
        raised += [str(error) for error in group.exceptions]
    (found,) = await asyncio.gather(ctx.step(reserve, path, "c"), return_exceptions=True)
    raised.append(str(found))
    return raised


@job(queue=QUEUE)
async def twice(ctx: Context) -> list[int]:
    """Two steps of one name, and one step awaited twice."""
    step = ctx.step(plain, 1)
    found = [await step, await ctx.step(plain, 2)]
    await step
    return found


@job(queue=QUEUE)
async def many_steps(ctx: Context, count: int) -> None:
    """So many steps."""
    for _ in range(0, count, 100):
        await ctx.gather(*(ctx.sleep(0) for _ in range(min(100, count))))


async def object_of_its_own() -> object:
    return object()


@job(queue=QUEUE)
async def unserialisable(ctx: Context) -> None:
    """A step returns what JSON has no form for."""
    await ctx.step(object_of_its_own)


async def much(size: int) -> str:
    return "x" * size


@job(queue=QUEUE)
async def large_step(ctx: Context, size: int) -> int:
    """A step returns much."""
    return len(await ctx.step(much, size))


@job(queue=QUEUE)
async def nested(ctx: Context) -> Any:
    """A step that takes steps."""

    async def inner() -> int:
        return await ctx.step(plain, 1)

    return await ctx.step(inner)


@job(queue=QUEUE)
async def changeable(ctx: Context, flag: str) -> Any:
    """Takes another step in its second run."""
    if Path(flag).exists():
        return await ctx.step(plain, 1, name="other")
    await ctx.step(plain, 1, name="one")
    Path(flag).touch()
    return await ctx.signal("go")


async def has_key(ctx: Context) -> str:
    return ctx.idempotency_key


@job(queue=QUEUE)
async def keys(ctx: Context) -> list[str]:
    """Tells the keys inside and outside of a step."""
    return [ctx.idempotency_key, await ctx.step(has_key), ctx.idempotency_key]


@job(queue=QUEUE)
async def mixed(ctx: Context, path: str, go: str) -> list[Any]:
    """While one branch works here, the other goes on from child to child."""

    async def remote() -> list[int]:
        return [(await ctx.call("charge", path=path, amount=number))["paid"] for number in range(3)]

    return await ctx.gather(ctx.step(cut_off, path, go), remote())


@job(queue=QUEUE)
async def told_beside_work(ctx: Context, path: str, go: str) -> list[Any]:
    """While one branch works here, the other waits for a signal, then for a child."""

    async def told() -> Any:
        value = await ctx.signal("go")
        return value, (await ctx.call("charge", path=path, amount=1))["paid"]

    return await ctx.gather(ctx.step(cut_off, path, go), told())
