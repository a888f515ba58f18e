"""Kinds in three queues whose slots lie on three nodes, in their order."""

from pathlib import Path

import anyio

from tidings import job


def _noted(n: int, note: str) -> int:
    if note:
        with Path(note).open("a") as file:
            file.write(f"{n}\n")
    return n


@job(queue="aa")
async def on_first(n: int, note: str = "") -> int:
    return _noted(n, note)


@job(queue="bb")
async def on_second(n: int, note: str = "") -> int:
    return _noted(n, note)


@job(queue="dd")
async def on_third(n: int, note: str = "") -> int:
    return _noted(n, note)


@job(queue="dd", retries=0)
async def wait_on_third(path: str) -> str:
    while not Path(path).exists():
        await anyio.sleep(0.02)
    return "went"
