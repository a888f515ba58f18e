"""Kinds whose events the tests follow, in two queues."""

from tidings import Context, Reject, job


@job(name="order.placed")
async def placed(ctx: Context, text: str = "") -> str:
    await ctx.progress(0.5)
    return text


@job(name="order.refused")
async def refused() -> None:
    raise Reject("out of stock")


@job(name="order.large", queue="large")
async def large(size: int) -> str:
    return "x" * size


@job(name="invoice")
async def invoice(order: str, amount: int = 1) -> int:
    return amount
