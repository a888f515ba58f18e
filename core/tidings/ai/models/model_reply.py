"""What a model answered, gathered while its stream was written into a message."""

from typing import Any

import msgspec


class ToolCall(msgspec.Struct, frozen=True):
    """A tool that the model wants called."""

    id: str
    """Of the call."""
    name: str
    """Of the tool."""
    input: dict[str, Any]
    """What it is called with."""


class ModelReply(msgspec.Struct):
    """One answer of a model."""

    text: str = ""
    """All of its text."""
    reasoning: str = ""
    """All of its reasoning."""
    tool_calls: list[ToolCall] = []
    """The tools that it wants called, with an input that is a JSON object."""
    refused_calls: list[str] = []
    """The ids of calls that cannot be made, for which the message says why."""
    finish_reason: str | None = None
    """Why it ended, in the words of the UI message stream; None: it did not say, as where the stream was cut off."""
    usage: Any = None
    """What the model says of the tokens, as its client gave it."""
