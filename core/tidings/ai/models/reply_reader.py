"""What the readers of models' streams have in common: those of OpenAI's and of Anthropic's clients."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

from tidings.ai.message_parts import MessageParts
from tidings.ai.part_types import Part

from .model_reply import ModelReply, ToolCall


class ReplyReader(ABC):
    """Turns what comes of one answer of a model into parts of a message."""

    def __init__(self, message: MessageParts, tools: Collection[str] | None = None) -> None:
        """Prepare.

        Args:
            message: the message.
            tools: the names of the tools that were offered; None: any may be called.

        """
        self.reply: ModelReply = ModelReply()
        self._message = message
        self._tools = tools

    @abstractmethod
    def take(self, item: Any) -> list[Part]:
        """Return the parts that one item of the stream adds."""

    @abstractmethod
    def end(self) -> list[Part]:
        """Return the parts that follow the last item."""

    def _add_text(self, text: str) -> list[Part]:
        self.reply.text += text
        return self._message.delta("text", text)

    def _add_reasoning(self, text: str) -> list[Part]:
        self.reply.reasoning += text
        return self._message.delta("reasoning", text)

    def _end_call(self, call: str, tool: str, text: str) -> list[Part]:
        """Return the parts for a call whose input has come whole, as JSON text."""
        if self._tools is not None and tool not in self._tools:
            self.reply.refused_calls.append(call)
            offered = ", ".join(sorted(self._tools)) or "none"
            why = f"the model called the tool {tool!r}, which was not offered; offered: {offered}"
            return self._message.tool_input_error(call, tool, text, why)
        parts, value = self._message.tool_text(call, tool, text)
        if isinstance(value, dict):
            self.reply.tool_calls.append(ToolCall(call, tool, value))
        else:
            self.reply.refused_calls.append(call)
        return parts
