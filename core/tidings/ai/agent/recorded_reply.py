"""One answer of a model as the journal of an agent keeps it: what it said, as parts of the message, and its end."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.ai.models.model_reply import ModelReply, ToolCall
from tidings.ai.part_types import Part

from .repeated_parts import joined


class RecordedReply(msgspec.Struct):
    """The result of a step that called a model."""

    parts: list[Part]
    """What it added to the message; the pieces of each text are joined."""
    blocks: int
    """Blocks of text and reasoning that the message had behind it, from which the next gets its id."""
    calls: list[ToolCall]
    refused: list[str]
    finish_reason: str | None
    usage: Any

    @classmethod
    def of(cls, reply: ModelReply, parts: list[Part], blocks: int) -> dict[str, Any]:
        """Return it as JSON has it."""
        found = cls(
            joined(parts), blocks, reply.tool_calls, reply.refused_calls, reply.finish_reason, _usage(reply.usage)
        )
        built: dict[str, Any] = msgspec.to_builtins(found)
        return built

    @property
    def reply(self) -> ModelReply:
        """What the model answered."""
        return ModelReply(
            self._text_of("text-delta"),
            self._text_of("reasoning-delta"),
            self.calls,
            self.refused,
            self.finish_reason,
            self.usage,
        )

    def _text_of(self, type_: str) -> str:
        return "".join(part["delta"] for part in self.parts if part["type"] == type_)


def _usage(usage: Any) -> Any:
    """Return what a model's client says of the tokens as JSON: both clients give an object of pydantic's."""
    if hasattr(usage, "model_dump"):
        return usage.model_dump(mode="json")
    return dict(usage) if isinstance(usage, Mapping) else usage
