"""The job of the application: a report of what a user has sold, month by month."""

import asyncio
import calendar
import os
from typing import Annotated

import msgspec

from accounts import sales_of
from tidings import Context, job

PAUSE_S = float(os.environ.get("REPORTS_PAUSE_S", "0.3"))
"""As if the sums of a month took so long, s."""


class Report(msgspec.Struct):
    """What a user has sold in a year."""

    user: str
    year: int
    cents: int
    best_month: str


@job(timeout=300, retries=2)
async def sales_report(ctx: Context, year: Annotated[int, msgspec.Meta(ge=2000, le=2100)]) -> Report:
    """Sums up the sales of the job's owner, whom the server has checked: the input cannot name another user."""
    sums: dict[str, int] = {}
    for month in range(1, 13):
        name = calendar.month_name[month]
        sums[name] = await asyncio.to_thread(sales_of, ctx.owner, year, month)
        await ctx.progress(month, 12, message=name)
        await asyncio.sleep(PAUSE_S)
    return Report(user=ctx.owner, year=year, cents=sum(sums.values()), best_month=max(sums, key=lambda one: sums[one]))
