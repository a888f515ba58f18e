"""The same kinds in a later release: orders have a currency, and there is one more kind."""

import os
from typing import Any

from tidings import job


def with_currency(old: dict[str, Any]) -> dict[str, Any]:
    if old["amount"] < 0:
        raise ValueError("the secret is 42")
    return {**old, "currency": "EUR"}


@job
async def plain() -> int:
    return os.getpid()


@job
async def fresh(number: int) -> int:
    return number


@job(version=2, upcast={1: with_currency})
async def order(amount: int, currency: str) -> str:
    return f"{amount} {currency}"


@job(version=2, upcast={1: with_currency})
def order_in_thread(amount: int, currency: str) -> str:
    return f"{amount} {currency}"


@job(version=2, upcast={1: with_currency}, run_in="process")
def order_in_process(amount: int, currency: str) -> str:
    return f"{amount} {currency}"
