"""The parts of one UI message, in their order: which follow from what a handler says. No I/O.

`UIMessageWriter` and `SyncUIMessageWriter` send what the methods of `MessageParts` return.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from .part_types import Part

PIECE_CHARACTERS = 10_000
"""The longest delta: a character takes at most six bytes of JSON, and a chunk of a stream may have 65,000."""

Block = Literal["text", "reasoning"]


class MessageParts:
    """One message on its way: what is open of it, and which parts come next."""

    def __init__(self, message_id: str) -> None:
        self.message_id: str = message_id
        self._block: tuple[Block, str] | None = None
        """The block of text or reasoning that is open, and its id."""
        self._blocks = 0
        self.finished: bool = False
        """Whether nothing may follow."""

    @property
    def blocks(self) -> int:
        """Blocks of text and reasoning so far."""
        return self._blocks

    def begin_again(self, blocks: int) -> None:
        """Go on as behind so many blocks, none of which is open."""
        self._block, self._blocks = None, blocks

    def begin(self, metadata: Any = None, earlier: Iterable[Part] = ()) -> list[Part]:
        """Begin the message, and its first step; `earlier`: the chunks that hold what is gone on with."""
        start = filled("start", messageId=self.message_id, messageMetadata=metadata)
        return [start, *earlier, {"type": "start-step"}]

    def delta(self, block: Block, text: str, metadata: Any = None) -> list[Part]:
        """Add to the text, or to the reasoning; another block that is open ends."""
        if not text and metadata is None:
            return []
        parts: list[Part] = []
        if self._block is None or self._block[0] != block:
            parts += self.end_block()
            self._blocks += 1
            self._block = block, str(self._blocks)
            parts.append({"type": f"{block}-start", "id": self._block[1]})
        identity = self._block[1]
        parts += [{"type": f"{block}-delta", "id": identity, "delta": piece} for piece in pieces_of(text)]
        if metadata is not None:
            parts += self.end_block(metadata)
        return parts

    def end_block(self, metadata: Any = None) -> list[Part]:
        """End the text or the reasoning that is open."""
        if self._block is None:
            return []
        (block, identity), self._block = self._block, None
        return [filled(f"{block}-end", id=identity, providerMetadata=metadata)]

    def tool_input_start(self, call: str, tool: str) -> list[Part]:
        """Begin the call of a tool, whose input is to come."""
        return [*self.end_block(), {"type": "tool-input-start", "toolCallId": call, "toolName": tool}]

    def tool_input_delta(self, call: str, text: str) -> list[Part]:
        """Add to the input of a call, as JSON text."""
        return [{"type": "tool-input-delta", "toolCallId": call, "inputTextDelta": piece} for piece in pieces_of(text)]

    def tool_input(self, call: str, tool: str, value: Any) -> list[Part]:
        """Give the input of a call whole."""
        part = {"type": "tool-input-available", "toolCallId": call, "toolName": tool, "input": value}
        return [*self.end_block(), part]

    def tool_input_error(self, call: str, tool: str, value: Any, why: str) -> list[Part]:
        """Say that a call cannot be made: its input is no JSON, or there is no such tool."""
        part = {"type": "tool-input-error", "toolCallId": call, "toolName": tool, "input": value, "errorText": why}
        return [*self.end_block(), part]

    def tool_text(self, call: str, tool: str, text: str) -> tuple[list[Part], Any]:
        """Give the input of a call as a model wrote it; return the parts and the value.

        The value is `msgspec.UNSET` where the text is no JSON object.
        """
        try:
            value = msgspec.json.decode(text or "{}")
        except (msgspec.DecodeError, RecursionError) as error:
            why = f"the model's input of the tool is not JSON: {error}"
            return self.tool_input_error(call, tool, text, why), msgspec.UNSET
        if not isinstance(value, dict):
            why = "the model's input of the tool is not an object"
            return self.tool_input_error(call, tool, value, why), msgspec.UNSET
        return self.tool_input(call, tool, value), value

    def next_step(self) -> list[Part]:
        """End a step, such as one answer of a model, and begin the next."""
        return [*self.end_block(), {"type": "finish-step"}, {"type": "start-step"}]

    def alone(self, part: Part) -> list[Part]:
        """Add a part that is not part of a block."""
        return [*self.end_block(), part]

    def finish(self, reason: str | None = None, metadata: Any = None) -> list[Part]:
        """End the last step, and the message. A second call adds nothing."""
        if self.finished:
            return []
        self.finished = True
        finish = filled("finish", finishReason=reason, messageMetadata=metadata)
        return [*self.end_block(), {"type": "finish-step"}, finish]


def pieces_of(text: str) -> list[str]:
    """Return a text in pieces that a chunk can hold."""
    return [text[begin : begin + PIECE_CHARACTERS] for begin in range(0, len(text), PIECE_CHARACTERS)]


def filled(type_: str, **fields: Any) -> Part:
    """Return a part without the fields that are None."""
    return {"type": type_, **{name: value for name, value in fields.items() if value is not None}}
