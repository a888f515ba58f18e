"""Kinds that answer in chats, for tests."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from tidings import Context, Reject, SyncContext, job
from tidings.ai import ChatRequest, SyncUIMessageWriter, UIMessageWriter

WORDS = ("To ", "be, ", "or ", "not ", "to ", "bé 🙂")


@job
async def say(ctx: Context, chat: ChatRequest, times: int = 1) -> dict[str, Any]:
    """Says words."""
    async with UIMessageWriter(ctx, chat) as message:
        for word in WORDS * times:
            await message.text(word)
    return message.message


@job
def say_in_thread(ctx: SyncContext, chat: ChatRequest) -> dict[str, Any]:
    """Says words."""
    with SyncUIMessageWriter(ctx, chat) as message:
        for word in WORDS:
            message.text(word)
    return message.message


@job
async def waits(ctx: Context, chat: ChatRequest, path: str) -> None:
    """Says the first half, waits for a file, and says the rest."""
    async with UIMessageWriter(ctx, chat) as message:
        for word in WORDS[:3]:
            await message.text(word)
        while not Path(path).exists():
            await asyncio.sleep(0.01)
        for word in WORDS[3:]:
            await message.text(word)


@job(retries=3)
async def dies(
    ctx: Context, chat: ChatRequest, path: str, steps: int = 1, keep: bool = False, other: bool = False
) -> None:
    """Says words in some steps, and kills its worker before the last word of the last, once.

    Args:
        ctx: of the attempt.
        chat: what the page asks.
        path: a file that says that the worker has died.
        steps: how many.
        keep: whether the second attempt keeps what the first said.
        other: whether the second attempt says something else in the first step.

    """
    flag = Path(path)
    if keep and flag.exists():
        out = ctx.stream("ui")
        said = await out.earlier()
        out.keep(len(said))
        identity = next(part["id"] for part in reversed(said) if part["type"] == "text-delta")
        await out.write({"type": "text-delta", "id": identity, "delta": WORDS[-1]})
        await out.write({"type": "text-end", "id": identity})
        await out.write({"type": "finish-step"})
        await out.write({"type": "finish"})
        return
    async with UIMessageWriter(ctx, chat) as message:
        for step in range(steps):
            if step:
                await message.next_step()
            for index, word in enumerate(WORDS):
                last = step == steps - 1 and index == len(WORDS) - 1
                if last and not flag.exists():
                    await asyncio.sleep(0.3)  # what it has said is in the store
                    flag.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                await message.text("Another " if other and flag.exists() and index == 0 else word)


@job
async def fails(ctx: Context, chat: ChatRequest) -> None:
    """Says a word, and rejects the rest."""
    async with UIMessageWriter(ctx, chat) as message:
        await message.text("Well, ")
        raise Reject("the model is out of words")


@job
async def silent(chat: ChatRequest) -> None:
    """Says nothing."""


@job
async def malformed(ctx: Context, chat: ChatRequest) -> None:
    """Writes into the stream of messages what is no part."""
    await ctx.stream("ui").write("Hello")


@job
async def asks_first(ctx: Context, chat: ChatRequest, path: str = "") -> dict[str, Any]:
    """Asks whether it may call a tool, and in the next request says what came of it, in two halves around a file."""
    async with UIMessageWriter(ctx, chat) as message:
        if chat.continued is None:
            await message.text("I can look it up. ")
            await message.tool_input("call-1", "look_up", {"word": "be"})
            await message.tool_approval("call-1", "approval-1")
            await message.finish("tool-calls")
        else:
            answer = next(part["approval"] for part in chat.continued.parts if "approval" in part)
            if answer["approved"]:
                await message.tool_output("call-1", {"meaning": "to exist"})
                await message.text("It means ")
                while path and not Path(path).exists():
                    await asyncio.sleep(0.01)
                await message.text("to exist.")
            else:
                await message.tool_denied("call-1")
                await message.text("As you like.")
    return message.message


@job
async def goes_on_as_before(ctx: Context, chat: ChatRequest) -> None:
    """Goes on with a message as workers of an earlier release do: what was before is not in its stream."""
    out = ctx.stream("ui")
    await out.write({"type": "start", "messageId": chat.last.id})
    await out.write({"type": "start-step"})
    await out.write({"type": "finish"})


@job
async def shows(ctx: Context, chat: ChatRequest, style: str = "plain") -> str:
    """Returns what it was asked."""
    async with UIMessageWriter(ctx, chat) as message:
        await message.text(f"{style}: {chat.last.text}")
    return chat.trigger


@job(retries=3)
async def slow(ctx: Context, chat: ChatRequest, words: int = 200, pause: float = 0.02) -> dict[str, Any]:
    """Says numbered words with pauses between them."""
    async with UIMessageWriter(ctx, chat) as message:
        for word in range(words):
            await message.text(f"wörd {word} 🙂, ")
            await asyncio.sleep(pause)
    return message.message
