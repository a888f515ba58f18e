"""The task of the project: a report of what a user has sold, month by month."""

from __future__ import annotations

import calendar
import os
import time
from typing import Any

from django.db.models import Sum
from django.tasks import TaskContext, task

from sales.models import Sale
from tidings import Reject
from tidings.django import sync_context_of

PAUSE_S = float(os.environ.get("SALES_PAUSE_S", "0.3"))
"""As if the sums of a month took so long, s."""


@task(takes_context=True)
def sales_report(context: TaskContext[..., Any], user_id: int, year: int) -> dict[str, Any]:
    """Sums up what a user has sold in a year."""
    if not 2000 <= year <= 2100:
        raise Reject(f"there are reports of the years 2000 to 2100, not of {year}")
    sums: dict[str, int] = {}
    for month in range(1, 13):
        name = calendar.month_name[month]
        sold = Sale.objects.filter(user_id=user_id, year=year, month=month)
        sums[name] = sold.aggregate(sum=Sum("cents"))["sum"] or 0
        sync_context_of(context).progress(month, 12, message=name)
        time.sleep(PAUSE_S)
    return {"cents": sum(sums.values()), "best_month": max(sums, key=lambda one: sums[one])}
