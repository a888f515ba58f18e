"""The two formats that the stand-in speaks, as the documents of their makers give them."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

CALL = "call_1"
"""The id of the call of a tool."""


class Format(ABC):
    """The streaming format of one maker."""

    @abstractmethod
    def question(self, messages: list[dict[str, Any]]) -> str:
        """Return what the user last said."""

    @abstractmethod
    def told(self, messages: list[dict[str, Any]]) -> str | None:
        """Return what a tool said, where that is the last message."""

    @abstractmethod
    def refusal(self) -> dict[str, Any]:
        """Return the body of a refusal."""

    @abstractmethod
    def begin(self, *, has_text: bool) -> Iterator[str]:
        """Return the lines before the answer."""

    @abstractmethod
    def word(self, word: str) -> str:
        """Return the lines with a word."""

    @abstractmethod
    def call(self, tool: str, given: str) -> Iterator[str]:
        """Return the lines of a call, whose input comes in two pieces."""

    @abstractmethod
    def end(self, *, is_call: bool) -> Iterator[str]:
        """Return the lines behind the answer."""


class OpenAIFormat(Format):
    """Chat completions."""

    def question(self, messages: list[dict[str, Any]]) -> str:
        """See `Format`."""
        return next(str(message["content"]) for message in reversed(messages) if message["role"] == "user")

    def told(self, messages: list[dict[str, Any]]) -> str | None:
        """See `Format`."""
        return str(messages[-1]["content"]) if messages[-1]["role"] == "tool" else None

    def refusal(self) -> dict[str, Any]:
        """See `Format`."""
        return {"error": {"message": "too many requests", "type": "rate_limit_error"}}

    def begin(self, *, has_text: bool) -> Iterator[str]:
        """See `Format`."""
        yield self._chunk({"role": "assistant", "content": "" if has_text else None})

    def word(self, word: str) -> str:
        """See `Format`."""
        return self._chunk({"content": word})

    def call(self, tool: str, given: str) -> Iterator[str]:
        """See `Format`."""
        function = {"name": tool, "arguments": ""}
        yield self._chunk({"tool_calls": [{"index": 0, "id": CALL, "type": "function", "function": function}]})
        for piece in (given[:5], given[5:]):
            yield self._chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})

    def end(self, *, is_call: bool) -> Iterator[str]:
        """See `Format`."""
        yield self._chunk({}, "tool_calls" if is_call else "stop")
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        yield self._line({"choices": [], "usage": usage})
        yield "data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> str:
        return self._line({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def _line(self, fields: dict[str, Any]) -> str:
        always = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "stand-in"}
        return f"data: {json.dumps(always | fields)}\n\n"


class AnthropicFormat(Format):
    """Messages."""

    def question(self, messages: list[dict[str, Any]]) -> str:
        """See `Format`."""
        return next(message["content"] for message in reversed(messages) if isinstance(message["content"], str))

    def told(self, messages: list[dict[str, Any]]) -> str | None:
        """See `Format`."""
        content = messages[-1]["content"]
        results = [block for block in content if isinstance(block, dict) and block["type"] == "tool_result"]
        return str(results[0]["content"]) if results else None

    def refusal(self) -> dict[str, Any]:
        """See `Format`."""
        return {"type": "error", "error": {"type": "rate_limit_error", "message": "too many requests"}}

    def begin(self, *, has_text: bool) -> Iterator[str]:
        """See `Format`."""
        message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "stand-in"}
        ends = {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 1}}
        yield self._event("message_start", message=message | ends)
        yield self._event("ping")
        if has_text:
            yield self._event("content_block_start", index=0, content_block={"type": "text", "text": ""})

    def word(self, word: str) -> str:
        """See `Format`."""
        return self._event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})

    def call(self, tool: str, given: str) -> Iterator[str]:
        """See `Format`."""
        block = {"type": "tool_use", "id": CALL, "name": tool, "input": {}}
        yield self._event("content_block_start", index=0, content_block=block)
        for piece in (given[:5], given[5:]):
            delta = {"type": "input_json_delta", "partial_json": piece}
            yield self._event("content_block_delta", index=0, delta=delta)

    def end(self, *, is_call: bool) -> Iterator[str]:
        """See `Format`."""
        yield self._event("content_block_stop", index=0)
        delta = {"stop_reason": "tool_use" if is_call else "end_turn", "stop_sequence": None}
        yield self._event("message_delta", delta=delta, usage={"output_tokens": 5})
        yield self._event("message_stop")

    def _event(self, type_: str, **fields: Any) -> str:
        return f"event: {type_}\ndata: {json.dumps({'type': type_, **fields})}\n\n"


OPENAI, ANTHROPIC = OpenAIFormat(), AnthropicFormat()
