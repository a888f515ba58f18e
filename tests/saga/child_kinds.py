"""The kinds that sagas of the tests call: what they do stands in a file, a line each."""

import os
import signal
from pathlib import Path
from typing import Any

import anyio

from tidings import Context, Reject, job

ACCOUNTS = "accounts"


def note(path: str, line: str) -> None:
    """Add a line to what was done."""
    with Path(path).open("a") as file:
        file.write(line + "\n")


@job(queue=ACCOUNTS)
async def charge(ctx: Context, path: str, amount: int) -> dict[str, Any]:
    """Takes money."""
    if amount < 0:
        raise Reject("no such amount")
    note(path, f"charge {amount}")
    return {"paid": amount, "key": ctx.idempotency_key}


@job(queue=ACCOUNTS)
async def refund(path: str, amount: int, result: dict[str, Any] | None = None) -> None:
    """Gives it back."""
    note(path, f"refund {amount} {'known' if result else 'unknown'}")


@job(queue=ACCOUNTS)
async def charge_when(ctx: Context, path: str, go: str) -> int:
    """Takes money when a file appears."""
    note(path, "begun")
    while not Path(go).exists():
        await anyio.sleep(0.01)
    note(path, "charged late")
    return ctx.attempt


@job(queue=ACCOUNTS)
async def refund_late(path: str, go: str, result: int | None) -> None:
    """Gives it back, if it was taken."""
    note(path, f"refund late {result}")


@job(queue=ACCOUNTS)
async def charge_and_die(path: str) -> str:
    """Takes money, and kills its worker the first time before anybody knows."""
    first = not Path(path).exists()
    note(path, "charge")
    if first:
        os.kill(os.getpid(), signal.SIGKILL)
    return "paid"


@job(queue=ACCOUNTS)
async def large(size: int) -> str:
    """Returns a large result."""
    return "x" * size


@job(queue=ACCOUNTS, retries=1)
async def unrefundable(path: str, mended: str, amount: int = 0) -> None:
    """Undoes something once a file is there."""
    note(path, "tried to refund")
    if not Path(mended).exists():
        raise RuntimeError("the bank is closed")
    note(path, "refunded at last")


@job(queue=ACCOUNTS, unique="{path}")
async def one_at_a_time(path: str, go: str) -> str:
    """Runs alone."""
    note(path, "alone")
    while not Path(go).exists():
        await anyio.sleep(0.01)
    return "done"
