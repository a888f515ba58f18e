"""A kind whose jobs are as large as asked."""

from tidings import Context, job


@job
async def sized(ctx: Context, text: str = "", result: int = 0, progress: int = 0, entries: int = 0) -> str:
    """Report progress and write entries of 100 bytes, so many, and return a text of so many bytes."""
    for done in range(progress):
        await ctx.progress(done + 1, progress)
    for _ in range(entries):
        await ctx.log("x" * 98)
    return "y" * max(0, result - 2)
