"""Kinds of one queue that is spread while jobs run; each run notes its begin and its end, by one write of a line."""

import os
from pathlib import Path

import anyio

from tidings import Context, Event, job, on


def note(path: str, line: str) -> None:
    """Append a line whole."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)


@job(queue="wide")
async def plain(path: str, n: int) -> int:
    note(path, f"plain {n}")
    return n


@job(queue="wide")
async def keyed(path: str, n: int) -> int:
    note(path, f"keyed {n}")
    return n


@job(queue="wide", limit=2)
async def limited(path: str, n: int) -> int:
    note(path, "limited +")
    await anyio.sleep(0.01)
    note(path, "limited -")
    return n


@job(queue="wide", unique="{value}")
async def single(path: str, value: str) -> str:
    note(path, f"single:{value} +")
    await anyio.sleep(0.02)
    note(path, f"single:{value} -")
    return value


@job(queue="wide")
async def until_there(ctx: Context, path: str) -> str:
    await ctx.progress(0.5)
    while not Path(path).exists():
        await anyio.sleep(0.01)
    return "found"


@job(queue="wide", retries=0)
async def fails(n: int) -> None:
    raise RuntimeError(str(n))


@on("fails", events=["failed"], group="failures")
async def failure(event: Event) -> None:
    note(os.environ["FAILURES"], event.token)


@job(queue="wide")
async def parent(ctx: Context, path: str, children: int) -> int:
    results = await ctx.gather(*[ctx.call("plain", {"path": path, "n": n}) for n in range(children)])
    return len(results)


@job(queue="wide", every=0.5)
async def ticks() -> None:
    pass
