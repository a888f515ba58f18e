"""A saga of an earlier release."""

from tidings import Context, job


async def reserve(item: str) -> str:
    return f"hold of {item}"


async def ship(hold: str) -> str:
    return f"parcel for {hold}"


@job
async def deliver(ctx: Context, item: str) -> list[str]:
    hold = await ctx.step(reserve, item)
    await ctx.signal("paid")
    return [hold, await ctx.step(ship, hold)]
