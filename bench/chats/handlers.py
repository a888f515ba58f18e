"""The jobs that answer in chats."""

import asyncio

from bench.streams.said import stamps
from tidings import Context, job
from tidings.ai import AgentWriter, ChatRequest, UIMessageWriter


@job(timeout=600)
async def tell(ctx: Context, chat: ChatRequest, count: int, per_s: float) -> None:
    """Says what time it is, at a pace."""
    async with UIMessageWriter(ctx, chat) as message:
        async for stamp in stamps(count, per_s):
            await message.text(stamp)


@job(timeout=600)
async def wait_in_worker(ctx: Context, chat: ChatRequest) -> None:
    """Says a word, and waits as for a model that thinks."""
    async with UIMessageWriter(ctx, chat) as message:
        await message.text("Hm. ")
        await asyncio.sleep(500)


@job(timeout=600)
async def wait_elsewhere(ctx: Context, chat: ChatRequest) -> None:
    """Says a word, and waits as an agent does, without a worker."""
    async with AgentWriter(ctx, chat) as message:
        await message.text("Hm. ")
        await ctx.sleep(500)
