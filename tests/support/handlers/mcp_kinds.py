"""Kinds that are tools, for tests of the Model Context Protocol."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tidings import Context, Reject, job
from tidings.ai import ChatRequest, UIMessageWriter


@dataclass
class Sum:
    """A sum, and how it was made."""

    total: int
    parts: list[int]


@dataclass
class Shipping:
    """What a form asks."""

    address: str
    speed: Literal["slow", "fast"] = "slow"
    gift: bool = False


@job(mcp=True)
async def add(numbers: list[int], twice: bool = False) -> Sum:
    """Adds numbers."""
    return Sum(sum(numbers) * (1 + twice), numbers)


@job(mcp=True)
async def greet(name: str) -> str:
    """Greets somebody."""
    return f"Hello, {name}!"


@job(mcp=True)
async def untold(value: Any) -> Any:
    """Returns what it is given."""
    return value


@job
async def hidden() -> str:
    """Is no tool."""
    return "hidden"


@job(mcp=True)
async def reject(reason: str) -> str:
    """Fails for good."""
    raise Reject(reason)


@job(mcp=True)
async def wait_for(ctx: Context, path: str) -> str:
    """Tells its progress, and waits for a file."""
    Path(path).with_suffix(".token").write_text(ctx.token)
    await ctx.progress(0.25, message="waits for a file")
    while not Path(path).exists():
        await asyncio.sleep(0.01)
    return path


@job(mcp=True)
async def order(ctx: Context, item: str) -> dict[str, Any]:
    """Asks where to send something, and whether it may cost money."""
    shipping = await ctx.signal("shipping", ask=f"Where shall we send the {item}?", answer=Shipping)
    if shipping is None:
        return {"sent": False}
    paid = await ctx.signal("paid", ask="It costs 5 €. Buy it?", answer=bool)
    return {"sent": bool(paid), **shipping}


@job(mcp=True)
async def wants_word(ctx: Context) -> str:
    """Waits for a signal of which it says nothing."""
    return f"heard {await ctx.signal('word')}"


@job(mcp=True)
async def tell(ctx: Context, chat: ChatRequest, path: str) -> dict[str, Any]:
    """Writes a message into a chat, tells its progress and its log, and waits for a file."""
    async with UIMessageWriter(ctx, chat) as message:
        await message.text("To be, ")
        await ctx.log("began")
        await ctx.progress(0.5, message="half")
        while not Path(path).exists():
            await asyncio.sleep(0.01)
        await message.text("or not.")
    return message.message
