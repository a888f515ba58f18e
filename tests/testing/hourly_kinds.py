"""A job that recurs."""

from tidings import Context, job

ticks: list[str] = []


@job(cron="0 * * * *")
async def hourly(ctx: Context) -> None:
    """Run at each full hour."""
    ticks.append(ctx.correlation_id)
