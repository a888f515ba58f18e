"""A message that a job goes on with, as parts that make the same message in a page which begins with nothing.

Such a page has reloaded. The job's own parts begin behind the message, which came with the request. So the writer puts
the message in front of them, in chunks that a page which has the message is not sent. A server or client of an earlier
release sends them on: each is a transient part of data, of which the AI SDK keeps nothing.

Source: `process-ui-message-stream.ts` of the package `ai` 7.0.173; `tests/ai` compares the two.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from .assembled_message import ALONE
from .chat_request import UIMessage
from .message_parts import filled, pieces_of
from .part_types import DATA_PREFIX, REQUIRED_FIELDS, Part

EARLIER: Final = f"{DATA_PREFIX}tidings-earlier"
"""The type of the chunks that hold a message which is gone on with, as JSON text of its parts in pieces."""

_encode = msgspec.json.Encoder().encode

_OF_CALL = {
    "title": "title",
    "providerExecuted": "providerExecuted",
    "toolMetadata": "toolMetadata",
    "callProviderMetadata": "providerMetadata",
}
"""Fields of a tool's part that the parts of its call have, and their names there."""

_ASKED = {
    "descriptor": "approvalDescriptor",
    "inputSchemaInput": "inputSchemaInput",
    "requestReason": "reason",
    "isAutomatic": "isAutomatic",
    "signature": "signature",
}
"""Fields of an approval that its request has, and their names there."""

_TEXTS = frozenset({"title", "filename", "reason", "requestReason", "signature"})
_FLAGS = frozenset({"providerExecuted", "isAutomatic", "preliminary"})
_OBJECTS = frozenset({"providerMetadata", "callProviderMetadata", "resultProviderMetadata"})


class PrefixText(msgspec.Struct):
    """The data of one chunk of a message that is gone on with."""

    text: str
    """A piece of the JSON text of all parts."""
    last: bool
    """Whether the text is whole with it."""


def earlier_chunks(message: UIMessage) -> list[Part]:
    """Return the chunks that hold a message which is gone on with, at least one."""
    pieces = pieces_of(_encode(earlier_parts(message)).decode())
    return [
        {"type": EARLIER, "transient": True, "data": {"text": piece, "last": number == len(pieces)}}
        for number, piece in enumerate(pieces, start=1)
    ]


def earlier_parts(message: UIMessage) -> list[Part]:
    """Return the parts that make a message as it is in the page.

    What is no part of a message, as a page may send, is left out: no stream can say it.
    """
    parts: list[Part] = []
    if message.metadata is not None:
        parts.append({"type": "message-metadata", "messageMetadata": message.metadata})
    for number, part in enumerate(message.parts):
        parts += _said_again(part, f"earlier-{number}")
    return parts


def _said_again(part: Part, identity: str) -> Iterable[Part]:
    type_ = part.get("type")
    if not isinstance(type_, str):
        return ()
    tool = part.get("toolName") if type_ == "dynamic-tool" else type_.removeprefix("tool-")
    if type_ == "step-start":
        return ({"type": "start-step"},)
    if type_ in ("text", "reasoning") and isinstance(part.get("text"), str):
        return _block(part, identity)
    if type_ in ALONE or type_.startswith(DATA_PREFIX):
        return _alone(part, type_)
    if tool != type_ and isinstance(tool, str) and isinstance(part.get("toolCallId"), str):
        return _tool(part, tool)
    return ()


def _alone(part: Part, type_: str) -> Iterator[Part]:
    if type_ in ALONE:
        if all(isinstance(part.get(name), str) for name in REQUIRED_FIELDS[type_]):
            yield filled(type_, **{name: _field(part, name) for name in (*ALONE[type_], "providerMetadata")})
    elif "data" in part and isinstance(part.get("id", ""), str):
        kept = ("type", "id", "data", *(["transient"] if part.get("transient") is False else ()))
        yield {name: part[name] for name in kept if name in part}


def _block(part: Part, identity: str) -> Iterator[Part]:
    block, known = part["type"], part.get("id")
    if block == "reasoning" and isinstance(known, str):  # the page keeps it
        identity = known
    yield filled(f"{block}-start", id=identity, providerMetadata=_field(part, "providerMetadata"))
    for piece in pieces_of(part["text"]):
        yield {"type": f"{block}-delta", "id": identity, "delta": piece}
    if part.get("state") != "streaming":
        yield {"type": f"{block}-end", "id": identity}


def _tool(part: Part, tool: str) -> Iterator[Part]:
    """Return the parts about one call.

    A page calls a tool of its own when its input is there whole (`tool-input-available`). Where the outcome is there
    too, the input is given in pieces, so that the page does not call the tool again.
    """
    call, state = part["toolCallId"], part.get("state")
    about: Part = {name: _field(part, known) for known, name in _OF_CALL.items() if _field(part, known) is not None}
    if part["type"] == "dynamic-tool":
        about["dynamic"] = True
    named = {"toolCallId": call, "toolName": tool}
    ended = state in ("output-available", "output-error")
    if ended or state == "input-streaming":
        yield {"type": "tool-input-start", **named, **about}
        if part.get("input") is not None:
            for piece in pieces_of(_encode(part["input"]).decode()):
                yield {"type": "tool-input-delta", "toolCallId": call, "inputTextDelta": piece}
    else:
        yield {"type": "tool-input-available", **named, "input": part.get("input"), **about}
    yield from _approval(part.get("approval"), call)
    of_outcome = {"toolCallId": call, "providerMetadata": _field(part, "resultProviderMetadata")}
    of_outcome |= {name: about.get(name) for name in ("providerExecuted", "toolMetadata")}
    if state == "output-available":
        said = filled("tool-output-available", preliminary=_field(part, "preliminary"), **of_outcome)
        yield said | {"output": part.get("output")}
    elif state == "output-error":
        why, value = str(part.get("errorText", "")), part.get("input", part.get("rawInput"))
        yield filled("tool-input-error", toolName=tool, errorText=why, **of_outcome) | {"input": value}
    elif state == "output-denied":
        yield {"type": "tool-output-denied", "toolCallId": call}


def _approval(approval: Any, call: str) -> Iterator[Part]:
    if not isinstance(approval, dict) or not isinstance(approval.get("id"), str):
        return
    asked = {name: _field(approval, known) for known, name in _ASKED.items()}
    yield filled("tool-approval-request", approvalId=approval["id"], toolCallId=call, **asked)
    if isinstance(approval.get("approved"), bool):
        yield filled(
            "tool-approval-response",
            approvalId=approval["id"], approved=approval["approved"], reason=_field(approval, "reason"),
        )  # fmt: skip


def _field(part: Part, name: str) -> Any:
    """Return a field that may be missing; None: it is, or has another type than pages give it."""
    value = part.get(name)
    if name in _TEXTS:
        return value if isinstance(value, str) else None
    if name in _FLAGS:
        return value if isinstance(value, bool) else None
    if name in _OBJECTS:
        objects = isinstance(value, dict) and all(isinstance(one, dict) for one in value.values())
        return value if objects else None
    if name == "toolMetadata":
        return value if isinstance(value, dict) else None
    return value
