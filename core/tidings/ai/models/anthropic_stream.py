"""Streams of messages, as the Python client of Anthropic gives them: raw events, or those of its helper.

Nothing of that package is imported: an event is an object with attributes, or a mapping.

Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from collections.abc import Collection
from typing import Any

from tidings.ai.message_parts import MessageParts
from tidings.ai.part_types import Part

from .read_field import field_of, text_of
from .reply_reader import ReplyReader

_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool-calls",
    "refusal": "content-filter",
}


class ModelStreamError(Exception):
    """The stream of a model ended with an error that it told in an event."""


class AnthropicReader(ReplyReader):
    """Turns the events of one stream into parts of a message. Events that it does not know add nothing."""

    def __init__(self, message: MessageParts, tools: Collection[str] | None = None) -> None:
        """Prepare; see `ReplyReader`."""
        super().__init__(message, tools)
        self._call: list[str] | None = None
        """The call whose input comes: its id, the tool, and the input so far."""
        self._signature = ""

    def take(self, item: Any) -> list[Part]:
        """Return the parts that an event adds.

        Raises:
            ModelStreamError: the event is an error.

        """
        match text_of(item, "type"):
            case "message_start":
                self.reply.usage = field_of(field_of(item, "message"), "usage")
            case "content_block_start":
                return self._begin(field_of(item, "content_block"))
            case "content_block_delta":
                return self._delta(field_of(item, "delta"))
            case "content_block_stop":
                return self._stop()
            case "message_delta":
                reason = text_of(field_of(item, "delta"), "stop_reason")
                if reason:
                    self.reply.finish_reason = _REASONS.get(reason, "other")
                self.reply.usage = field_of(item, "usage") or self.reply.usage
            case "error":
                error = field_of(item, "error")
                raise ModelStreamError(text_of(error, "message") or text_of(error, "type") or "the model failed")
        return []

    def end(self) -> list[Part]:
        """Return the parts that follow the last event."""
        return self._stop()

    def _begin(self, block: Any) -> list[Part]:
        match text_of(block, "type"):
            case "text":
                return self._add_text(text_of(block, "text"))
            case "thinking":
                return self._add_reasoning(text_of(block, "thinking"))
            case "tool_use":
                call, tool = text_of(block, "id"), text_of(block, "name")
                self._call = [call, tool, ""]
                return self._message.tool_input_start(call, tool)
        return []

    def _delta(self, delta: Any) -> list[Part]:
        match text_of(delta, "type"):
            case "text_delta":
                return self._add_text(text_of(delta, "text"))
            case "thinking_delta":
                return self._add_reasoning(text_of(delta, "thinking"))
            case "signature_delta":
                self._signature += text_of(delta, "signature")
            case "input_json_delta" if self._call is not None:
                text = text_of(delta, "partial_json")
                self._call[2] += text
                return self._message.tool_input_delta(self._call[0], text)
        return []

    def _stop(self) -> list[Part]:
        """Return the parts that end a block of the model's."""
        if self._call is not None:
            (call, tool, text), self._call = self._call, None
            return self._end_call(call, tool, text)
        # The model wants its reasoning back signed, in the next request.
        signature, self._signature = self._signature, ""
        return self._message.end_block({"anthropic": {"signature": signature}} if signature else None)
