"""Kinds that ask models by the clients of their makers, for tests."""

import os
from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import openai

from tidings import Breaker, Context, Retry, SyncContext, job
from tidings.ai import (
    AgentWriter,
    ChatRequest,
    ModelReply,
    SyncUIMessageWriter,
    UIMessageWriter,
    openai_messages,
    retry_after,
)

URL = os.environ.get("MODEL_URL", "http://127.0.0.1:1")
ASKED: dict[str, Any] = {"model": "stand-in", "max_tokens": 1000}
PARAMETERS = {"type": "object", "properties": {"place": {"type": "string"}}}
TOOLS: Any = [{"type": "function", "function": {"name": "look_up_weather", "parameters": PARAMETERS}}]
ANTHROPIC_TOOLS: Any = [{"name": "look_up_weather", "input_schema": PARAMETERS}]

# The job's retries and breakers take the place of those of the clients.
by_openai_client = openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)
by_anthropic_client = anthropic.AsyncAnthropic(base_url=URL, api_key="none", max_retries=0)

guard = Breaker("guard", min_calls=2, failure_rate=0.5, open_for=600, when_open="fail")


def told(reply: ModelReply) -> dict[str, Any]:
    """Return what a model said, for a result."""
    calls = [[call.name, call.input] for call in reply.tool_calls]
    usage = reply.usage if isinstance(reply.usage, dict) else reply.usage.model_dump()
    tokens = usage.get("completion_tokens") or usage.get("output_tokens")
    return {"text": reply.text, "calls": calls, "why": reply.finish_reason, "tokens": tokens}


@job(retries=3)
async def by_openai(ctx: Context, chat: ChatRequest) -> dict[str, Any]:
    """Asks a model of OpenAI's."""
    messages: Any = openai_messages(chat.messages)
    async with UIMessageWriter(ctx, chat) as message:
        try:
            stream = await by_openai_client.chat.completions.create(
                messages=messages, tools=TOOLS, stream=True, stream_options={"include_usage": True}, **ASKED
            )
        except openai.RateLimitError as error:
            raise Retry("the model is busy", after=retry_after(error)) from error
        return told(await message.from_openai(stream, tools=TOOLS))


@job(retries=3)
def by_openai_in_thread(ctx: SyncContext, chat: ChatRequest) -> dict[str, Any]:
    """Asks a model of OpenAI's from a thread."""
    messages: Any = openai_messages(chat.messages)
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)
    with SyncUIMessageWriter(ctx, chat) as message:
        try:
            stream = client.chat.completions.create(
                messages=messages, tools=TOOLS, stream=True, stream_options={"include_usage": True}, **ASKED
            )
        except openai.RateLimitError as error:
            raise Retry("the model is busy", after=retry_after(error)) from error
        return told(message.from_openai(stream, tools=TOOLS))


@job(retries=3)
async def by_anthropic(ctx: Context, chat: ChatRequest) -> dict[str, Any]:
    """Asks a model of Anthropic's, by its raw events."""
    async with UIMessageWriter(ctx, chat) as message:
        try:
            stream = await by_anthropic_client.messages.create(
                messages=[{"role": "user", "content": chat.last.text}], tools=ANTHROPIC_TOOLS, stream=True, **ASKED
            )
        except anthropic.RateLimitError as error:
            raise Retry("the model is busy", after=retry_after(error)) from error
        return told(await message.from_anthropic(stream, tools=ANTHROPIC_TOOLS))


@job(retries=3)
async def by_anthropic_helper(ctx: Context, chat: ChatRequest) -> dict[str, Any]:
    """Asks a model of Anthropic's, by the client's helper, which adds events of its own."""
    asked = by_anthropic_client.messages.stream(
        messages=[{"role": "user", "content": chat.last.text}], tools=ANTHROPIC_TOOLS, **ASKED
    )
    async with UIMessageWriter(ctx, chat) as message:
        try:
            async with asked as stream:
                return told(await message.from_anthropic(stream, tools=ANTHROPIC_TOOLS))
        except anthropic.RateLimitError as error:
            raise Retry("the model is busy", after=retry_after(error)) from error


@job(retries=0)
async def guarded(ctx: Context, chat: ChatRequest) -> None:
    """Asks a model behind a breaker."""
    messages: Any = openai_messages(chat.messages)
    async with ctx.breaker(guard):
        await by_openai_client.chat.completions.create(messages=messages, stream=True, **ASKED)


async def ask(messages: Any, path: str = "") -> AsyncIterator[Any]:
    """Ask the model, for an agent."""
    async for chunk in await by_openai_client.chat.completions.create(
        messages=messages, tools=TOOLS, stream=True, stream_options={"include_usage": True}, **ASKED
    ):
        yield chunk


def add_line(path: Path, text: str) -> None:
    """Add a line to a file."""
    with path.open("a") as lines:
        lines.write(f"{text}\n")


@job(retries=5)
async def agent(ctx: Context, chat: ChatRequest, path: str, sleep: float = 0) -> dict[str, Any]:
    """Asks the model, calls its tools, each of which adds a line to a file, and asks again until it calls none."""

    async def look_up_weather(place: str) -> dict[str, str]:
        await to_thread(add_line, Path(path), place)
        return {"place": place, "sky": "clear"}

    async with AgentWriter(ctx, chat) as message:
        while True:
            reply = await message.openai_step(ask, openai_messages(message.messages), tools=TOOLS)
            if not reply.tool_calls:
                break
            for call in reply.tool_calls:
                await message.tool_step(call, look_up_weather)
            await message.text("I have looked it up. ")
            await ctx.sleep(sleep)
            await message.next_step()
        await message.finish(reply.finish_reason)
    return message.message
