"""The jobs of compose.yaml: put yours in their place, or build an image of your own (docs/how-to/containers.md)."""

import anyio

from tidings import Context, Reject, job


@job
async def count_words(ctx: Context, text: str, pause_s: float = 0.0) -> dict[str, int]:
    """Count the words of a text, one after the other."""
    words = text.split()
    for number, _ in enumerate(words, 1):
        await anyio.sleep(pause_s)
        await ctx.progress(number, len(words))
    return {"words": len(words)}


@job
async def fail(reason: str = "asked to") -> None:
    """Fail for good, so that an operator sees a dead letter and its alert."""
    raise Reject(reason)
