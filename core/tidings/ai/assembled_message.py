"""The message that parts make, as the page assembles it: what an application keeps as the history of a chat.

Source: `process-ui-message-stream.ts` of the package `ai` 7.0.173; `tests/ai` compares the two.
"""

from copy import deepcopy
from typing import Any, Final

from .chat_request import UIMessage
from .part_types import DATA_PREFIX, Part

_TOOL_STATE = {
    "tool-input-start": "input-streaming",
    "tool-input-available": "input-available",
    "tool-input-error": "output-error",
    "tool-approval-request": "approval-requested",
    "tool-approval-response": "approval-responded",
    "tool-output-available": "output-available",
    "tool-output-error": "output-error",
    "tool-output-denied": "output-denied",
}
"""The state of a tool's part after each part that is about it."""

_OF_OUTCOME = ("output", "errorText", "preliminary")
"""What an outcome says of a tool's call, in place of what an earlier one said."""

_STATE_ALONE = frozenset({"tool-approval-request", "tool-approval-response", "tool-output-denied"})
"""Parts about a tool's call that leave what is said of its outcome."""

ALONE: Final[dict[str, tuple[str, ...]]] = {
    "file": ("mediaType", "url"),
    "reasoning-file": ("mediaType", "url"),
    "source-url": ("sourceId", "url", "title"),
    "source-document": ("sourceId", "mediaType", "title", "filename"),
    "custom": ("kind",),
}
"""Parts that go into the message as they are, with the fields that stay."""


class AssembledMessage:
    """A message that grows with each part."""

    def __init__(self, message_id: str, continued: UIMessage | None = None) -> None:
        """Begin with nothing, or with the message that is gone on with."""
        self.id: str = message_id
        self.parts: list[Part] = [] if continued is None else deepcopy(continued.parts)
        self.metadata: Any = None if continued is None else deepcopy(continued.metadata)
        self._blocks: dict[tuple[str, str], Part] = {}

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        message = {"id": self.id, "role": "assistant", "parts": self.parts}
        return message if self.metadata is None else {**message, "metadata": self.metadata}

    def add(self, part: Part) -> None:
        """Add a part."""
        type_: str = part["type"]
        block, _, what = type_.rpartition("-")
        if block in ("text", "reasoning") and what in ("start", "delta", "end"):
            self._block(block, what, part)
        elif type_ in _TOOL_STATE:
            self._tool(type_, part)
        elif type_ == "start-step":
            self.parts.append({"type": "step-start"})
        elif type_ in ALONE:
            names = (*ALONE[type_], "providerMetadata")
            self.parts.append({"type": type_, **{name: part[name] for name in names if name in part}})
        elif type_.startswith(DATA_PREFIX):
            self._data(part)
        elif type_ in ("start", "finish", "message-metadata") and part.get("messageMetadata") is not None:
            self.metadata = _merged(self.metadata, part["messageMetadata"])

    def _block(self, block: str, what: str, part: Part) -> None:
        key = block, part["id"]
        if what == "start":
            begun = {"type": block, "text": "", "state": "streaming"}
            if block == "reasoning":
                begun["id"] = part["id"]
            self._blocks[key] = begun
            self.parts.append(begun)
        known = self._blocks[key]
        if what == "delta":
            known["text"] += part["delta"]
        elif what == "end":
            known["state"] = "done"
            del self._blocks[key]
        if part.get("providerMetadata") is not None:
            known["providerMetadata"] = part["providerMetadata"]

    def _tool(self, type_: str, part: Part) -> None:
        found = self._found(part)
        if found is None:
            found = {"type": f"tool-{part['toolName']}", "toolCallId": part["toolCallId"]}
            self.parts.append(found)
        found["state"] = _TOOL_STATE[type_]
        if type_ not in _STATE_ALONE:
            for name in _OF_OUTCOME:
                found.pop(name, None)
        for name in ("input", "output", "errorText", "title", "providerExecuted", "toolMetadata", "preliminary"):
            if name in part:
                found[name] = part[name]
        if type_ == "tool-approval-request":
            found["approval"] = {"id": part["approvalId"]}
        elif type_ == "tool-approval-response":
            found["approval"] = {**found.get("approval", {}), "id": part["approvalId"], "approved": part["approved"]}
            if part.get("reason") is not None:
                found["approval"]["reason"] = part["reason"]

    def _found(self, part: Part) -> Part | None:
        """Return the message's part of the tool that a part is about; None: there is none."""
        if "toolCallId" not in part:
            return next((one for one in self.parts if one.get("approval", {}).get("id") == part["approvalId"]), None)
        newest_first: list[Part] = self.parts[::-1]
        for found in newest_first:
            if found.get("toolCallId") == part["toolCallId"]:
                return found
            if found["type"] == "step-start" and part["type"].startswith("tool-input-"):
                return None  # a call of an earlier step is another one
        return None

    def _data(self, part: Part) -> None:
        if part.get("transient"):
            return
        identity = part.get("id")
        for found in self.parts if identity is not None else ():
            if found["type"] == part["type"] and found.get("id") == identity:
                found["data"] = part["data"]
                return
        self.parts.append(deepcopy(part))


def _merged(old: Any, new: Any) -> Any:
    """Return metadata with what a part adds to it; objects are merged at every depth."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return deepcopy(new)
    return {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
