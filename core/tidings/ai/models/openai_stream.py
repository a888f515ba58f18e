"""Streams of chat completions, as the Python client of OpenAI and those of compatible services give them.

Nothing of those packages is imported: a chunk is an object with attributes, or a mapping.

Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from collections.abc import Collection
from typing import Any

from tidings.ai.message_parts import MessageParts
from tidings.ai.part_types import Part

from .read_field import field_of, text_of
from .reply_reader import ReplyReader

_REASONS = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
    "content_filter": "content-filter",
}


class OpenAIReader(ReplyReader):
    """Turns the chunks of one stream into parts of a message. Only the first choice is read."""

    def __init__(self, message: MessageParts, tools: Collection[str] | None = None) -> None:
        """Prepare; see `ReplyReader`."""
        super().__init__(message, tools)
        self._calls: dict[int, list[str]] = {}
        """Of each call: its id, the tool, and its input so far, by its index."""

    def take(self, item: Any) -> list[Part]:
        """Return the parts that a chunk adds."""
        usage = field_of(item, "usage")
        if usage is not None:
            self.reply.usage = usage
        parts: list[Part] = []
        for choice in field_of(item, "choices") or ():
            if (field_of(choice, "index") or 0) == 0:
                parts += self._choice(choice)
        return parts

    def end(self) -> list[Part]:
        """Return the parts that follow the last chunk: the inputs of the calls are whole."""
        calls, self._calls = self._calls, {}
        parts = self._message.end_block()
        for call, tool, text in calls.values():
            parts += self._end_call(call, tool, text)
        return parts

    def _choice(self, choice: Any) -> list[Part]:
        delta = field_of(choice, "delta")
        # Compatible services call it so; OpenAI's own API of chat completions tells no reasoning.
        parts = self._add_reasoning(text_of(delta, "reasoning_content") or text_of(delta, "reasoning"))
        # A refusal takes the place of the text.
        parts += self._add_text(text_of(delta, "content") or text_of(delta, "refusal"))
        for call in field_of(delta, "tool_calls") or ():
            parts += self._tool_call(call)
        reason = text_of(choice, "finish_reason")
        if reason:
            self.reply.finish_reason = _REASONS.get(reason, "other")
        return parts

    def _tool_call(self, call: Any) -> list[Part]:
        index = field_of(call, "index") or 0
        function = field_of(call, "function")
        known = self._calls.get(index)
        parts: list[Part] = []
        if known is None:
            name = text_of(function, "name")
            known = self._calls[index] = [text_of(call, "id") or f"{self._message.message_id}-{index}", name, ""]
            parts += self._message.tool_input_start(known[0], name)
        text = text_of(function, "arguments")
        known[2] += text
        return [*parts, *self._message.tool_input_delta(known[0], text)]
