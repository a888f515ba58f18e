"""Kinds of the tests of webhooks."""

import os

from tidings import Context, Reject, job


@job
async def work(ctx: Context, text: str = "", size: int = 0, fail: bool = False) -> dict[str, str]:
    """Returns a text, or as many characters as asked for; or fails."""
    await ctx.progress(1, 2, message="half")
    if fail:
        raise Reject("it was asked to fail")
    return {"text": text or "x" * size}


@job(
    webhook={"url": os.environ.get("TIDINGS_X_KIND_URL", "http://127.0.0.1:9/kind"), "events": ["started", "succeeded"]}
)
async def telling(text: str = "") -> str:
    """Has a webhook of its own."""
    return text
