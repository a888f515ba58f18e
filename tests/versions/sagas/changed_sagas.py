"""A saga with other steps than `earlier_sagas.py`, under the same version: runs that began there do not fit."""

from tidings import Context, job


async def weigh(item: str) -> int:
    return len(item)


async def ship(hold: str) -> str:
    return f"parcel for {hold}"


@job
async def deliver(ctx: Context, item: str) -> list[str]:
    weight = await ctx.step(weigh, item)
    await ctx.signal("paid")
    return [str(weight), await ctx.step(ship, item)]
