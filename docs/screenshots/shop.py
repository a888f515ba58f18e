"""What runs beside the demo's jobs while pictures are taken, so that each page of the console has something to show.

A breaker, webhooks, groups of consumers, and kinds whose record changes: `SHOP_RELEASE=2` has the later record.
"""

import os
import random
from typing import Annotated, Any

import anyio
from msgspec import Meta

from tidings import Breaker, Context, Event, job, on

RELEASE = int(os.environ.get("SHOP_RELEASE", "1"))

PAYMENTS = Breaker("payments", min_calls=5, failure_rate=0.2, open_for=600)
RATES = Breaker("rates", min_calls=5)


@job(timeout=10, retries=5, breaker=RATES)
async def convert_currency(cents: int, currency: str) -> int:
    """Ask another company for the rate of a currency."""
    await anyio.sleep(random.uniform(0.02, 0.2))  # noqa: S311 - a picture, not a secret
    return round(cents * {"USD": 1.08, "GBP": 0.86}.get(currency, 1))


@job(timeout=10, retries=1, breaker=PAYMENTS)
async def pay_supplier(cents: int) -> int:
    """Pay through a bank that is down after some payments."""
    await anyio.sleep(0.05)
    if cents > 50_000:
        raise ConnectionError("the bank's gateway does not answer")
    return cents


@job(timeout=30)
async def send_invoice(order: str, cents: Annotated[int, Meta(ge=1)]) -> dict[str, Any]:
    """Write an invoice; who submits it names a webhook."""
    await anyio.sleep(0.1)
    return {"order": order, "cents": cents, "number": f"2026-{len(order):04}"}


@job(timeout=600)
async def import_catalogue(ctx: Context, rows: int = 400) -> int:
    """Read a supplier's list, row by row."""
    for row in range(1, rows + 1):
        await anyio.sleep(0.5)
        await ctx.progress(row, rows, message=f"row {row} of {rows}")
    return rows


@on("place_order", events=["succeeded", "failed"], group="search")
async def index_order(event: Event) -> None:
    """Put an order into the search index."""


@on("place_order", events=["succeeded"], group="billing", retries=0)
async def bill_order(event: Event) -> None:
    """Book an order; what a samovar costs, the ledger refuses."""
    if event.result["item"] == "samovar":
        raise ValueError("no account for orders above 200.00")


if RELEASE == 1:

    @job
    async def quote_parcel(to: str) -> int:
        """Say what a parcel costs, in cents."""
        return 490 + len(to)

    @job
    async def track_parcel(number: str) -> str:
        """Say where a parcel is."""
        return f"{number} is on its way"

else:

    @job
    async def quote_parcel(to: str, grams: int) -> int:
        """Say what a parcel costs, in cents."""
        return 490 + len(to) + grams

    @job(timeout=20)
    async def track_parcel(number: str, language: str = "en") -> str:
        """Say where a parcel is."""
        return f"{number} is on its way ({language})"
