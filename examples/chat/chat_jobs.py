"""The job that answers: it asks the model, and before a tool is called the user. Trips an agent plans."""

import json
import os
import time
from asyncio import to_thread
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from chat_history import keep
from tidings import Breaker, Context, Retry, job
from tidings.ai import AgentWriter, ChatRequest, ToolCall, UIMessageWriter, openai_messages

MODEL_URL = os.environ.get("MODEL_URL", "http://127.0.0.1:8001")


def tool(name: str, description: str, field: str) -> dict[str, Any]:
    """Return a tool with one text, as the model takes it."""
    parameters = {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [tool("look_up_weather", "The weather at a place.", "place")]
TRIP_TOOLS = [tool("find_train", "The next train to a place.", "to")]
MOST_CALLS = 10
"""Of the model for one trip."""

model = Breaker("model", min_calls=10, open_for=5)


@job(retries=5, timeout=300)
async def answer(ctx: Context, chat: ChatRequest) -> dict[str, Any]:
    """Answer, and keep the messages: those of the page when the work begins, and the answer however it ends."""
    messages = [msgspec.to_builtins(message) for message in chat.messages]
    # An attempt that begins again, or ends late, must not put its messages in the place of a later answer's.
    asked = await ctx.once("asked", time.time)
    await to_thread(keep, ctx.owner, chat.id, asked, messages)
    if chat.continued is not None:
        messages.pop()
    writer = AgentWriter(ctx, chat) if "trip" in chat.last.text else UIMessageWriter(ctx, chat)
    async with writer as message:
        try:
            await (plan(ctx, message) if isinstance(message, AgentWriter) else say(ctx, chat, message))
        finally:
            keep(ctx.owner, chat.id, asked, [*messages, message.message])
    return message.message


async def say(ctx: Context, chat: ChatRequest, message: UIMessageWriter) -> None:
    """Write the message."""
    asked = openai_messages(chat.messages)
    for part in chat.continued.parts if chat.continued is not None else ():
        if part.get("state") == "approval-responded":
            asked.append(await answered(part, message))
    reply = await message.from_openai(completion(ctx, TOOLS, asked), tools=TOOLS)
    for call in reply.tool_calls:  # the next request brings the user's answer
        await message.tool_approval(call.id, f"{call.id}-approval")
    await message.finish(reply.finish_reason)


async def plan(ctx: Context, message: AgentWriter) -> None:
    """Plan a trip: each call of the model and of a tool is a step, which is done once."""
    ask = partial(completion, ctx, TRIP_TOOLS)
    for _ in range(MOST_CALLS):
        reply = await message.openai_step(ask, openai_messages(message.messages), tools=TRIP_TOOLS)
        if not reply.tool_calls:
            await message.finish(reply.finish_reason)
            return
        for call in reply.tool_calls:
            await message.tool_step(call, find_train)
        await message.next_step()


async def find_train(to: str) -> dict[str, str]:
    """Find the next train."""
    return {"to": to, "leaves": "08:15"}


async def answered(part: dict[str, Any], message: UIMessageWriter) -> dict[str, Any]:
    """Call a tool if the user said yes; return the message that answers the model's call."""
    call = ToolCall(part["toolCallId"], "look_up_weather", part["input"])
    if part["approval"]["approved"]:
        output = {"place": call.input["place"], "sky": "clear"}
        await message.tool_output(call.id, output)
        told = json.dumps(output)
    else:
        await message.tool_denied(call.id)
        told = "nothing: the user did not allow it"
    return {"role": "tool", "tool_call_id": call.id, "content": told}


async def completion(
    ctx: Context, tools: list[dict[str, Any]], messages: list[dict[str, Any]]
) -> AsyncIterator[dict[str, Any]]:
    """Stream what the model says; a client of OpenAI's in five lines.

    Raises:
        Retry: the model wants the request later.

    """
    body = {"model": "stand-in", "messages": messages, "tools": tools, "stream": True}
    async with (
        aiohttp.ClientSession() as session,
        ctx.breaker(model),
        session.post(f"{MODEL_URL}/v1/chat/completions", json=body) as response,
    ):
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Retry("the model is busy", after=float(response.headers.get("retry-after", "5")))
        response.raise_for_status()
        async for line in response.content:
            data = line.decode().strip().removeprefix("data: ")
            if data and data != "[DONE]":
                yield json.loads(data)
