"""The messages of a chat as a model of OpenAI's, or a compatible one, takes them.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

import json
from collections.abc import Iterable
from typing import Any

from tidings.ai.chat_request import UIMessage

_DONE = {"output-available": "output", "output-error": "errorText"}
"""States of a tool's part in which the model can be told what came of it, and the field that says it."""


def openai_messages(messages: Iterable[UIMessage]) -> list[dict[str, Any]]:
    """Return messages for `client.chat.completions.create(messages=…)`.

    Text, pictures (parts `file` with an image) and calls of tools with their results go along; reasoning, data, sources
    and other files do not. What came of a call that has no result yet, the caller adds.

    Args:
        messages: those of a `ChatRequest`.

    """
    return [one for message in messages for one in _converted(message)]


def _converted(message: UIMessage) -> Iterable[dict[str, Any]]:
    if message.role != "assistant":
        pictures = [
            {"type": "image_url", "image_url": {"url": part.get("url")}}
            for part in message.parts
            if part.get("type") == "file" and str(part.get("mediaType")).startswith("image/")
        ]
        if not pictures:
            yield {"role": message.role, "content": message.text}
            return
        yield {"role": message.role, "content": [{"type": "text", "text": message.text}, *pictures]}
        return
    steps: list[list[dict[str, Any]]] = [[]]
    for part in message.parts:
        if part.get("type") == "step-start":
            steps.append([])
        else:
            steps[-1].append(part)
    for step in steps:
        yield from _step(step)


def _step(parts: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Return one answer of the model, and what came of the tools that it called."""
    text = "".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")
    tools = [part for part in parts if str(part.get("type")).startswith("tool-") and "input" in part]
    if not text and not tools:
        return
    said: dict[str, Any] = {"role": "assistant", "content": text or None}
    if tools:
        said["tool_calls"] = [
            {
                "id": part.get("toolCallId"),
                "type": "function",
                "function": {"name": part["type"].removeprefix("tool-"), "arguments": json.dumps(part["input"])},
            }
            for part in tools
        ]
    yield said
    for part in tools:
        field = _DONE.get(str(part.get("state")))
        if field is not None:
            yield {"role": "tool", "tool_call_id": part.get("toolCallId"), "content": json.dumps(part.get(field))}
