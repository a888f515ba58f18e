"""The kinds of an earlier release."""

import os

from tidings import job


@job
async def plain() -> int:
    return os.getpid()


@job
async def order(amount: int) -> str:
    return f"{amount} of version 1"


@job
def order_in_thread(amount: int) -> str:
    return f"{amount} of version 1"


@job(run_in="process")
def order_in_process(amount: int) -> str:
    return f"{amount} of version 1"
