"""A stand-in for a model: it speaks the streaming formats of OpenAI's chat completions and of Anthropic's messages.

What it answers is fixed by what it is asked, so that a test knows every byte. A question with `busy` is refused once by
429 and `Retry-After`, one with `down` always, one with `break` is cut off once in the middle, and one with `weather`
or `trip` calls a tool. `GET /calls` says how often each was asked, by the number of messages.
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

from model_formats import ANTHROPIC, OPENAI, Format

PAUSE_S = float(os.environ.get("MODEL_PAUSE_S", "0.03"))
"""Between two words, s."""

WORDS = int(os.environ.get("MODEL_WORDS", "60"))

TOOLS = {"weather": ("look_up_weather", "place"), "trip": ("find_train", "to")}
"""A word of a question, the tool that it calls, and the field of its input that gets the question's last word."""

_calls: Counter[str] = Counter()
_failed: set[str] = set()
"""Questions that have failed, as they do once."""


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
    return await _answer(request, OPENAI)


async def create(request: Request) -> Response:
    """`POST /v1/messages`."""
    return await _answer(request, ANTHROPIC)


async def calls(_: Request) -> Response:
    """`GET /calls`."""
    return JSONResponse(_calls)


async def _answer(request: Request, form: Format) -> Response:
    asked = await request.json()
    question, told = form.question(asked["messages"]), form.told(asked["messages"])
    _calls[f"{len(asked['messages'])} {question}"] += 1
    fails = next((word for word in ("busy", "break") if word in question and question not in _failed), "")
    if fails and told is None:
        _failed.add(question)
    if fails == "busy" or "down" in question:
        return JSONResponse(form.refusal(), 429, {"retry-after": "1"})
    if told is not None:
        return _stream(form, answer_to_tool(told), broken_after=None)
    for word, (tool, field) in TOOLS.items():
        if word in question and asked.get("tools"):
            return _stream(form, [], call=(tool, {field: question.rstrip("?!. ").split()[-1]}))
    words = answer_to(question)
    return _stream(form, words, broken_after=len(words) // 2 if fails else None)


def _stream(
    form: Format, words: list[str], broken_after: int | None = None, call: tuple[str, dict[str, Any]] | None = None
) -> Response:
    async def lines() -> AsyncIterator[str]:
        for line in form.begin(has_text=call is None):
            yield line
        for number, word in enumerate(words):
            if number == broken_after:
                raise BrokenOffError
            yield form.word(word)
            await asyncio.sleep(PAUSE_S)
        if call is not None:
            for line in form.call(call[0], json.dumps(call[1])):
                yield line
                await asyncio.sleep(PAUSE_S)
        for line in form.end(is_call=call is not None):
            yield line

    return StreamingResponse(lines(), media_type="text/event-stream")


app = Starlette(
    routes=[
        Route("/v1/chat/completions", complete, methods=["POST"]),
        Route("/v1/messages", create, methods=["POST"]),
        Route("/calls", calls),
    ]
)
