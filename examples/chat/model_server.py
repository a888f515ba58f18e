"""A stand-in for a model: it speaks the streaming format of OpenAI's chat completions, and fails where a test wants it.

What it answers is fixed by what it is asked, so that a test knows every byte. A question with `busy` is refused
once by 429 and `Retry-After`, one with `break` is cut off once in the middle, and one with `weather` calls a tool.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PAUSE_S = float(os.environ.get("MODEL_PAUSE_S", "0.03"))
"""Between two words, s."""

WORDS = int(os.environ.get("MODEL_WORDS", "60"))

_asked: Counter[str] = Counter()
"""How often each question came that fails once."""


class BrokenOffError(Exception):
    """Ends an answer in the middle."""


def answer_to(question: str) -> list[str]:
    """Return the words of the answer to a question."""
    return [f"You said “{question}”. ", *(f"{number}, " for number in range(WORDS)), "and that is all."]


def answer_to_tool(told: str) -> list[str]:
    """Return the words of the answer to what a tool said."""
    return [f"The tool says {told}. ", *(f"{number}, " for number in range(WORDS)), "and I believe it."]


async def complete(request: Request) -> Response:
    """`POST /v1/chat/completions`."""
    asked = await request.json()
    messages, last = asked["messages"], asked["messages"][-1]
    question = next(message["content"] for message in reversed(messages) if message["role"] == "user")
    failing = next((word for word in ("busy", "break") if word in question), "")
    _asked[question] += bool(failing)
    if failing == "busy" and _asked[question] == 1:
        error = {"error": {"message": "too many requests", "type": "rate_limit_error"}}
        return JSONResponse(error, 429, {"retry-after": "1"})
    if last["role"] == "tool":
        return _stream(_words(answer_to_tool(last["content"])))
    if "weather" in question and asked.get("tools"):
        return _stream(_call("look_up_weather", {"place": question.split()[-1]}))
    broken_after = len(answer_to(question)) // 2 if failing and _asked[question] == 1 else None
    return _stream(_words(answer_to(question), broken_after))


def _stream(chunks: AsyncIterator[dict[str, Any]]) -> Response:
    async def lines() -> AsyncIterator[str]:
        async for chunk in chunks:
            yield f"data: {json.dumps({'object': 'chat.completion.chunk', **chunk})}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")


async def _words(words: list[str], broken_after: int | None = None) -> AsyncIterator[dict[str, Any]]:
    for number, word in enumerate(words):
        if number == broken_after:
            raise BrokenOffError
        yield {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}
        await asyncio.sleep(PAUSE_S)
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


async def _call(tool: str, given: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    text = json.dumps(given)
    calls = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": tool, "arguments": ""}},
        {"index": 0, "function": {"arguments": text[:5]}},
        {"index": 0, "function": {"arguments": text[5:]}},
    ]
    for call in calls:
        yield {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}
        await asyncio.sleep(PAUSE_S)
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}


app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
