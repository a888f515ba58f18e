"""The parts of a UI message stream: which there are, and which fields each must have.

Source: `ui-message-chunks.ts` of the package `ai` 7.0.173; `tests/ai` compares the table with the package itself.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

Part = dict[str, Any]
"""One part: a JSON object with a `type`."""

REQUIRED_FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "start": (),
        "finish": (),
        "abort": (),
        "error": ("errorText",),
        "message-metadata": ("messageMetadata",),
        "start-step": (),
        "finish-step": (),
        "reset-step": (),
        "text-start": ("id",),
        "text-delta": ("id", "delta"),
        "text-end": ("id",),
        "reasoning-start": ("id",),
        "reasoning-delta": ("id", "delta"),
        "reasoning-end": ("id",),
        "tool-input-start": ("toolCallId", "toolName"),
        "tool-input-delta": ("toolCallId", "inputTextDelta"),
        "tool-input-available": ("toolCallId", "toolName", "input"),
        "tool-input-error": ("toolCallId", "toolName", "input", "errorText"),
        "tool-approval-request": ("approvalId", "toolCallId"),
        "tool-approval-response": ("approvalId", "approved"),
        "tool-output-available": ("toolCallId", "output"),
        "tool-output-error": ("toolCallId", "errorText"),
        "tool-output-denied": ("toolCallId",),
        "source-url": ("sourceId", "url"),
        "source-document": ("sourceId", "mediaType", "title"),
        "file": ("url", "mediaType"),
        "reasoning-file": ("url", "mediaType"),
        "custom": ("kind",),
    }
)
"""The types of parts, and the fields that each must have; every other type is `data-` and a name."""

DATA_PREFIX: Final = "data-"

WRITTEN_BY_SERVER: Final = frozenset({"abort", "reset-step"})
"""Types that the server writes, where a job is cancelled or a later attempt says the answer again; no handler does."""

FINISH_REASONS: Final = frozenset({"stop", "length", "content-filter", "tool-calls", "error", "interrupted", "other"})


def checked(part: Part) -> Part:
    """Return a part that a handler writes.

    Raises:
        ValueError: it has a type that there is not, or that handlers do not write, or lacks a field.

    """
    type_ = part.get("type")
    if not isinstance(type_, str):
        raise ValueError("a part of a UI message is an object with a text `type`")  # noqa: TRY004 - of the value
    if type_ in WRITTEN_BY_SERVER:
        raise ValueError(f"the server writes parts of the type {type_!r}; a handler does not")
    if type_.startswith(DATA_PREFIX) and type_ != DATA_PREFIX:
        required: tuple[str, ...] = ("data",)
    elif type_ in REQUIRED_FIELDS:
        required = REQUIRED_FIELDS[type_]
    else:
        known = ", ".join(sorted({*REQUIRED_FIELDS} - WRITTEN_BY_SERVER))
        raise ValueError(f"there is no part of the type {type_!r}; there are {known}, and `data-` with a name")
    for field in required:
        if field not in part:
            raise ValueError(f"a part of the type {type_!r} needs the field `{field}`")
    if type_ == "finish" and part.get("finishReason") not in (None, *FINISH_REASONS):
        reasons = ", ".join(sorted(FINISH_REASONS))
        raise ValueError(f"`finishReason` is one of {reasons}; not {part['finishReason']!r}")
    return part
