"""The same saga in a later release: it checks before it reserves, and after it was paid."""

from tidings import Context, job


async def check(item: str) -> str:
    return f"{item} checked"


async def reserve(item: str) -> str:
    return f"hold of {item}"


async def ship(hold: str) -> str:
    return f"parcel for {hold}"


@job
async def deliver(ctx: Context, item: str) -> list[str]:
    found = []
    if await ctx.patched("check before reserving"):
        found.append(await ctx.step(check, item))
    hold = await ctx.step(reserve, item)
    await ctx.signal("paid")
    if await ctx.patched("check before shipping"):
        found.append(await ctx.step(check, hold))
    return [*found, hold, await ctx.step(ship, hold)]
